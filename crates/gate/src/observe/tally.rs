//! Counters of each deployment, found without looking them up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aeolus_decide::{Deployment, PathClass, Reason, World};
use aeolus_model::{DeploymentId, RolloutPath};

use super::Outcome;
use crate::codec::Dialect;
use crate::rollout::Standing;
use crate::upstream::Unanswered;

/// The row of decisions whose path's class is not known.
const UNCLASSED: usize = PathClass::ALL.len();

/// By which path a request was decided, and how it was asked about.
pub(super) type Way = (RolloutPath, Dialect);

/// What is counted of one deployment. What nobody asks for takes no room.
#[derive(Debug, Default)]
pub(super) struct Tally {
    paths: [[OnceLock<Box<Cells>>; Dialect::ALL.len()]; RolloutPath::ALL.len()],
    upstream_errors: AtomicU64,
    upstream_untrusted: AtomicU64,
    waiting: AtomicUsize,
    standing: Standing,
}

#[derive(Debug, Default)]
struct Cells {
    decisions: [[AtomicU64; Outcome::ALL.len()]; UNCLASSED + 1],
    refusals: OnceLock<Box<[AtomicU64]>>,
}

impl Tally {
    /// Counts a decision; says how many like it there were before.
    pub(super) fn decided(&self, way: Way, class: Option<PathClass>, outcome: Outcome) -> u64 {
        let row = class.map_or(UNCLASSED, |class| class as usize);
        let cells = self.cells(way);
        let row = cells.and_then(|cells| cells.decisions.get(row));
        row.and_then(|row| row.get(outcome as usize))
            .map_or(0, |cell| cell.fetch_add(1, Ordering::Relaxed))
    }

    /// Counts a cause of refusal.
    pub(super) fn refused(&self, way: Way, reason: Reason) {
        let Some(cells) = self.cells(way) else {
            return;
        };
        let all = cells
            .refusals
            .get_or_init(|| Reason::ALL.map(|_| AtomicU64::new(0)).into());
        if let Some(cell) = all.get(reason as usize) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn upstream_error(&self, why: Unanswered) {
        self.upstream_errors.fetch_add(1, Ordering::Relaxed);
        if why == Unanswered::Untrusted {
            self.upstream_untrusted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many requests wait for the application.
    pub(super) const fn waiting(&self) -> &AtomicUsize {
        &self.waiting
    }

    /// Whether the gate has taken it off its rollout's path.
    pub(super) const fn standing(&self) -> &Standing {
        &self.standing
    }

    pub(super) fn upstream_errors(&self) -> u64 {
        self.upstream_errors.load(Ordering::Relaxed)
    }

    /// Those among them that did not prove who they are.
    pub(super) fn upstream_untrusted(&self) -> u64 {
        self.upstream_untrusted.load(Ordering::Relaxed)
    }

    /// Every decision that was made at all.
    pub(super) fn decisions(
        &self,
    ) -> impl Iterator<Item = (Way, Option<PathClass>, Outcome, u64)> + '_ {
        self.filled().flat_map(|(way, cells)| {
            let classes = PathClass::ALL.into_iter().map(Some).chain([None]);
            classes
                .zip(&cells.decisions)
                .flat_map(move |(class, row)| {
                    let outcomes = Outcome::ALL.into_iter().zip(row);
                    outcomes.map(move |(outcome, cell)| {
                        (way, class, outcome, cell.load(Ordering::Relaxed))
                    })
                })
                .filter(|(.., count)| *count > 0)
        })
    }

    /// Every cause of refusal that was met.
    pub(super) fn refusals(&self) -> impl Iterator<Item = (Way, Reason, u64)> + '_ {
        self.filled().flat_map(|(way, cells)| {
            let counts = cells.refusals.get().into_iter().flatten();
            Reason::ALL
                .into_iter()
                .zip(counts)
                .map(move |(reason, cell)| (way, reason, cell.load(Ordering::Relaxed)))
                .filter(|(.., count)| *count > 0)
        })
    }

    fn cells(&self, (path, dialect): Way) -> Option<&Cells> {
        let cell = self.paths.get(path as usize)?.get(dialect as usize)?;
        Some(cell.get_or_init(Box::default))
    }

    fn filled(&self) -> impl Iterator<Item = (Way, &Cells)> {
        let paths = RolloutPath::ALL.into_iter().zip(&self.paths);
        paths.flat_map(|(path, dialects)| {
            let all = Dialect::ALL.into_iter().zip(dialects);
            all.filter_map(move |(dialect, cells)| Some(((path, dialect), &**cells.get()?)))
        })
    }
}

/// The tallies of all deployments. They outlive a snapshot; a deployment that is in no snapshot any
/// more takes its counters with it.
#[derive(Debug, Default)]
pub(super) struct Board {
    deployments: Mutex<HashMap<DeploymentId, Arc<Tally>>>,
    nowhere: Tally,
}

impl Board {
    /// A deployment's counters: at hand from the second request after a snapshot on. Requests that
    /// lead to no deployment are counted together.
    pub(super) fn tally<'a>(&'a self, deployment: Option<&'a Deployment>) -> &'a Tally {
        let found = deployment.and_then(|deployment| {
            let seated = || {
                let mut all = self.lock();
                Arc::clone(all.entry(deployment.id).or_default())
            };
            deployment.seat.get_or_fill(seated)
        });
        found.unwrap_or(&self.nowhere)
    }

