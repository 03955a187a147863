//! Token buckets for any number of keys in a fixed amount of memory, without a lock.
//!
//! Each bucket is one number, the time until which it is used up (GCRA). They have no keys: each key
//! has four cells at places that a keyed hash names, shared with others (a count-min sketch). What
//! is taken is added to all four, and a key is only out of tokens when all four are. So a key never
//! gets more than its rate, and gets less only if each of its cells is held full by somebody else:
//! with 1,000 keys at their limit one stranger in 80,000 meets that, with 10,000 one in 23. Whoever
//! wants to meet a certain stranger would have to know the hash's key.

use std::hash::{Hash, Hasher as _};
use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aeolus_model::Rng;
use siphasher::sip::SipHasher24;

/// As many as two bytes of a hash can name: half a MiB.
const CELLS: usize = 1 << 16;

/// How much may be taken at once: what comes in one minute.
const BURST: u64 = 60_000_000_000;

/// How often something may happen: so many times a minute, and as many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Nanoseconds from one to the next.
    interval: u64,
}

impl Rate {
    pub(crate) const fn per_minute(count: NonZeroU32) -> Self {
        // A count has at most 32 bits: the interval is at least 13 ns.
        let interval = BURST / count.get() as u64;
        Self { interval }
    }

    /// Whether a bucket that is used up until `until` has another token.
    const fn fits(self, until: u64, now: u64) -> bool {
        let from = if until > now { until } else { now };
        from.saturating_add(self.interval) <= now.saturating_add(BURST)
    }
}

/// The buckets. All times are since any one moment before the first.
pub(crate) struct Buckets {
    key: SipHasher24,
    /// What nobody limits takes no room.
    cells: OnceLock<Box<[AtomicU64]>>,
}

impl Buckets {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        let mut key = [0; 16];
        rng.fill(&mut key);
        Self {
            key: SipHasher24::new_with_key(&key),
            cells: OnceLock::new(),
        }
    }

    /// Whether a key has no token left. Takes none.
    pub(crate) fn is_empty(&self, key: &impl Hash, rate: Rate, now: Duration) -> bool {
        let now = nanos(now);
        let mut cells = self.cells(key);
        cells.all(|cell| !rate.fits(cell.load(Ordering::Relaxed), now))
    }

    /// Takes a token, whether or not there is one.
    pub(crate) fn take(&self, key: &impl Hash, rate: Rate, now: Duration) {
        let now = nanos(now);
        for cell in self.cells(key) {
            // One that is empty stays as it is: what is refused makes nobody wait longer.
            let used = |until: u64| {
                let later = until.max(now).saturating_add(rate.interval);
                rate.fits(until, now).then_some(later)
            };
            let _ = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, used);
        }
    }

    /// Takes a token if there is one.
    pub(crate) fn try_take(&self, key: &impl Hash, rate: Rate, now: Duration) -> bool {
        let there = !self.is_empty(key, rate, now);
        if there {
            self.take(key, rate, now);
        }
        there
    }

    /// The four cells of a key.
    fn cells<'a, K: Hash>(&'a self, key: &K) -> impl Iterator<Item = &'a AtomicU64> + use<'a, K> {
        let mut hasher = self.key;
        key.hash(&mut hasher);
        let places = hasher.finish();
        let cells = self.cells.get_or_init(|| {
            let empty = || AtomicU64::new(0);
            std::iter::repeat_with(empty).take(CELLS).collect()
        });
        (0..4).filter_map(move |row| {
            let place = (places >> (16 * row)) & 0xffff;
            cells.get(usize::try_from(place).ok()?)
        })
    }
}

/// Time that may be spent on something, as a share of all the time there is.
pub(crate) struct Budget {
    /// Spent until then.
    until: AtomicU64,
    /// How long one unit of time that is spent takes to come back, in 256ths.
    weight: u64,
}

/// How far ahead a budget may be spent.
const AHEAD: u64 = 1_000_000_000;

impl Budget {
    /// Half of the time of so many cores.
    pub(crate) fn half_of(cores: usize) -> Self {
        let cores = u64::try_from(cores.max(1)).unwrap_or(u64::MAX);
        Self {
            until: AtomicU64::new(0),
            weight: (512 / cores).max(1),
        }
    }

    /// Whether any is left.
    pub(crate) fn is_left(&self, now: Duration) -> bool {
        self.until.load(Ordering::Relaxed) <= nanos(now).saturating_add(AHEAD)
    }

