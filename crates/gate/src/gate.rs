//! The gate as one value: what every listener of it shares.

mod moment;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aeolus_decide::{Access, Allowed, Decision, Deny, Judge, Memory as _, Reason, Request, World};
use aeolus_model::{PlaneId, Rng, SessionId, Subject, Time};
use tokio::time::Instant;

use self::moment::{Caller, Moment};
use crate::codec::Dialect;
use crate::drill::Drills;
use crate::exchange::{Exchange, ExchangeError, Presented};
use crate::limits::{Class, Limits, Source, Waiting};
use crate::memory::{Admitting, Remembered, Tokens};
use crate::observe::{DecisionLog, Entry, Gauges, Ids, Metrics, Outcome, Stamp, Told, Via};
use crate::ports::{Journal, Knowledge, Refused, Sessions, TokenEndpoint};
use crate::secret::PlaneSecret;
use crate::settings::Settings;
use crate::trail::Trail;
use crate::upstream::Upstream;

/// What a gate is made of.
pub struct Parts {
    /// Which plane it serves.
    pub plane: PlaneId,
    /// The plane secret.
    pub secret: Arc<PlaneSecret>,
    /// What is known.
    pub knowledge: Arc<dyn Knowledge>,
    /// What was learnt of sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Where decisions are told.
    pub journal: Arc<dyn Journal>,
    /// Control's token endpoint; none at a gate that never has news: nobody can sign in there.
    pub tokens: Option<Arc<dyn TokenEndpoint>>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// What may change while it runs.
    pub settings: Settings,
    /// Counts the lines of the process's log that were not written.
    pub lines_lost: Arc<AtomicU64>,
}

/// A gate. Also usable in-process, by tests.
pub struct Gate {
    pub(crate) plane: PlaneId,
    pub(crate) knowledge: Arc<dyn Knowledge>,
    pub(crate) memory: Remembered,
    pub(crate) exchange: Exchange,
    pub(crate) upstream: Upstream,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) tokens: Option<Arc<dyn TokenEndpoint>>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) ids: Ids,
    /// None at a gate that never has news: nobody would tell it of revocations.
    trail: Option<Trail>,
    pub(crate) drills: Drills,
    lines_lost: Arc<AtomicU64>,
    draining: AtomicBool,
    limits: Limits,
    pub(crate) waiting: Waiting,
    begun: Instant,
    /// What may change while it runs.
    pub settings: Settings,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is decided.
    pub log: Arc<DecisionLog>,
}

/// Verified tokens, and minted ones, that are remembered.
const CAPACITY: usize = 100_000;

/// A verdict, and what its answer says for whoever looks for it later.
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// The headers that go with it, whatever it is.
    pub stamp: Stamp,
}

/// A request's fate, ready for a codec or the proxy.
pub enum Verdict {
    /// It goes on, with these headers where it goes on as somebody.
    Allow(Allowed, Option<Arc<Presented>>),
    /// It doesn't.
    Deny(Deny),
    /// To our own pages first.
    SignIn(aeolus_decide::SignIn),
}

impl Gate {
    /// Assembles a gate. Nothing runs yet.
    pub fn new(parts: Parts) -> Self {
        let tokens = Tokens::new(CAPACITY, &*parts.rng);
        let rng = Arc::clone(&parts.rng);
        let secret = Arc::clone(&parts.secret);
        Self {
            plane: parts.plane,
            knowledge: parts.knowledge,
            memory: Remembered::new(tokens, secret, parts.sessions),
            exchange: Exchange::new(parts.plane, parts.secret, rng, CAPACITY),
            upstream: Upstream::new(parts.settings.clone()),
            journal: parts.journal,
            trail: parts.tokens.is_some().then(Trail::new),
            tokens: parts.tokens,
            ids: Ids::new(&*parts.rng),
            drills: Drills::default(),
            lines_lost: parts.lines_lost,
            draining: AtomicBool::new(false),
            limits: Limits::new(&*parts.rng),
            waiting: Waiting::new(&*parts.rng),
            begun: Instant::now(),
            settings: parts.settings,
            rng: parts.rng,
            metrics: Arc::default(),
            log: Arc::new(DecisionLog::default()),
        }
    }

    /// Says from now on that no more requests should come. Those that do are answered as ever.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Closes the tunnels that have not ended by themselves within a time.
    pub async fn end(&self, within: Duration) {
        self.upstream.end(within).await;
    }

