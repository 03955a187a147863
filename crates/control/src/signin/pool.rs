//! A bounded pool for signing in: the most expensive thing a stranger can ask for, in hashes and in
//! writes to the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aeolus_model::{Rng, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::password::{self, HashError};

/// How many may wait for each that is computed: of all, and from one source, so that whoever tries
/// passwords from a few addresses leaves places for others (F56).
const WAITING: usize = 32;
const OF_ONE_SOURCE: usize = 2;

/// How many sign-ins write at once: whoever has something to revoke waits for no more than these (F54).
const WRITING: usize = 2;

/// Hashes passwords on blocking threads, as many at once as there are cores, with a short queue.
#[derive(Clone)]
pub(crate) struct HashPool {
    permits: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    sources: Sources,
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
            waiting: Arc::new(Semaphore::new(permits.saturating_mul(WAITING))),
            writing: Arc::new(Semaphore::new(WRITING)),
            sources: Sources {
                most: permits.saturating_mul(OF_ONE_SOURCE),
                held: Arc::default(),
            },
            dummy: password::hash(&nobody, rng)?.into(),
        })
    }

    /// A turn for somebody at a source; none stands for the operator. Whoever comes when all are taken is
    /// told to come again.
    pub(crate) fn turn(&self, source: Option<String>) -> Result<Turn, PoolError> {
        let place = source.map(|source| self.sources.enter(source).ok_or(PoolError::Busy));
        let place = place.transpose()?;
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        Ok(Turn {
            _place: place,
            _waiting: waiting.map_err(|_| PoolError::Busy)?,
            writing: Arc::clone(&self.writing),
        })
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

/// A place among those who sign in.
pub(crate) struct Turn {
    _place: Option<Place>,
    _waiting: OwnedSemaphorePermit,
    writing: Arc<Semaphore>,
}

impl Turn {
    /// Waits until it may write. It holds up the next one until it is dropped.
    pub(crate) async fn write(&self) -> Result<OwnedSemaphorePermit, PoolError> {
        let permit = Arc::clone(&self.writing).acquire_owned().await;
        permit.map_err(|_| PoolError::Busy)
    }
}

/// How many wait from each source.
#[derive(Clone)]
struct Sources {
    most: usize,
    held: Arc<Mutex<HashMap<String, usize>>>,
}

/// A source's place in the queue, until it is dropped.
struct Place {
    source: String,
    held: Arc<Mutex<HashMap<String, usize>>>,
}

impl Sources {
    /// A place; none if the source has as many as it may.
    fn enter(&self, source: String) -> Option<Place> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = held.entry(source.clone()).or_default();
        if *waiting >= self.most {
            return None;
        }
        *waiting += 1;
        drop(held);
        let held = Arc::clone(&self.held);
        Some(Place { source, held })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(&self.source) {
            Some(waiting) if *waiting > 1 => *waiting -= 1,
            _ => {
                held.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f56_a_source_fills_its_own_places_only() {
        let sources = Sources {
            most: 2,
            held: Arc::default(),
        };
        let enter = |source: &str| sources.enter(source.to_owned());
        let held = [enter("a"), enter("a")];
        assert!(held.iter().all(Option::is_some));
        assert!(enter("a").is_none());
        let other = enter("b");
        assert!(other.is_some());
        drop(held);
        assert!(enter("a").is_some());
        drop(other);
        assert!(sources.held.lock().unwrap().is_empty(), "nothing is kept");
    }
}
