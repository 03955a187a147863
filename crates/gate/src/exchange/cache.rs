//! What was minted, until it is replaced.

use std::sync::Arc;

use aeolus_decide::{Identity, Term};
use aeolus_model::{AirflowRole, DeploymentId, SessionId, Subject};
use quick_cache::sync::Cache as Bounded;

use super::signer::SignersId;
use super::{ExchangeError, Presented, SLOTS};

/// Whose token, for which Airflow, with which claims, in which stretch of time. A changed role is
/// another key, so it takes effect with the next request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MintedKey {
    subject: Subject,
    deployment: DeploymentId,
    session: Option<SessionId>,
    person: u128,
    role: Option<AirflowRole>,
    audience: Option<Box<str>>,
    signers: SignersId,
    slot: i64,
    capped: Option<i64>,
}

impl MintedKey {
    /// The key of an identity's token. `signers` make it, so other ones make another token;
    /// `audience` is what the deployment alone does not say: the host, for an Airflow 2.
    pub(super) fn new(
        identity: &Identity,
        (deployment, audience): (DeploymentId, Option<&str>),
        signers: SignersId,
        term: Term,
    ) -> Self {
        Self {
            subject: identity.subject,
            deployment,
            session: identity.session.map(|session| session.id),
            person: identity.person.fingerprint,
            role: identity.role,
            audience: audience.map(Box::from),
            signers,
            slot: term.slot,
            capped: term.capped,
        }
    }
}

/// The rendered headers of each token, at most `capacity` of them.
pub(super) struct Cache(Bounded<MintedKey, Arc<Presented>>);

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Bounded::new(capacity))
    }

    /// How many tokens are remembered.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets the tokens of one session.
    pub(super) fn forget(&self, ended: SessionId) {
        self.0.retain(|key, _| key.session != Some(ended));
    }

    /// Forgets tokens whose time is over by the stretch of time `slot`, and those of sessions that
    /// ended at their deployment.
    pub(super) fn sweep(&self, slot: i64, ended: &dyn Fn(SessionId, DeploymentId) -> bool) {
        self.0.retain(|key, _| {
            let over = key.slot.saturating_add(SLOTS) < slot;
            let gone = || key.session.is_some_and(|id| ended(id, key.deployment));
            !over && !gone()
        });
    }

    /// What is remembered under a key, or what `mint` makes: once, however many ask.
    pub(super) fn get_or_mint(
        &self,
        key: &MintedKey,
        mint: impl FnOnce() -> Result<Arc<Presented>, ExchangeError>,
    ) -> Result<Arc<Presented>, ExchangeError> {
        self.0.get_or_insert_with(key, mint)
    }
}