    /// Each tally with its deployment's name, empty for requests that led to none. Those of
    /// deployments that the world no longer has are forgotten.
    pub(super) fn all(&self, world: Option<&World>) -> Vec<(String, Arc<Tally>)> {
        let mut all = self.lock();
        if let Some(world) = world {
            all.retain(|id, _| world.deployment(*id).is_some());
        }
        let named = |(id, tally): (&DeploymentId, &Arc<Tally>)| {
            let name = world.and_then(|world| world.deployment(*id));
            let name = name.map_or_else(|| id.to_string(), |found| found.name.clone());
            (name, Arc::clone(tally))
        };
        all.iter().map(named).collect()
    }

    /// Requests that led to no deployment.
    pub(super) const fn nowhere(&self) -> &Tally {
        &self.nowhere
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<DeploymentId, Arc<Tally>>> {
        // What a panic left behind is whole: single cells are added to.
        self.deployments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: Way = (RolloutPath::Plane, Dialect::Proxy);
    const NGINX: Way = (RolloutPath::Central, Dialect::Nginx);

    #[test]
    fn numbers_are_places() {
        for (number, dialect) in Dialect::ALL.into_iter().enumerate() {
            assert_eq!(dialect as usize, number);
        }
        for (number, path) in RolloutPath::ALL.into_iter().enumerate() {
            assert_eq!(path as usize, number);
        }
        for (number, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, number);
        }
        for (number, class) in PathClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, number);
        }
    }

    #[test]
    fn a_tally_says_what_was_counted_and_nothing_else() {
        let tally = Tally::default();
        let read = Some(PathClass::PrivateRead);
        assert_eq!(tally.decided(PROXY, read, Outcome::Allow), 0);
        assert_eq!(tally.decided(PROXY, read, Outcome::Allow), 1);
        tally.decided(NGINX, None, Outcome::Deny);
        tally.refused(NGINX, Reason::Forbidden);
        let decisions: Vec<_> = tally.decisions().collect();
        assert_eq!(
            decisions,
            [
                (PROXY, read, Outcome::Allow, 2),
                (NGINX, None, Outcome::Deny, 1),
            ]
        );
        let refusals: Vec<_> = tally.refusals().collect();
        assert_eq!(refusals, [(NGINX, Reason::Forbidden, 1)]);
    }
}
