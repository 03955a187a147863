//! A rehearsal of an outage on a live plane (docs/design/012): nothing is stopped and every answer is
//! the real one, but each request that passes is judged once more, as if control were gone.

mod orders;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aeolus_decide::{Allowed, Decision, Freshness, Judge, Memory, Request, World};
use aeolus_model::{StalenessPolicy, Time, UserId};
use arc_swap::ArcSwapOption;
use tokio::time::Instant;

pub(crate) use orders::watch;
pub use orders::{DrillError, Order, Orders};
pub use tally::{Bound, Loss, Missed, Report};

use tally::Tally;

/// The rehearsal of this moment, if there is one.
#[derive(Default)]
pub struct Drills {
    /// Asked on every request, so that a gate without a rehearsal pays for nothing else.
    running: AtomicBool,
    current: ArcSwapOption<Drill>,
}

/// One rehearsal.
pub(crate) struct Drill {
    order: Order,
    begun: Instant,
    at: Time,
    tally: Tally,
}

impl Drills {
    /// Begins one in the place of whatever ran.
    pub(crate) fn begin(&self, order: Order, at: Time) {
        self.current.store(Some(Arc::new(Drill {
            order,
            begun: Instant::now(),
            at,
            tally: Tally::default(),
        })));
        self.running.store(true, Ordering::Release);
    }

    /// Ends the one that runs, if its time is over.
    pub(crate) fn over(&self) -> Option<Arc<Drill>> {
        let drill = self.now()?;
        if drill.begun.elapsed() < drill.order.lasts.duration() {
            return None;
        }
        self.running.store(false, Ordering::Release);
        self.current.store(None);
        Some(drill)
    }

    fn now(&self) -> Option<Arc<Drill>> {
        if !self.running.load(Ordering::Acquire) {
            return None;
        }
        self.current.load_full()
    }

    /// Judges what was allowed once more, with the age that knowledge would have by now.
    pub(crate) fn rehearse(
        &self,
        request: &Request<'_>,
        allowed: &Allowed,
        (world, memory): (&World, &dyn Memory),
        (age, now): (Option<Duration>, Time),
    ) {
        let Some(drill) = self.now() else {
            return;
        };
        let age = age.map(|age| age.max(drill.age()));
        let judge = Judge {
            world,
            memory,
            freshness: Freshness { age },
            now,
        };
        let deployment = allowed.deployment();
        let subject = allowed.subject();
        match judge.decide(request) {
            Decision::Allow(_) => drill.tally.passed(),
            Decision::Deny(deny) => drill.tally.lost(deployment, deny.reason, subject),
            Decision::SignIn(sign_in) => drill.tally.lost(deployment, sign_in.reason, subject),
        }
    }

    /// Somebody signed in, which takes control.
    pub(crate) fn signed_in(&self, user: UserId) {
        if let Some(drill) = self.now() {
            drill.tally.signed_in(user);
        }
    }
}

impl Drill {
    /// How old knowledge would be by now: the outage is as long as ordered at the rehearsal's end,
    /// however long that lasts.
    fn age(&self) -> Duration {
        let lasts = self.order.lasts.duration().as_secs_f64().max(1.0);
        let part = self.begun.elapsed().as_secs_f64() / lasts;
        self.order.outage.duration().mul_f64(part.min(1.0))
    }

    /// What was found.
    pub(crate) fn report(&self, world: Option<&World>, now: Time) -> Report {
        let outage = self.order.outage.duration();
        let deployments = world.into_iter().flat_map(World::deployments);
        let past = deployments.filter_map(|deployment| {
            let policy = deployment.staleness.at(outage)?;
            let serves = !matches!(policy, StalenessPolicy::Deny);
            Some(Bound {
                deployment: deployment.id,
                name: deployment.name.clone(),
                policy,
                serves,
            })
        });
        let mut past: Vec<Bound> = past.collect();
        past.sort_by(|a, b| (a.serves, &a.name).cmp(&(b.serves, &b.name)));
        let (allowed, would_refuse) = self.tally.sums();
        Report {
            id: self.order.id.clone(),
            began: self.at.secs(),
            ended: now.secs(),
            outage: self.order.outage,
            allowed,
            would_refuse,
            losses: self.tally.losses(),
            past_bounds: past,
            could_not_sign_in: self.tally.people(world),
        }
    }
}
