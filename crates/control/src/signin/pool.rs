//! A bounded pool for hashing: signing in is the most expensive thing a stranger can ask for.

use std::sync::Arc;

use aeolus_model::{Rng, Secret};
use tokio::sync::Semaphore;

use super::password::{self, HashError};

/// Hashes passwords on blocking threads, as many at once as there are cores, with a short queue.
#[derive(Clone)]
pub(crate) struct HashPool {
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    dummy: Arc<str>,
}

/// Why no hash was computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// Too many sign-ins at once; the caller answers 503 and when to try again.
    #[error("too many sign-ins at once")]
    Busy,
    /// The computation failed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl HashPool {
    /// A pool for so many hashes at once, and eight times as many waiting.
    pub(crate) fn new(permits: usize, rng: &dyn Rng) -> Result<Self, HashError> {
        let permits = permits.max(1);
        let nobody = aeolus_keys::digest::random_token(rng, 32);
        Ok(Self {
            permits: Arc::new(Semaphore::new(permits)),
            waiting: Arc::new(Semaphore::new(permits.saturating_mul(8))),
            dummy: password::hash(&nobody, rng)?.into(),
        })
    }

    /// Whether the password is the stored one. With nothing stored the same work is done on a
    /// hash that nothing fits, so that the time tells nobody who has an account.
    pub(crate) async fn verify(
        &self,
        password: Secret<String>,
        stored: Option<String>,
    ) -> Result<bool, PoolError> {
        let dummy = Arc::clone(&self.dummy);
        self.run(move || {
            if let Some(stored) = stored {
                return password::verify(&password, &stored);
            }
            password::verify(&password, &dummy);
            false
        })
        .await
    }

    /// Hashes a new password.
    pub(crate) async fn hash(
        &self,
        password: Secret<String>,
        rng: Arc<dyn Rng>,
    ) -> Result<String, PoolError> {
        let hash = self.run(move || password::hash(&password, &rng)).await?;
        Ok(hash?)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let Ok(_place) = self.waiting.try_acquire() else {
            return Err(PoolError::Busy);
        };
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| PoolError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| PoolError::Busy)
    }
}