    /// Spends some.
    pub(crate) fn spend(&self, took: Duration, now: Duration) {
        let now = nanos(now);
        let took = nanos(took).saturating_mul(self.weight) / 256;
        let later = |until: u64| Some(until.max(now).saturating_add(took));
        let _ = self
            .until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }
}

/// Enough for five centuries.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use aeolus_testkit::SeededRng;
    use proptest::prelude::*;

    use super::*;

    fn rate(count: u32) -> Rate {
        Rate::per_minute(NonZeroU32::new(count).unwrap())
    }

    fn buckets() -> Buckets {
        Buckets::new(&SeededRng::new("buckets"))
    }

    const NOW: Duration = Duration::from_secs(1_000);

    #[test]
    fn a_minutes_worth_may_be_taken_at_once_and_comes_back_evenly() {
        let buckets = buckets();
        let taken = |now| {
            (0..100)
                .filter(|_| buckets.try_take(&"a", rate(60), now))
                .count()
        };
        assert_eq!(taken(NOW), 60);
        assert_eq!(taken(NOW + Duration::from_secs(1)), 1);
        assert_eq!(taken(NOW + Duration::from_secs(11)), 10);
        assert_eq!(taken(NOW + Duration::from_secs(200)), 60);
    }

    #[test]
    fn what_is_taken_from_an_empty_bucket_makes_nobody_wait_longer() {
        let buckets = buckets();
        for _ in 0..10_000 {
            buckets.take(&"a", rate(60), NOW);
        }
        assert!(buckets.is_empty(&"a", rate(60), NOW));
        assert!(!buckets.is_empty(&"a", rate(60), NOW + Duration::from_secs(1)));
    }

    #[test]
    fn a_time_that_stands_still_or_goes_back_gives_nothing_and_takes_nothing() {
        let buckets = buckets();
        while buckets.try_take(&"a", rate(60), NOW) {}
        assert!(buckets.is_empty(&"a", rate(60), Duration::ZERO));
        assert!(!buckets.is_empty(&"a", rate(60), NOW + Duration::from_secs(1)));
    }

    #[test]
    fn a_thousand_keys_at_their_limit_leave_the_others_theirs() {
        let buckets = buckets();
        for key in 0..1_000_u32 {
            while buckets.try_take(&key, rate(5), NOW) {}
        }
        let mut others = 1_000..11_000_u32;
        assert!(others.all(|key| buckets.try_take(&key, rate(5), NOW)));
    }

    #[test]
    fn another_rate_holds_from_the_next_question_on() {
        let buckets = buckets();
        while buckets.try_take(&"a", rate(60), NOW) {}
        assert!(!buckets.is_empty(&"a", rate(6_000), NOW + Duration::from_millis(11)));
    }

    #[test]
    fn many_threads_take_no_more_than_there_is_but_one_each() {
        let buckets = buckets();
        let taken: usize = std::thread::scope(|scope| {
            let take = || {
                (0..1_000)
                    .filter(|_| buckets.try_take(&"a", rate(100), NOW))
                    .count()
            };
            let all: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!((100..104).contains(&taken), "{taken}");
    }

    #[test]
    fn a_budget_is_half_of_the_cores() {
        let budget = Budget::half_of(2);
        assert!(budget.is_left(NOW));
        budget.spend(Duration::from_millis(2_500), NOW);
        assert!(!budget.is_left(NOW));
        assert!(!budget.is_left(NOW + Duration::from_millis(1_400)));
        assert!(budget.is_left(NOW + Duration::from_millis(1_500)));
        let one = Budget::half_of(1);
        one.spend(Duration::from_millis(1_000), NOW);
        assert!(one.is_left(NOW + Duration::from_millis(1_000)));
        assert!(!one.is_left(NOW + Duration::from_millis(900)));
    }

    proptest! {
        #[test]
        fn no_key_ever_gets_more_than_its_rate(
            count in 1..500_u32,
            steps in proptest::collection::vec((any::<u8>(), 0..3_000_u64), 1..300),
        ) {
            let buckets = buckets();
            let (mut now, mut taken) = (NOW, 0_u64);
            for (_, millis) in &steps {
                now += Duration::from_millis(*millis);
                taken += u64::from(buckets.try_take(&"a", rate(count), now));
            }
            let minutes = now.saturating_sub(NOW).as_secs_f64() / 60.0;
            let most = f64::from(count) * (1.0 + minutes) + 1.0;
            prop_assert!(f64::from(u32::try_from(taken).unwrap()) <= most);
        }
    }
}