    /// Whether it is about to stop.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Decides a request and exchanges the credential of whoever may pass.
    pub fn check(&self, request: &Request<'_>, via: Via<'_>) -> Judged {
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
        let (decision, presented) = self.exchanged(decision, moment.now);
        if let (Decision::Allow(allowed), Some(trail)) = (&decision, &self.trail)
            && Trail::wants(moment.age)
        {
            trail.note(allowed, moment.now);
        }
        if let Some(world) = &moment.world {
            let (known, when) = ((&**world, &self.memory as _), (moment.age, moment.now));
            self.drills.rehearse(request, &decision, known, when);
        }
        let told = Told::of(&decision, moment.world.as_deref());
        let before = self.metrics.decided(&told, via.dialect);
        self.metrics.took(via.dialect, started.elapsed());
        self.journal.checked();
        let stamp = self.written(&moment, &told, (request, via), before);
        let verdict = match decision {
            Decision::Allow(allowed) => Verdict::Allow(allowed, presented),
            Decision::SignIn(sign_in) => Verdict::SignIn(sign_in),
            Decision::Deny(deny) => Verdict::Deny(deny),
        };
        Judged { verdict, stamp }
    }

    /// Refuses what is no question at all: counted and logged as every refusal is.
    pub fn refuse(&self, reason: Reason, peer: Option<IpAddr>, via: Via<'_>) -> Judged {
        let moment = self.moment();
        let decision = Decision::Deny(Deny::because(reason));
        let told = Told::of(&decision, None);
        let before = self.metrics.decided(&told, via.dialect);
        let request = Request {
            peer,
            ..Request::default()
        };
        Judged {
            stamp: self.written(&moment, &told, (&request, via), before),
            verdict: Verdict::Deny(Deny::because(reason)),
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            world: self.knowledge.world(),
            now: self.knowledge.now(),
            age: self.knowledge.age(),
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
                    return Decision::Deny(denied(allowed, identity.subject, Reason::RateLimited));
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

    fn exchanged(&self, decision: Decision, now: Time) -> (Decision, Option<Arc<Presented>>) {
        let Decision::Allow(allowed) = &decision else {
            return (decision, None);
        };
        let Access::As(identity) = allowed.access() else {
            return (decision, None);
        };
        let deployment = allowed.deployment();
        match self
            .exchange
            .present(identity, (deployment, allowed.host()), now)
        {
            Ok(presented) => {
                if let Some(used) = identity.session {
                    if used.renew {
                        self.memory.sessions.renew(used.id, deployment.id);
                    }
                    if let Some(until) = used.extended {
                        self.memory.extend(used.id, now, until);
                    }
                }
                (decision, Some(presented))
            }
            Err(error) => {
                if self.exchange.is_news(&error) {
                    tracing::error!(deployment = %deployment.id, %error, "nothing can be signed");
                }
                let reason = match error {
                    ExchangeError::CredentialOver => Reason::TokenExpired,
                    ExchangeError::Signer(_)
                    | ExchangeError::PlaneKey
                    | ExchangeError::NoSecret => Reason::SignerMissing,
                };
                let deny = denied(allowed, identity.subject, reason);
                (Decision::Deny(deny), None)
            }
        }
    }

    /// Ends a session here: its cookie is refused from now on, and no token of it is kept.
    pub(crate) fn end_session(&self, session: SessionId, now: Time) {
        // An ended session's cookie still opens; ending it again would only cost time.
        if !self.memory.ended(session) {
            self.memory.sessions.end(session, now);
            self.exchange.forget(session);
        }
    }

    /// Forgets the tokens that will not be presented any more, whatever ended their sessions, and tells
    /// what was served too long while control was away. To be called now and then, apart from requests.
    pub fn sweep(&self) {
        let world = self.knowledge.world();
        if let (Some(trail), Some(world)) = (&self.trail, &world) {
            for late in trail.settle(world, self.knowledge.age()) {
                self.journal.served_late(late);
            }
        }
        self.exchange.sweep(self.knowledge.now(), &|session, at| {
            let revoked = world.as_deref().is_some_and(|w| w.has_ended(session, at));
            revoked || self.memory.ended(session)
        });
    }

    /// The figures of this moment.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            world: self.knowledge.world(),
            age: self.knowledge.age(),
            standing: self.knowledge.standing(),
            tokens: self.memory.tokens.usage(),
            minted: self.exchange.usage(),
            streams: self.upstream.streams(),
            unlogged: self.log.dropped(),
            lines_lost: self.lines_lost.load(Ordering::Relaxed),
            limited: self.limits.usage(),
            load: self.waiting.load(),
        }
    }
}

/// The refusal of what would have been allowed.
fn denied(allowed: &Allowed, subject: Subject, reason: Reason) -> Deny {
    Deny {
        reason,
        deployment: Some(allowed.deployment().id),
        class: Some(allowed.class()),
        subject: Some(subject),
    }
}
