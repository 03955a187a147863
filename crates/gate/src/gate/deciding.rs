//! One check: from a question to its verdict.

use std::net::IpAddr;
use std::sync::Arc;

use aeolus_decide::{
    Access, Allowed, Credential, Decision, Deny, Deployment, Identity, Judge, Reason, Request,
    World, path_of,
};
use aeolus_model::{RolloutPath, Subject, Time};
use tokio::time::Instant;

use super::moment::{Caller, Moment};
use super::{Gate, Judged, Onward, Verdict};
use crate::codec::Dialect;
use crate::exchange::{ExchangeError, Presented};
use crate::limits::{Class, Source};
use crate::memory::Admitting;
use crate::observe::{Entry, Outcome, Stamp, Told, Via};
use crate::ports::Refused;
use crate::rollout::Decided;
use crate::trail::Trail;

mod central;

pub use central::Asking;

/// What a check has come to without waiting.
pub enum Checking {
    /// It is over.
    Done(Judged),
    /// The gate allows it, and control has to be asked.
    Asks(Asking),
}

/// How a check comes to its end.
#[derive(Clone, Copy)]
struct Concluding {
    /// Whether control was asked.
    asked: bool,
    started: Instant,
}

impl Gate {
    /// Decides a request, and exchanges the credential of whoever may pass. On the central path control
    /// is waited for.
    pub async fn check(&self, request: &Request<'_>, via: Via<'_>) -> Judged {
        match self.begin(request, via) {
            Checking::Done(judged) => judged,
            Checking::Asks(asking) => self.ask(asking, request, via).await,
        }
    }

    /// Decides a request as far as that goes without waiting: to its end on the plane path.
    pub fn begin(&self, request: &Request<'_>, via: Via<'_>) -> Checking {
        let started = Instant::now();
        let moment = self.moment();
        let caller = Caller {
            source: request.peer.map(Source::of),
            at: started.duration_since(self.begun),
        };
        if caller.source.is_none() {
            self.limits.nameless();
        }
        let memory = Admitting {
            memory: &self.memory,
            admit: || self.admit(caller, &moment, via.dialect),
        };
        let decision = match &moment.world {
            Some(world) => moment.judge(world, &memory).decide(request),
            None => Decision::Deny(Deny::because(Reason::NoSnapshot)),
        };
        let decision = self.limited(decision, caller, &moment);
        let central =
            |allowed: &Allowed| self.path(Some(allowed.deployment())) == RolloutPath::Central;
        let decision = match decision {
            Decision::Allow(allowed) if central(&allowed) => {
                return Checking::Asks(Asking::new(allowed, started));
            }
            decision => decision,
        };
        let concluding = Concluding {
            asked: false,
            started,
        };
        Checking::Done(self.conclude(decision, concluding, &moment, (request, via)))
    }

    fn path(&self, deployment: Option<&Arc<Deployment>>) -> RolloutPath {
        let course = deployment.and_then(|found| found.course.as_ref());
        let may_fall = course.is_some_and(|course| course.flag.fall_back.is_some());
        let fallen =
            may_fall && deployment.is_some_and(|found| self.metrics.standing(found).has_fallen());
        path_of(course, self.rollouts.switch.chosen(), fallen)
    }

    /// The end of every check: the exchange, and what is counted and written of it.
    fn conclude(
        &self,
        decision: Decision,
        concluding: Concluding,
        moment: &Moment,
        (request, via): (&Request<'_>, Via<'_>),
    ) -> Judged {
        // What the gate allowed without asking was not on the central path.
        let taken = match &decision {
            _ if concluding.asked => Some(RolloutPath::Central),
            Decision::Allow(_) => Some(RolloutPath::Plane),
            Decision::Deny(_) | Decision::SignIn(_) => None,
        };
        let verdict = self.exchanged(decision, moment.now);
        if let Verdict::Allow(allowed, _) = &verdict {
            if let Some(trail) = self.trail.as_ref().filter(|_| Trail::wants(moment.age)) {
                trail.note(allowed, moment.now);
            }
            if let Some(uses) = &self.uses {
                uses.note(allowed, moment.now);
            }
            if let Some(world) = &moment.world {
                let (known, when) = ((&**world, &self.memory as _), (moment.age, moment.now));
                self.drills.rehearse(request, allowed, known, when);
            }
        }
        let told = Told::of(&verdict, moment.world.as_deref());
        let path = taken.unwrap_or_else(|| self.path(told.deployment));
        let way = (path, via.dialect);
        let before = self.metrics.decided(&told, way);
        let took = concluding.started.elapsed();
        self.metrics.took(way, took);
        if let Some(deployment) = told.deployment
            && let Some(course) = &deployment.course
        {
            let decided = Decided {
                deployment,
                course,
                path,
                reason: told.reason,
                asked: concluding.asked,
                took,
            };
            self.followed(&decided, moment, request);
        }
        self.journal.checked();
        let stamp = self.written(moment, &told, (request, via), before);
        Judged { verdict, stamp }
    }

    /// Refuses what is no question at all: counted and logged as every refusal is.
    pub fn refuse(&self, reason: Reason, peer: Option<IpAddr>, via: Via<'_>) -> Judged {
        let moment = self.moment();
        let verdict = Verdict::Deny(Deny::because(reason));
        let told = Told::of(&verdict, None);
        let way = (RolloutPath::Plane, via.dialect);
        let before = self.metrics.decided(&told, way);
        self.journal.checked();
        let request = Request {
            peer,
            ..Request::default()
        };
        let stamp = self.written(&moment, &told, (&request, via), before);
        Judged { verdict, stamp }
    }

