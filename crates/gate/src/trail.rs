//! Credentials that were used while control was away: once it is back and what it revoked meanwhile
//! is known, those of them that were served too long are told (row F17).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aeolus_decide::{AWAY, Access, Allowed, Credential, CredentialId, Deployment, World};
use aeolus_model::{DeploymentId, OrganizationId, Time};
use quick_cache::sync::Cache;

/// Credentials, each at one deployment, that are remembered; those unused for longest go first.
const ROOM: usize = 50_000;
/// Told at a time: the outbox has room for more, and for what else there is to tell.
const TOLD: usize = 500;

/// A credential that this plane served after it had been revoked, as far as the plane can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseAfterRevocation {
    /// When it was last used.
    pub at: Time,
    /// Where.
    pub deployment: DeploymentId,
    /// Whose deployment that is.
    pub organization: OrganizationId,
    /// The credential.
    pub credential: CredentialId,
}

struct Noted {
    credential: Credential,
    deployment: Arc<Deployment>,
    /// In milliseconds.
    last: AtomicI64,
}

/// What was used since control went away. Nothing is kept, and nothing asked, while it is there.
pub(crate) struct Trail(Cache<(CredentialId, DeploymentId), Arc<Noted>>);

impl Trail {
    pub(crate) fn new() -> Self {
        Self(Cache::new(ROOM))
    }

    /// Whether uses are worth noting. Knowledge of no known age is old.
    pub(crate) fn wants(age: Option<Duration>) -> bool {
        age.is_none_or(|age| age > AWAY)
    }

    /// Notes what an allowance was given for.
    pub(crate) fn note(&self, allowed: &Allowed, now: Time) {
        let Access::As(identity) = allowed.access() else {
            return;
        };
        let Some(id) = identity.credential.id() else {
            return;
        };
        let key = (id, allowed.deployment().id);
        if let Some(noted) = self.0.get(&key) {
            noted.last.fetch_max(now.millis(), Ordering::Relaxed);
            return;
        }
        let noted = Noted {
            credential: identity.credential.clone(),
            deployment: Arc::clone(allowed.deployment()),
            last: AtomicI64::new(now.millis()),
        };
        self.0.insert(key, Arc::new(noted));
    }

    /// Once control is back: what was served too long. Each use is judged once; what is late beyond
    /// the most that is told at a time is left for the next.
    pub(crate) fn settle(&self, world: &World, age: Option<Duration>) -> Vec<UseAfterRevocation> {
        if Self::wants(age) || self.0.is_empty() {
            return Vec::new();
        }
        let all: Vec<_> = self.0.iter().collect();
        let mut told = Vec::new();
        for (key, noted) in all {
            let last = Time::from_millis(noted.last.load(Ordering::Relaxed));
            if world.was_revoked(&noted.credential, &noted.deployment, last) {
                if told.len() == TOLD {
                    continue;
                }
                let (credential, deployment) = key;
                told.push(UseAfterRevocation {
                    at: last,
                    deployment,
                    organization: noted.deployment.organization,
                    credential,
                });
            }
            self.0.remove(&key);
        }
        told
    }
}
