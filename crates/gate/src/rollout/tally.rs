//! What is counted of one flag, for those who move it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aeolus_api::rollout::{Bucket, Difference, Figures, PathFigures};
use aeolus_decide::Reason;
use aeolus_model::RolloutPath;

use crate::observe::Latency;
use crate::replica::lock;

/// Counts since the gate's start.
#[derive(Debug, Default)]
pub(super) struct FlagTally {
    paths: [PathTally; RolloutPath::ALL.len()],
    compared: AtomicU64,
    uncompared: AtomicU64,
    /// By what the gate decided and what control did; a lock only where they differ.
    differences: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

#[derive(Debug)]
struct PathTally {
    requests: AtomicU64,
    errors: AtomicU64,
    refusals: [AtomicU64; Reason::ALL.len()],
    latency: Latency,
}

impl Default for PathTally {
    fn default() -> Self {
        Self {
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            refusals: [const { AtomicU64::new(0) }; Reason::ALL.len()],
            latency: Latency::default(),
        }
    }
}

impl FlagTally {
    /// Counts a decision; says how many there were on the path before.
    pub(super) fn decided(
        &self,
        path: RolloutPath,
        reason: Option<Reason>,
        (error, took): (bool, Duration),
    ) -> u64 {
        let Some(tally) = self.paths.get(path as usize) else {
            return 0;
        };
        if let Some(cell) = reason.and_then(|reason| tally.refusals.get(reason as usize)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        if error {
            tally.errors.fetch_add(1, Ordering::Relaxed);
        }
        tally.latency.observe(took);
        tally.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a request that was decided on both paths. None is an allowance.
    pub(super) fn compared(&self, plane: Option<Reason>, central: Option<Reason>) {
        self.compared.fetch_add(1, Ordering::Relaxed);
        if plane.is_some() != central.is_some() {
            let pair = (rule(plane), rule(central));
            *lock(&self.differences).entry(pair).or_default() += 1;
        }
    }

    /// Counts a request that was to be, and could not.
    pub(super) fn uncompared(&self) {
        self.uncompared.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything.
    pub(super) fn figures(&self) -> Figures {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let paths = RolloutPath::ALL.into_iter().zip(&self.paths);
        let taken = paths.filter(|(_, tally)| read(&tally.requests) > 0);
        let differences = lock(&self.differences);
        let differences = differences
            .iter()
            .map(|((plane, central), count)| Difference {
                plane: (*plane).to_owned(),
                central: (*central).to_owned(),
                count: *count,
            });
        Figures {
            paths: taken.map(|(path, tally)| tally.figures(path)).collect(),
            compared: read(&self.compared),
            uncompared: read(&self.uncompared),
            differences: differences.collect(),
            ..Figures::default()
        }
    }
}

impl PathTally {
    fn figures(&self, path: RolloutPath) -> PathFigures {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let refusals = Reason::ALL.into_iter().zip(&self.refusals);
        let denials = refusals.filter_map(|(reason, cell)| {
            let count = read(cell);
            (count > 0).then(|| (reason.code().to_owned(), count))
        });
        let buckets = self.latency.micros().into_iter();
        PathFigures {
            path,
            requests: read(&self.requests),
            errors: read(&self.errors),
            denials: denials.collect(),
            latency: buckets.map(|(le, count)| Bucket { le, count }).collect(),
            p50_micros: 0,
            p99_micros: 0,
        }
    }
}

/// What decided.
fn rule(reason: Option<Reason>) -> &'static str {
    reason.map_or("allow", Reason::code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o4_paths_are_counted_apart_and_differences_by_rule() {
        let tally = FlagTally::default();
        let took = Duration::from_micros(3);
        assert_eq!(tally.decided(RolloutPath::Plane, None, (false, took)), 0);
        let refused = Some(Reason::Forbidden);
        assert_eq!(tally.decided(RolloutPath::Plane, refused, (false, took)), 1);
        let lost = Some(Reason::CentralUnanswered);
        tally.decided(RolloutPath::Central, lost, (true, took));
        tally.compared(None, None);
        tally.compared(Some(Reason::Forbidden), Some(Reason::Scope));
        tally.compared(None, Some(Reason::TokenRevoked));
        tally.compared(None, Some(Reason::TokenRevoked));
        tally.uncompared();
        let figures = tally.figures();
        let [plane, central] = &figures.paths[..] else {
            panic!("{figures:?}");
        };
        assert_eq!((plane.requests, plane.errors), (2, 0));
        assert_eq!(plane.denials, [("forbidden".to_owned(), 1)].into());
        assert_eq!((central.requests, central.errors), (1, 1));
        assert_eq!((figures.compared, figures.uncompared), (4, 1));
        let [difference] = &figures.differences[..] else {
            panic!("{figures:?}");
        };
        assert_eq!(
            (&*difference.plane, &*difference.central, difference.count),
            ("allow", "token_revoked", 2)
        );
    }
}
