//! When something that many requests share was last told of, without a lock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aeolus_model::Time;

/// A moment that is part of no comparison: two tokens that say the same are the same, whenever their
/// use was told.
#[derive(Debug, Default)]
pub struct LastTold(AtomicI64);

impl LastTold {
    /// Whether it is time to tell again. Of all who ask at once, one is told yes.
    pub fn is_due(&self, now: Time, every: Duration) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        now.since(Time::from_millis(last)) >= every
            && self
                .0
                .compare_exchange(last, now.millis(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl Clone for LastTold {
    fn clone(&self) -> Self {
        Self(AtomicI64::new(self.0.load(Ordering::Relaxed)))
    }
}

impl PartialEq for LastTold {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LastTold {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_is_told_and_again_after_a_while() {
        let (told, every) = (LastTold::default(), Duration::from_secs(900));
        let at = |secs: i64| Time::from_secs(1_000_000 + secs);
        assert!(told.is_due(at(0), every));
        assert!(!told.is_due(at(0), every));
        assert!(!told.is_due(at(899), every));
        assert!(told.is_due(at(900), every));
    }
}
