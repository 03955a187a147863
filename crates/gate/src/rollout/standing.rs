//! How well one deployment does on its rollout's path: what a request adds to, without a lock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use aeolus_model::FallBack;

/// How long a window is.
pub(super) const WINDOW: Duration = Duration::from_secs(10);

/// Whether a deployment is off its path, and the window that runs. Two requests that meet at the turn
/// of a window may be counted in either.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    fallen: AtomicBool,
    window: AtomicU64,
    requests: AtomicU32,
    bad: AtomicU32,
}

/// What a window says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) bad: u32,
    pub(crate) requests: u32,
}

impl Standing {
    /// Whether the gate has taken it off the path.
    pub(crate) fn has_fallen(&self) -> bool {
        self.fallen.load(Ordering::Relaxed)
    }

    pub(crate) fn set_fallen(&self, fallen: bool) {
        self.requests.store(0, Ordering::Relaxed);
        self.bad.store(0, Ordering::Relaxed);
        self.fallen.store(fallen, Ordering::Relaxed);
    }

    /// Counts a request on the path; says what the window has seen, if that is too much. `at` is the
    /// time since any fixed moment.
    pub(super) fn observe(&self, bad: bool, terms: &FallBack, at: Duration) -> Option<Seen> {
        let number = at.as_secs() / WINDOW.as_secs();
        if self.window.swap(number, Ordering::Relaxed) != number {
            self.requests.store(0, Ordering::Relaxed);
            self.bad.store(0, Ordering::Relaxed);
        }
        let requests = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if !bad {
            return None;
        }
        let bad = self.bad.fetch_add(1, Ordering::Relaxed) + 1;
        let share = u64::from(bad) * 100 / u64::from(requests.max(1));
        let too_much = requests >= terms.requests && share >= u64::from(terms.bad_percent);
        too_much.then_some(Seen { bad, requests })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: FallBack = FallBack {
        bad_percent: 10,
        slow: Duration::from_millis(100),
        requests: 20,
        hold: Duration::from_secs(600),
    };

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_share_of_enough_requests_is_too_much() {
        let standing = Standing::default();
        assert_eq!(
            standing.observe(true, &TERMS, at(1)),
            None,
            "one says nothing"
        );
        for _ in 0..18 {
            assert_eq!(standing.observe(false, &TERMS, at(2)), None);
        }
        let seen = Seen {
            bad: 2,
            requests: 20,
        };
        assert_eq!(standing.observe(true, &TERMS, at(9)), Some(seen));
        // A new window begins with nothing.
        assert_eq!(standing.observe(true, &TERMS, at(10)), None);
    }

    #[test]
    fn a_small_share_is_not() {
        let standing = Standing::default();
        let bad = |n: u32| n % 11 == 10;
        let moved = (0..1_000).any(|n| standing.observe(bad(n), &TERMS, at(3)).is_some());
        assert!(!moved);
    }
}
