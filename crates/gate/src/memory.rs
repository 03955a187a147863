//! What a gate remembers between requests: verified tokens, and tokens known to be forged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use aeolus_decide::{Memory, Reason, SessionCookie, Site, Verified, World};
use aeolus_keys::seal::Purpose;
use aeolus_model::{OrganizationId, Rng, SessionId, Time};
use quick_cache::sync::Cache;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;
use tokio::time::Instant;

use crate::limits::Budget;
use crate::ports::Sessions;
use crate::secret::PlaneSecret;

/// How long a token that failed its signature is refused without verifying it again.
const FORGED: Duration = Duration::from_secs(10);

/// Tokens by a keyed hash: an attacker who doesn't know this process's key can't make two collide.
///
/// Only what is read off the token is kept; whether it is still good is asked on every use.
/// Forged ones are in a cache of their own, so that a flood of them evicts nobody.
pub struct Tokens {
    key: SipHasher24,
    good: Cache<u128, Arc<Verified>>,
    forged: Cache<u128, (Time, Reason)>,
    /// Half of the machine: however many strangers come, those whose token is known have the rest.
    verifying: Budget,
    begun: Instant,
    hits: AtomicU64,
    misses: AtomicU64,
    negative: AtomicU64,
    overloaded: AtomicU64,
}

/// How the memory of tokens was used since the start, and what is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Tokens that were known.
    pub hits: u64,
    /// Tokens that had to be verified.
    pub misses: u64,
    /// Tokens known to be forged.
    pub negative: u64,
    /// Tokens that were not verified because there was too much else to do.
    pub overloaded: u64,
    /// Good tokens remembered.
    pub good: usize,
    /// Forged ones remembered.
    pub forged: usize,
}

impl Tokens {
    /// Remembers at most `capacity` good tokens and an eighth of that in forged ones.
    pub fn new(capacity: usize, rng: &dyn Rng) -> Self {
        let mut key = [0; 16];
        rng.fill(&mut key);
        Self {
            key: SipHasher24::new_with_key(&key),
            good: Cache::new(capacity),
            forged: Cache::new(capacity / 8 + 1),
            verifying: Budget::half_of(available_parallelism().map_or(1, usize::from)),
            begun: Instant::now(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            negative: AtomicU64::new(0),
            overloaded: AtomicU64::new(0),
        }
    }

    /// How it was used.
    pub fn usage(&self) -> CacheUse {
        CacheUse {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            negative: self.negative.load(Ordering::Relaxed),
            overloaded: self.overloaded.load(Ordering::Relaxed),
            good: self.good.len(),
            forged: self.forged.len(),
        }
    }

    /// From memory, or by verifying if `admit` has nothing against it.
    pub fn verified(
        &self,
        token: &[u8],
        (world, now): (&World, Time),
        admit: impl FnOnce() -> Result<(), Reason>,
    ) -> Result<Arc<Verified>, Reason> {
        let mut hasher = self.key;
        hasher.write(token);
        let hash = hasher.finish128().as_u128();
        if let Some(known) = self.good.get(&hash)
            && world.stands(&known)
        {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(known);
        }
        admit()?;
        if let Some((until, reason)) = self.forged.get(&hash)
            && now < until
        {
            self.negative.fetch_add(1, Ordering::Relaxed);
            return Err(reason);
        }
        let begins = self.begun.elapsed();
        if !self.verifying.is_left(begins) {
            self.overloaded.fetch_add(1, Ordering::Relaxed);
            return Err(Reason::Overloaded);
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let verified = world.verify(token, now).map(Arc::new);
        let took = self.begun.elapsed().saturating_sub(begins);
        self.verifying.spend(took, begins);
        match &verified {
            Ok(verified) => self.good.insert(hash, Arc::clone(verified)),
            // Only what is dear to find out again is worth remembering.
            Err(
                reason
                @ (Reason::TokenSignature | Reason::IdpSignature | Reason::IdpSubjectUnknown),
            ) => {
                self.forged.insert(hash, (now.plus(FORGED), *reason));
            }
            Err(_) => {}
        }
        verified
    }
}

/// The gate's [`Memory`].
pub struct Remembered {
    /// Tokens.
    pub tokens: Tokens,
    /// Opens session cookies.
    pub secret: Arc<PlaneSecret>,
    /// What was learnt of sessions.
    pub sessions: Arc<dyn Sessions>,
    extended: Cache<(SessionId, OrganizationId), Time>,
}

/// How long a session that outlived its end during an outage goes on after control is back: time
/// for the renewal that its use asked for.
const GRACE: Duration = Duration::from_secs(10 * 60);

impl Remembered {
    /// A memory for `capacity` tokens.
    pub fn new(tokens: Tokens, secret: Arc<PlaneSecret>, sessions: Arc<dyn Sessions>) -> Self {
        Self {
            tokens,
            secret,
            sessions,
            extended: Cache::new(100_000),
        }
    }

    /// Notes that a session went on past its end in an organization because control was away.
    pub fn extend(&self, at: (SessionId, OrganizationId), now: Time, until: Time) {
        self.extended.insert(at, now.plus(GRACE).min(until));
    }
}

impl Memory for Remembered {
    fn verified(&self, token: &[u8], world: &World, now: Time) -> Result<Arc<Verified>, Reason> {
        self.tokens.verified(token, (world, now), || Ok(()))
    }

    fn open_session(&self, site: Site<'_>, value: &[u8]) -> Option<SessionCookie> {
        let secret = self.secret.load();
        let sealer = &secret.as_ref()?.sealer;
        let opened = sealer.open(purpose(site), site.host(), value)?;
        SessionCookie::decode(opened.expose())
    }

    fn renewed(&self, session: SessionId, organization: OrganizationId) -> Option<Time> {
        let renewed = self.sessions.renewed(session, organization);
        renewed.max(self.extended.get(&(session, organization)))
    }

    fn ended(&self, session: SessionId, organization: OrganizationId) -> bool {
        self.sessions.ended(session, organization)
    }
}

/// What the session cookie of a host is sealed for.
pub(crate) const fn purpose(site: Site<'_>) -> Purpose {
    match site {
        Site::Named(_) => Purpose::Session,
        Site::Wildcard(_) => Purpose::WildcardSession,
    }
}

/// The memory as one request may use it: what is unknown is looked at only if `admit` says so.
pub(crate) struct Admitting<'a, F> {
    pub(crate) memory: &'a Remembered,
    pub(crate) admit: F,
}

impl<F: Fn() -> Result<(), Reason>> Memory for Admitting<'_, F> {
    fn verified(&self, token: &[u8], world: &World, now: Time) -> Result<Arc<Verified>, Reason> {
        let tokens = &self.memory.tokens;
        tokens.verified(token, (world, now), &self.admit)
    }

    fn open_session(&self, site: Site<'_>, value: &[u8]) -> Option<SessionCookie> {
        self.memory.open_session(site, value)
    }

    fn renewed(&self, session: SessionId, organization: OrganizationId) -> Option<Time> {
        self.memory.renewed(session, organization)
    }

    fn ended(&self, session: SessionId, organization: OrganizationId) -> bool {
        self.memory.ended(session, organization)
    }
}
