//! The signing key of each deployment, and the one that a plane's Airflow 2 share.

use std::sync::Arc;

use aeolus_keys::seal::{Generation, Keyring};
use aeolus_keys::{JwkSet, KeyError, SigningKey};
use aeolus_model::DeploymentId;
use quick_cache::sync::Cache;

/// What the key is derived for; it separates it from everything else made from the plane's secret.
const LABEL: &str = "airflow-signer";

/// Far more deployments than a plane has; a key that falls out is derived again.
const CAPACITY: usize = 16_384;

/// Signing keys: those of deployments, derived when first needed, and the plane's RSA key.
pub(crate) struct Signers {
    keyring: Arc<Keyring>,
    airflow2: Option<Arc<SigningKey>>,
    derived: Cache<(u32, DeploymentId), Arc<SigningKey>>,
}

impl Signers {
    pub(crate) fn new(keyring: Arc<Keyring>, airflow2: Option<Arc<SigningKey>>) -> Self {
        Self {
            keyring,
            airflow2,
            derived: Cache::new(CAPACITY),
        }
    }

    /// The key that signs now.
    pub(super) fn active(&self, deployment: DeploymentId) -> Result<Arc<SigningKey>, KeyError> {
        self.of(self.keyring.active(), deployment)
    }

    /// The plane's RSA key.
    pub(super) fn airflow2(&self) -> Option<&SigningKey> {
        self.airflow2.as_deref()
    }

    /// The public keys of all generations: a generation is published before it signs, and stays
    /// until nothing that it signed is left.
    pub(super) fn jwks(&self, deployment: DeploymentId) -> Result<String, KeyError> {
        let keys = self
            .keyring
            .iter()
            .map(|generation| self.of(generation, deployment));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Ok(JwkSet::of(keys.iter().map(|key| key.public())).to_json())
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
