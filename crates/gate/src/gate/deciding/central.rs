//! The central path: control is asked about what the gate allows, and may refuse it.

use aeolus_decide::{Access, Allowed, Decision, Reason, Request};
use tokio::time::Instant;

use super::{Concluding, Moment, denied};
use crate::gate::{Gate, Judged};
use crate::limits::{Class, Source, Waiter};
use crate::observe::Via;
use crate::ports::Moved;
use crate::rollout::{Decided, Instance, question};

/// A check that the gate allows and control has not been asked about yet.
pub struct Asking {
    allowed: Allowed,
    started: Instant,
}

impl Asking {
    pub(super) const fn new(allowed: Allowed, started: Instant) -> Self {
        Self { allowed, started }
    }
}

impl Gate {
    /// Asks control, and brings the check to its end: the same question, from the same way of asking.
    pub async fn ask(&self, asking: Asking, request: &Request<'_>, via: Via<'_>) -> Judged {
        let Asking { allowed, started } = asking;
        let refused = self.consented(&allowed, request).await;
        let moment = self.moment();
        let decision = match refused {
            None => Decision::Allow(allowed),
            Some(reason) if reason.status() == 503 => {
                Decision::Deny(denied(&allowed, None, reason))
            }
            Some(reason) => match &moment.world {
                Some(world) => moment.judge(world, &self.memory).refusal(request, reason),
                None => Decision::Deny(denied(&allowed, None, reason)),
            },
        };
        let concluding = Concluding {
            asked: true,
            started,
        };
        self.conclude(decision, concluding, &moment, (request, via))
    }

    /// What control has against a request: none is consent.
    async fn consented(&self, allowed: &Allowed, request: &Request<'_>) -> Option<Reason> {
        let class = match allowed.access() {
            Access::Anonymous => Class::Stranger,
            Access::PassThrough | Access::As(_) => Class::Known,
        };
        let most = self.settings.now().caps.waiting;
        let waiter = Waiter {
            class,
            source: request.peer.map(Source::of),
            of_deployment: Some(self.metrics.waiting_for(allowed.deployment())),
        };
        let Some(_wait) = self.waiting.enter(waiter, most) else {
            return Some(Reason::Overloaded);
        };
        let asked = {
            let moment = self.moment();
            let Some(world) = &moment.world else {
                return Some(Reason::NoSnapshot);
            };
            let shown = moment.judge(world, &self.memory).shown(request);
            question(request, allowed.deployment().id, shown)
        };
        self.rollouts.ask(&asked).await
    }

    /// What a rollout makes of a decision.
    #[inline(never)]
    pub(super) fn followed(&self, decided: &Decided<'_>, moment: &Moment, request: &Request<'_>) {
        let Some(world) = &moment.world else {
            return;
        };
        let instance = Instance {
            world,
            age: moment.age,
            now: moment.now,
            at: self.begun.elapsed(),
        };
        let standing = self.metrics.standing(decided.deployment);
        let (ask, moved) = self.rollouts.decided(decided, standing, instance);
        if ask {
            let shown = moment.judge(world, &self.memory).shown(request);
            let question = question(request, decided.deployment.id, shown);
            self.rollouts
                .ask_later(decided.course, decided.reason, question);
        }
        if let Some(moved) = moved {
            self.moved(moved);
        }
    }

    /// Tells of a deployment that was moved between paths.
    pub(in crate::gate) fn moved(&self, moved: Moved) {
        tracing::warn!(
            rollout = %moved.rollout,
            deployment = %moved.deployment,
            path = %moved.path,
            bad = moved.bad,
            requests = moved.requests,
            "a deployment was moved to another path"
        );
        self.journal.moved(moved);
    }
}
