//! The signing keys of this moment: of each deployment, and the one that a plane's Airflow 2 share.

use std::sync::Arc;
use std::time::Duration;

use aeolus_keys::digest::hmac;
use aeolus_keys::seal::{Generation, GenerationState, Keyring};
use aeolus_keys::{JwkSet, KeyError, SigningKey};
use aeolus_model::{DeploymentId, Time};
use quick_cache::sync::Cache;

/// What the key is derived for; it separates it from everything else made from the plane's secret.
const LABEL: &str = "airflow-signer";

/// Far more deployments than a plane has; a key that falls out is derived again.
const CAPACITY: usize = 16_384;

/// How long the keys of a retired generation are still published. What they signed ends within
/// minutes; a replica that got the file late may sign with them for longer.
const PUBLISHED_FOR: Duration = Duration::from_hours(24);

/// Whether the public keys of a generation are shown. It is shown before it signs, and until nothing
/// that it signed is left.
pub(crate) fn is_published(state: GenerationState, now: Time) -> bool {
    match state {
        GenerationState::Announced | GenerationState::Active => true,
        GenerationState::Retired { since } => now < since.plus(PUBLISHED_FOR),
    }
}

/// Signing keys: those of deployments, derived when first needed, and the plane's RSA keys.
pub(crate) struct Signers {
    active: Generation,
    published: Vec<Generation>,
    rsa: Option<Arc<SigningKey>>,
    derived: Cache<(u32, DeploymentId), Arc<SigningKey>>,
    identity: SignersId,
}

/// Half of a digest of the keys that sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SignersId(u128);

impl Signers {
    pub(crate) fn new(keyring: &Keyring, now: Time) -> Self {
        let published = keyring.at(now);
        let published = published.filter(|(_, state)| is_published(*state, now));
        let active = keyring.active(now);
        let rsa = keyring.active_rsa(now);
        let rsa_kid = rsa.map(|key| *key.public().kid().as_bytes());
        let seed = active.derive(LABEL, b"");
        let digest = hmac(seed.expose(), &[&rsa_kid.unwrap_or_default()]);
        let identity = u128::from_be_bytes(digest.first_chunk().copied().unwrap_or_default());
        Self {
            active: active.clone(),
            published: published
                .map(|(generation, _)| generation.clone())
                .collect(),
            rsa: rsa.cloned(),
            derived: Cache::new(CAPACITY),
            identity: SignersId(identity),
        }
    }

    /// The number of the generation that signs now.
    pub(crate) fn generation(&self) -> u32 {
        self.active.id
    }

    /// What tells the keys that sign now from all others: a number alone does not, because two
    /// replicas that are rotated apart make two generations with one number.
    pub(super) const fn identity(&self) -> SignersId {
        self.identity
    }

    /// The key that signs now.
    pub(super) fn active(&self, deployment: DeploymentId) -> Result<Arc<SigningKey>, KeyError> {
        self.of(&self.active, deployment)
    }

    /// The RSA key that signs now.
    pub(super) fn airflow2(&self) -> Option<&SigningKey> {
        self.rsa.as_deref()
    }

    /// The public keys of all generations that may sign or have signed.
    pub(super) fn jwks(&self, deployment: DeploymentId) -> Result<String, KeyError> {
        let keys = self.published.iter();
        let keys = keys.map(|generation| self.of(generation, deployment));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Ok(JwkSet::of(keys.iter().map(|key| key.public())).to_json())
    }

    /// The public RSA keys of all such generations; none if there is no key that signs.
    pub(super) fn airflow2_jwks(&self) -> Option<String> {
        let active = self.airflow2()?;
        let published = self.published.iter();
        let published = published.filter_map(|generation| generation.rsa.as_deref());
        let mut keys: Vec<_> = published.map(SigningKey::public).collect();
        // Where only a generation that is published no more has one.
        if !keys.iter().any(|key| key.kid() == active.public().kid()) {
            keys.push(active.public());
        }
        Some(JwkSet::of(keys).to_json())
    }

    fn of(
        &self,
        generation: &Generation,
        deployment: DeploymentId,
    ) -> Result<Arc<SigningKey>, KeyError> {
        self.derived
            .get_or_insert_with(&(generation.id, deployment), || {
                let seed = generation.derive(LABEL, deployment.as_bytes());
                SigningKey::ed25519_from_seed(&seed).map(Arc::new)
            })
    }
}