    fn moment(&self) -> Moment {
        // The age first: a world that comes in between is newer than it says, never older.
        let age = self.knowledge.age();
        Moment {
            world: self.knowledge.world(),
            now: self.knowledge.now(),
            age,
            settings: self.settings.now(),
        }
    }

    /// Whether an unknown credential may be looked at. Only where we forward the request ourselves is
    /// there anything to wait for afterwards: what others ask about costs no place.
    fn admit(&self, caller: Caller, moment: &Moment, dialect: Dialect) -> Result<(), Reason> {
        let rates = moment.settings.rates;
        if !self.limits.may_try(caller.source, rates, caller.at) {
            return Err(Reason::RateLimited);
        }
        let most = moment.settings.caps.waiting;
        if dialect == Dialect::Proxy && !self.waiting.has_room(Class::Stranger, most) {
            return Err(Reason::Overloaded);
        }
        Ok(())
    }

    /// Counts a decision against the rates; what exceeds its subject's is refused.
    fn limited(&self, decision: Decision, caller: Caller, moment: &Moment) -> Decision {
        let rates = moment.settings.rates;
        let refused = |reason| {
            self.limits.refused(reason, caller.source, rates, caller.at);
        };
        match &decision {
            Decision::Deny(deny) => refused(deny.reason),
            Decision::SignIn(sign_in) => refused(sign_in.reason),
            Decision::Allow(allowed) => {
                if let Access::As(identity) = allowed.access()
                    && !self.limits.may_go_on(identity.subject, rates, caller.at)
                {
                    return Decision::Deny(denied(
                        allowed,
                        Some(identity.subject),
                        Reason::RateLimited,
                    ));
                }
            }
        }
        decision
    }

    /// Writes a decision down where it is worth it: every refusal, some allowances. `before` is how
    /// many like it there were.
    fn written(
        &self,
        moment: &Moment,
        told: &Told<'_>,
        (request, via): (&Request<'_>, Via<'_>),
        before: u64,
    ) -> Stamp {
        let mut stamp = Stamp {
            request_id: None,
            age: moment.age,
        };
        let deployment = told.deployment.map(|deployment| deployment.id);
        let picked = match told.reason {
            None => moment.settings.allow_sample.picks(before),
            Some(reason) => {
                let source = request.peer;
                self.log
                    .picks_refusal(deployment, source, reason, moment.now)
            }
        };
        let denied = told.outcome == Outcome::Deny;
        if !picked && !denied {
            return stamp;
        }
        let id = via.request_id(&self.ids);
        if picked {
            let standing = self.knowledge.standing();
            let entry = Entry::of(told, (request, via), id.clone());
            self.log.push(Entry {
                at: moment.now,
                position: standing.map(|standing| standing.position),
                age: moment.age,
                ..entry
            });
        }
        if let (true, Some(reason)) = (denied, told.reason) {
            self.journal.refused(Refused {
                at: moment.now,
                deployment,
                source: request
                    .peer
                    .map(|peer| peer.to_string())
                    .unwrap_or_default(),
                reason: reason.code(),
                subject: told.subject,
                request_id: id.to_string(),
            });
            stamp.request_id = Some(id);
        }
        stamp
    }

    /// The judge of this moment.
    pub(crate) fn judge<'a>(&'a self, world: &'a World) -> Judge<'a> {
        self.moment().judge(world, &self.memory)
    }

    /// What a decision comes to: who goes on as somebody needs a token for the application.
    fn exchanged(&self, decision: Decision, now: Time) -> Verdict {
        let allowed = match decision {
            Decision::Allow(allowed) => allowed,
            Decision::Deny(deny) => return Verdict::Deny(deny),
            Decision::SignIn(sign_in) => return Verdict::SignIn(sign_in),
        };
        let onward = match allowed.access() {
            Access::Anonymous => Ok(Onward::Anonymous),
            Access::PassThrough => Ok(Onward::PassThrough),
            Access::As(identity) => self.presented(&allowed, identity, now).map(Onward::As),
        };
        match onward {
            Ok(onward) => Verdict::Allow(allowed, onward),
            Err(deny) => Verdict::Deny(deny),
        }
    }

    fn presented(
        &self,
        allowed: &Allowed,
        identity: &Identity,
        now: Time,
    ) -> Result<Arc<Presented>, Deny> {
        let deployment = allowed.deployment();
        let at = (&**deployment, allowed.host());
        let presented = self.exchange.present(identity, at, now).map_err(|error| {
            if self.exchange.is_news(&error) {
                tracing::error!(deployment = %deployment.id, %error, "nothing can be signed");
            }
            let reason = match error {
                ExchangeError::CredentialOver if identity.session.is_some() => {
                    Reason::SessionExpired
                }
                ExchangeError::CredentialOver => Reason::TokenExpired,
                ExchangeError::Signer(_) | ExchangeError::PlaneKey | ExchangeError::NoSecret => {
                    Reason::SignerMissing
                }
            };
            denied(allowed, Some(identity.subject), reason)
        })?;
        if let Some(used) = identity.session {
            if let (true, Credential::Session(cookie)) = (used.renew, &identity.credential) {
                self.memory.sessions.renew(cookie, deployment);
            }
            if let Some(until) = used.extended {
                let at = (used.id, deployment.organization);
                self.memory.extend(at, now, until);
            }
        }
        Ok(presented)
    }
}

/// The refusal of what would have been allowed.
fn denied(allowed: &Allowed, subject: Option<Subject>, reason: Reason) -> Deny {
    Deny {
        reason,
        deployment: Some(allowed.deployment().id),
        class: Some(allowed.class()),
        subject,
    }
}
