//! The gate as one value: what every listener of it shares.

mod deciding;
mod moment;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aeolus_decide::{Allowed, Deny, Deployment, Memory as _, SessionCookie};
use aeolus_model::{Clock, PlaneId, Rng, Time};
use aeolus_tls::Keeper;
use tokio::time::Instant;

use crate::drill::Drills;
use crate::exchange::{Exchange, Presented};
use crate::limits::{Limits, Waiting};
use crate::memory::{Remembered, Tokens};
use crate::observe::{DecisionLog, Gauges, Ids, Metrics, Stamp};
use crate::ports::{Central, Journal, Knowledge, ProviderTokens, Sessions, TokenEndpoint};
use crate::rollout::{Instance, Rollouts};
use crate::secret::PlaneSecret;
use crate::session::Spent;
use crate::settings::Settings;
use crate::trail::Trail;
use crate::upstream::{Upstream, UpstreamTls};
use crate::uses::Uses;

pub use deciding::{Asking, Checking};

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
    /// The token endpoints of identity providers; none where nobody is signed in without control.
    pub providers: Option<Arc<dyn ProviderTokens>>,
    /// Control's word on the central path; none at a gate that never has news.
    pub central: Option<Arc<dyn Central>>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// The machine's clock: what applications beside the gate go by, nothing that is decided here.
    pub wall: Arc<dyn Clock>,
    /// What may change while it runs.
    pub settings: Settings,
    /// Counts the lines of the process's log that were not written.
    pub lines_lost: Arc<AtomicU64>,
    /// The process's certificates.
    pub certificates: Arc<Keeper>,
    /// How applications that speak TLS prove who they are.
    pub upstream_tls: UpstreamTls,
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
    pub(crate) providers: Option<Arc<dyn ProviderTokens>>,
    pub(crate) spent: Spent,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) ids: Ids,
    /// None at a gate that never has news: nobody would tell it of revocations.
    trail: Option<Trail>,
    /// None there, too: nobody would read it.
    uses: Option<Uses>,
    pub(crate) drills: Drills,
    pub(crate) rollouts: Arc<Rollouts>,
    lines_lost: Arc<AtomicU64>,
    pub(crate) certificates: Arc<Keeper>,
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
    /// It goes on.
    Allow(Allowed, Onward),
    /// It doesn't.
    Deny(Deny),
    /// To our own pages first.
    SignIn(aeolus_decide::SignIn),
}

/// As whom an allowed request goes on.
pub enum Onward {
    /// As nobody: the path is public.
    Anonymous,
    /// With the client's own credentials, which the application checks itself.
    PassThrough,
    /// As somebody, with what the exchange made of it.
    As(Arc<Presented>),
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
            exchange: Exchange::new(parts.plane, parts.secret, (rng, parts.wall), CAPACITY),
            upstream: Upstream::new(parts.settings.clone(), parts.upstream_tls),
            journal: parts.journal,
            trail: parts.tokens.is_some().then(Trail::new),
            uses: parts.tokens.is_some().then(Uses::default),
            tokens: parts.tokens,
            providers: parts.providers,
            spent: Spent::default(),
            ids: Ids::new(&*parts.rng),
            drills: Drills::default(),
            rollouts: Arc::new(Rollouts::new(parts.central)),
            lines_lost: parts.lines_lost,
            certificates: parts.certificates,
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

    /// Ends a session here: its cookie is refused from now on, and no token of it is kept.
    pub(crate) fn end_session(&self, session: &SessionCookie, deployment: &Deployment, now: Time) {
        // An ended session's cookie still opens; ending it again would only cost time.
        if !self.memory.ended(session.session, deployment.organization) {
            self.memory.sessions.end(session, deployment.id, now);
            self.exchange.forget(session.session);
        }
    }

    /// Forgets the tokens that will not be presented any more, whatever ended their sessions, and tells
    /// what was served too long while control was away, and which tokens are in use. To be called now and then, apart from requests.
    pub fn sweep(&self) {
        let age = self.knowledge.age();
        let world = self.knowledge.world();
        if let (Some(trail), Some(world)) = (&self.trail, &world) {
            for late in trail.settle(world, age) {
                self.journal.used_after_revocation(late);
            }
        }
        let uses = self.uses.as_ref().map(Uses::take);
        if let Some(uses) = uses.filter(|uses| !uses.is_empty()) {
            self.journal.tokens_used(uses);
        }
        self.exchange.sweep(self.knowledge.now(), &|session, at| {
            world.as_deref().is_some_and(|world| {
                let organization = world.deployment(at).map(|at| at.organization);
                let ended = organization.is_none_or(|at| self.memory.ended(session, at));
                ended || world.has_ended(session, at)
            })
        });
    }

    /// Puts deployments back on their rollouts' paths whose time off them is over. To be called now and
    /// then, apart from requests.
    pub fn put_back(&self) {
        let Some(world) = self.knowledge.world() else {
            return;
        };
        let moment = Instance {
            world: &world,
            age: self.knowledge.age(),
            now: self.knowledge.now(),
            at: self.begun.elapsed(),
        };
        let back = |deployment: &Deployment| self.metrics.standing(deployment).set_fallen(false);
        for moved in self.rollouts.put_back(moment, back) {
            self.moved(moved);
        }
    }

    /// What is to be reported of the rollouts in force.
    pub fn rollout_reports(&self) -> Vec<aeolus_api::rollout::Report> {
        let world = self.knowledge.world();
        world.map_or_else(Vec::new, |world| self.rollouts.reports(&world))
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
            certificates: Arc::clone(&self.certificates),
        }
    }
}
