//! The two paths of a request: which one it takes, what control says of it, what is counted of both.
//!
//! The gate's own decision is made on both. On the central path control is asked about what the gate
//! allows, and can only refuse.

mod fall_back;
mod question;
mod shadow;
mod standing;
mod switch;
mod tally;
mod upkeep;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_api::plane::CheckRequest;
use aeolus_api::rollout::Report;
use aeolus_decide::{Flag, Reason, World};
use aeolus_model::{DeploymentId, Slug};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use self::fall_back::FallBacks;
use self::shadow::Queue;
use self::tally::FlagTally;
use crate::gate::Gate;
use crate::ports::Central;
use crate::replica::lock;

pub(crate) use question::question;
pub(crate) use standing::Standing;
pub(crate) use switch::{KillSwitch, SwitchFile};
pub(crate) use upkeep::{Decided, Instance};

/// How long control has for its answer: what it had in the original.
const DEADLINE: Duration = Duration::from_secs(1);

/// How often deployments are looked through for those that may go back to their rollout's path.
const PUT_BACK: Duration = Duration::from_secs(1);

/// Compares paths, obeys the kill switch and puts deployments back, until told to stop.
pub(crate) async fn look_after(gate: Arc<Gate>, file: SwitchFile, stop: CancellationToken) {
    let rollouts = Arc::clone(&gate.rollouts);
    let obeying = file.run(Arc::clone(&rollouts), stop.clone());
    let returning = async {
        let mut ticks = interval(PUT_BACK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            gate.put_back();
        }
    };
    tokio::join!(rollouts.compare(stop.clone()), obeying, returning);
}

/// What a gate knows of paths.
pub(crate) struct Rollouts {
    pub(crate) switch: KillSwitch,
    central: Option<Arc<dyn Central>>,
    tallies: Mutex<HashMap<Slug, Arc<FlagTally>>>,
    falls: FallBacks,
    queue: Queue,
}

impl Rollouts {
    pub(crate) fn new(central: Option<Arc<dyn Central>>) -> Self {
        Self {
            switch: KillSwitch::default(),
            central,
            tallies: Mutex::default(),
            falls: FallBacks::default(),
            queue: Queue::default(),
        }
    }

    /// Asks control, which has a second. None is consent.
    pub(crate) async fn ask(&self, question: &CheckRequest) -> Option<Reason> {
        let Some(central) = &self.central else {
            return Some(Reason::CentralUnanswered);
        };
        match timeout(DEADLINE, central.check(question)).await {
            Ok(Ok(answer)) if answer.is_consent() => None,
            Ok(Ok(answer)) => Some(Reason::parse(&answer.verdict).unwrap_or(Reason::Forbidden)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "control does not answer a check");
                Some(Reason::CentralUnanswered)
            }
            Err(_) => Some(Reason::CentralUnanswered),
        }
    }

    /// What is counted of a flag: at hand from the second request after a snapshot on.
    fn tally<'a>(&'a self, flag: &'a Flag) -> Option<&'a FlagTally> {
        let seated = || {
            let mut all = lock(&self.tallies);
            Arc::clone(all.entry(flag.name.clone()).or_default())
        };
        flag.seat.get_or_fill(seated)
    }

    /// What is reported of the flags in force. What was counted of others is forgotten.
    pub(crate) fn reports(&self, world: &World) -> Vec<Report> {
        let flags = world.flags();
        lock(&self.tallies).retain(|name, _| flags.iter().any(|flag| flag.name == *name));
        let report = |flag: &Arc<Flag>| {
            let mut figures = self.tally(flag).map(FlagTally::figures).unwrap_or_default();
            figures.gates = 1;
            figures.fallen = self.fallen(world, flag);
            if let Some(path) = self.switch.chosen() {
                figures.kill_switches.insert(path.name().to_owned(), 1);
            }
            Report {
                name: flag.name.clone(),
                figures,
            }
        };
        flags.iter().map(report).collect()
    }

    /// The deployments that are off a flag's path; a report has room for some.
    fn fallen(&self, world: &World, flag: &Flag) -> Vec<DeploymentId> {
        const MOST: usize = 100;
        let obeys = |id: &DeploymentId| {
            let course = world
                .deployment(*id)
                .and_then(|found| found.course.as_ref());
            course.is_some_and(|course| course.flag.name == flag.name)
        };
        self.falls
            .all()
            .into_iter()
            .filter(obeys)
            .take(MOST)
            .collect()
    }
}
