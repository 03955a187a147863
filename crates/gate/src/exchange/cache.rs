//! What was minted, until it is replaced.

use std::hash::Hash;
use std::sync::Arc;

use aeolus_decide::Identity;
use aeolus_model::{DeploymentId, Rng, SessionId, Subject};
use http::HeaderValue;
use quick_cache::sync::Cache as Bounded;
use siphasher::sip128::{Hasher128, SipHasher24};

use super::ExchangeError;

/// Whose token, for which Airflow, with which claims, in which stretch of time. A changed role is
/// another key, so it takes effect with the next request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MintedKey {
    subject: Subject,
    deployment: DeploymentId,
    session: Option<SessionId>,
    claims: u128,
    slot: i64,
    capped: Option<i64>,
}

/// The rendered header of each token, at most `capacity` of them.
pub(super) struct Cache {
    minted: Bounded<MintedKey, HeaderValue>,
    hash: SipHasher24,
}

impl Cache {
    pub(super) fn new(capacity: usize, rng: &Arc<dyn Rng>) -> Self {
        let mut key = [0; 16];
        rng.fill(&mut key);
        Self {
            minted: Bounded::new(capacity),
            hash: SipHasher24::new_with_key(&key),
        }
    }

    /// The key of an identity's token. `slot` numbers the stretch of time; `capped` is the end of
    /// a credential that ends sooner than its token would.
    pub(super) fn key(
        &self,
        identity: &Identity,
        deployment: DeploymentId,
        slot: i64,
        capped: Option<i64>,
    ) -> MintedKey {
        let mut hash = self.hash;
        identity.role.hash(&mut hash);
        identity.person.email.hash(&mut hash);
        identity.person.name.hash(&mut hash);
        identity.person.teams.hash(&mut hash);
        MintedKey {
            subject: identity.subject,
            deployment,
            session: identity.session.map(|session| session.id),
            claims: hash.finish128().as_u128(),
            slot,
            capped,
        }
    }

    /// What is remembered under a key, or what `mint` makes: once, however many ask.
    pub(super) fn get_or_mint(
        &self,
        key: &MintedKey,
        mint: impl FnOnce() -> Result<HeaderValue, ExchangeError>,
    ) -> Result<HeaderValue, ExchangeError> {
        self.minted.get_or_insert_with(key, mint)
    }
}
