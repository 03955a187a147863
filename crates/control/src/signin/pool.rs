//! A bounded pool for hashing: signing in is the most expensive thing a stranger can ask for.

use std::sync::Arc;

use aeolus_model::{Rng, Secret};
use tokio::sync::Semaphore;

use super::password::{self, HashError};
use super::turn::{Turn, Turns};

/// Hashes passwords on blocking threads, as many at once as there are cores, of those whose turn it is.
#[derive(Clone)]
pub(crate) struct HashPool {
    permits: Arc<Semaphore>,
    turns: Turns,
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
    /// A pool for so many hashes at once.
    pub(crate) fn new(permits: usize, rng: &dyn Rng) -> Result<Self, HashError> {
        let permits = permits.max(1);
        let nobody = aeolus_keys::digest::random_token(rng, 32);
        Ok(Self {
            permits: Arc::new(Semaphore::new(permits)),
            turns: Turns::for_each_of(permits),
            dummy: password::hash(&nobody, rng)?.into(),
        })
    }

    /// A turn for somebody at a source; none stands for the operator. Whoever comes when all are taken is
    /// told to come again.
    pub(crate) fn turn(&self, source: Option<String>) -> Result<Turn, PoolError> {
        self.turns.take(source).ok_or(PoolError::Busy)
    }

    /// Whether the password of a turn is the stored one. With nothing stored the same
    /// work is done on a hash that nothing fits, so that the time tells nobody who has an account.
    pub(crate) async fn verify(
        &self,
        _turn: &Turn,
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
        let _turn = self.turn(None)?;
        let hash = self.run(move || password::hash(&password, &rng)).await?;
        Ok(hash?)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
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
