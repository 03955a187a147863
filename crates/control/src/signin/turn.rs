//! Whose turn it is to sign in: so many at once, of whom those at one address are a few, and two who write
//! to the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// How many may wait for each hash that is computed: of all, and from one source, so that whoever tries
/// passwords from a few addresses leaves places for others (F56).
const WAITING: usize = 32;
const OF_ONE_SOURCE: usize = 2;

/// How many sign-ins write at once: whoever has something to revoke waits for no more than these (F54).
const WRITING: usize = 2;

/// The turns there are.
#[derive(Clone)]
pub(super) struct Turns {
    waiting: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    sources: Sources,
}

impl Turns {
    /// Where so many hashes are computed at once.
    pub(super) fn for_each_of(permits: usize) -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(permits.saturating_mul(WAITING))),
            writing: Arc::new(Semaphore::new(WRITING)),
            sources: Sources::of_each(permits.saturating_mul(OF_ONE_SOURCE)),
        }
    }

    /// One for somebody at a source, or for the operator; none if all are taken.
    pub(super) fn take(&self, source: Option<String>) -> Option<Turn> {
        let place = match source {
            Some(source) => Some(self.sources.enter(source)?),
            None => None,
        };
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        Some(Turn {
            _place: place,
            _waiting: waiting,
            writing: Arc::clone(&self.writing),
        })
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
    pub(crate) async fn write(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.writing).acquire_owned().await
    }
}

/// How many wait from each source.
#[derive(Clone)]
pub(crate) struct Sources {
    most: usize,
    held: Arc<Mutex<HashMap<String, usize>>>,
}

/// A source's place in the queue, until it is dropped.
pub(crate) struct Place {
    source: String,
    held: Arc<Mutex<HashMap<String, usize>>>,
}

impl Sources {
    /// So many from each.
    pub(crate) fn of_each(most: usize) -> Self {
        Self {
            most,
            held: Arc::default(),
        }
    }

    /// A place; none if the source has as many as it may.
    pub(crate) fn enter(&self, source: String) -> Option<Place> {
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
