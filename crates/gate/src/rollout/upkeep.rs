//! What follows from a decision, and what is looked after beside requests.

use std::sync::Arc;
use std::time::Duration;

use aeolus_decide::{AWAY, Course, Deployment, Reason, World};
use aeolus_model::{RolloutPath, Time};

use super::Rollouts;
use super::shadow::{self, Shadowed};
use super::standing::Standing;
use crate::ports::Moved;

/// A decision, as a rollout sees it.
pub(crate) struct Decided<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) course: &'a Course,
    pub(crate) path: RolloutPath,
    /// Why it was not allowed, if it wasn't.
    pub(crate) reason: Option<Reason>,
    /// Whether control was asked about it.
    pub(crate) asked: bool,
    pub(crate) took: Duration,
}

/// The moment of something.
#[derive(Clone, Copy)]
pub(crate) struct Instance<'a> {
    pub(crate) world: &'a World,
    /// How old the knowledge is.
    pub(crate) age: Option<Duration>,
    /// Gate time.
    pub(crate) now: Time,
    /// Since the gate's start.
    pub(crate) at: Duration,
}

impl Rollouts {
    /// Counts a decision. Says whether its question is to be put to control as well, for comparison,
    /// and what has moved because of it.
    pub(crate) fn decided(
        &self,
        decided: &Decided<'_>,
        standing: &Standing,
        moment: Instance<'_>,
    ) -> (bool, Option<Moved>) {
        let flag = &*decided.course.flag;
        let Some(tally) = self.tally(flag) else {
            return (false, None);
        };
        let error = decided.reason.is_some_and(is_error);
        let before = tally.decided(decided.path, decided.reason, (error, decided.took));
        let shadowed = flag.shadow_percent > 0
            && self.central.is_some()
            && self.switch.chosen() != Some(RolloutPath::Plane);
        // A gate that has too much to do, or can't sign, has not judged the request.
        let judged = decided.reason.is_none_or(|reason| reason.status() < 429);
        if shadowed && judged && decided.asked {
            // The gate has allowed it, else control would not have been asked.
            tally.compared(None, decided.reason);
        }
        let picked = shadowed && shadow::picks(flag.shadow_percent, before);
        let ask = picked && judged && !decided.asked;
        (ask, self.fall(decided, error, standing, moment))
    }

    fn fall(
        &self,
        decided: &Decided<'_>,
        error: bool,
        standing: &Standing,
        moment: Instance<'_>,
    ) -> Option<Moved> {
        let flag = &*decided.course.flag;
        let terms = flag.fall_back.as_ref()?;
        if decided.path != flag.path || self.switch.chosen().is_some() {
            return None;
        }
        let bad = error || decided.took >= terms.slow;
        let seen = standing.observe(bad, terms, moment.at)?;
        let to = flag.path.other();
        if to == RolloutPath::Central && !self.hears_control(moment.age) {
            return None;
        }
        let all = (moment.world.deployments().len(), moment.at);
        if !self.falls.fall(decided.deployment.id, terms.hold, all) {
            return None;
        }
        standing.set_fallen(true);
        Some(Moved {
            at: moment.now,
            rollout: flag.name.clone(),
            deployment: decided.deployment.id,
            path: to,
            back: false,
            bad: seen.bad,
            requests: seen.requests,
        })
    }

    /// Puts back those whose time is over, and forgets those that have no path to be off any more.
    pub(crate) fn put_back(&self, moment: Instance<'_>, back: impl Fn(&Deployment)) -> Vec<Moved> {
        let mut moves = Vec::new();
        self.falls.tidy(moment.at);
        let due = self.falls.due(moment.at);
        for id in self.falls.all() {
            let Some(deployment) = moment.world.deployment(id) else {
                self.falls.forget(id);
                continue;
            };
            let course = deployment.course.as_ref();
            let on_path = |course: &&Course| {
                course.path == course.flag.path && course.flag.fall_back.is_some()
            };
            let Some(course) = course.filter(on_path) else {
                self.falls.forget(id);
                back(deployment);
                continue;
            };
            let path = course.flag.path;
            let reachable = path == RolloutPath::Plane || self.hears_control(moment.age);
            let all = (moment.world.deployments().len(), moment.at);
            if due.contains(&id) && reachable && self.falls.put_back(id, all) {
                back(deployment);
                moves.push(Moved {
                    at: moment.now,
                    rollout: course.flag.name.clone(),
                    deployment: id,
                    path,
                    back: true,
                    bad: 0,
                    requests: 0,
                });
            }
        }
        moves
    }

    fn hears_control(&self, age: Option<Duration>) -> bool {
        self.central.is_some() && age.is_some_and(|age| age <= AWAY)
    }

    /// Has a question asked for comparison.
    pub(crate) fn ask_later(
        &self,
        course: &Course,
        plane: Option<Reason>,
        question: aeolus_api::plane::CheckRequest,
    ) {
        self.shadow(Shadowed {
            flag: Arc::clone(&course.flag),
            plane,
            question,
        });
    }
}

/// An error of ours, or of control: nothing that a client could have caused.
const fn is_error(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Internal
            | Reason::SignerMissing
            | Reason::RevocationsMissing
            | Reason::CentralUnanswered
    )
}
