//! Whose turn it is to sign in: so many at once, of whom those at one address are a few, and two who write
//! to the database.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aeolus_store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
    unanswered: Arc<AtomicU64>,
    sources: Sources,
}

impl Turns {
    /// Where so many hashes are computed at once.
    pub(super) fn for_each_of(permits: usize) -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(permits.saturating_mul(WAITING))),
            writing: Arc::new(Semaphore::new(WRITING)),
            unanswered: Arc::default(),
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
            unanswered: Arc::clone(&self.unanswered),
        })
    }
}

/// A place among those who sign in.
pub(crate) struct Turn {
    _place: Option<Place>,
    _waiting: OwnedSemaphorePermit,
    writing: Arc<Semaphore>,
    /// How often the database did not answer one that wrote.
    unanswered: Arc<AtomicU64>,
}

impl Turn {
    /// Waits until it may write. It holds up the next one until it is dropped. Whoever waited behind one that
    /// the database did not answer is not made to wait for the same once more: no queue outlives one deadline
    /// (F44).
    pub(crate) async fn write(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let before = self.unanswered.load(Ordering::Acquire);
        let permit = Arc::clone(&self.writing).acquire_owned().await;
        if self.unanswered.load(Ordering::Acquire) != before {
            return Err(StoreError::Timeout);
        }
        permit.map_err(|closed| StoreError::Unavailable(closed.to_string()))
    }

    /// Does it when it may write, and remembers for those who wait that the database did not answer.
    pub(crate) async fn written<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let _writing = self.write().await?;
        let done = work.await;
        if matches!(&done, Err(StoreError::Timeout | StoreError::Unavailable(_))) {
            self.unanswered.fetch_add(1, Ordering::AcqRel);
        }
        done
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

    #[tokio::test]
    async fn f44_who_waits_behind_one_that_is_not_answered_is_told_with_it() {
        let turns = Turns::for_each_of(1);
        let turn = |n: usize| turns.take(Some(n.to_string())).unwrap();
        let other = turn(0).write().await.unwrap();
        let (answer, answered) = tokio::sync::oneshot::channel::<()>();
        let mut tasks = tokio::task::JoinSet::new();
        let first = turn(1);
        tasks.spawn(async move {
            let work = async {
                let _ = answered.await;
                Err(StoreError::Timeout)
            };
            first.written::<()>(work).await
        });
        tokio::task::yield_now().await;
        for turn in (2..20).map(turn) {
            let never = async { panic!("the database was asked") };
            tasks.spawn(async move { turn.written(never).await });
        }
        tokio::task::yield_now().await;
        answer.send(()).unwrap();
        for told in tasks.join_all().await {
            assert!(matches!(told, Err(StoreError::Timeout)), "{told:?}");
        }
        drop(other);
        // Whoever comes later asks anew.
        turn(20).written(async { Ok(()) }).await.unwrap();
    }

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
