//! A clock that moves only when a test says so.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aeolus_model::{Clock, Time};

/// A clock whose time a test sets; share it by reference or `Arc` with what is under test.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub const fn new(now: Time) -> Self {
        Self(AtomicI64::new(now.millis()))
    }

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Jumps, backwards too: wall clocks do.
    pub fn set(&self, now: Time) {
        self.0.store(now.millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_until_it_is_moved() {
        let clock = ManualClock::new(Time::from_secs(100));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clock.now(), Time::from_millis(101_500));
        clock.set(Time::from_secs(1));
        assert_eq!(clock.now(), Time::from_secs(1));
    }
}
