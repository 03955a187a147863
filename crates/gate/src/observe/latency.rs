//! A histogram that is added to without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in nanoseconds: a decision takes microseconds, a token that is new some tens, control
/// milliseconds and at most a second.
const BOUNDS: [u64; 13] = [
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    5_000_000,
    25_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
];

/// How long something took, over and over.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    buckets: [AtomicU64; BOUNDS.len()],
    beyond: AtomicU64,
    nanos: AtomicU64,
}

/// A histogram's state: sum in seconds, count, and each bucket's bound with its own count.
pub(super) struct Seen {
    pub(super) sum: f64,
    pub(super) count: u64,
    pub(super) buckets: Vec<(f64, u64)>,
}

impl Latency {
    pub(crate) fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| nanos <= *bound);
        let bucket = bucket.and_then(|at| self.buckets.get(at));
        let bucket = bucket.unwrap_or(&self.beyond);
        bucket.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Each bucket's bound in microseconds, none for the last, with its count.
    pub(crate) fn micros(&self) -> Vec<(Option<u64>, u64)> {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let bounds = BOUNDS.iter().map(|bound| Some(bound / 1_000));
        let bounded = bounds.zip(self.buckets.iter().map(read));
        bounded.chain([(None, read(&self.beyond))]).collect()
    }

    pub(super) fn seen(&self) -> Seen {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let bounds = BOUNDS.iter().map(|bound| Duration::from_nanos(*bound));
        let mut buckets: Vec<_> = bounds
            .zip(&self.buckets)
            .map(|(bound, cell)| (bound.as_secs_f64(), read(cell)))
            .collect();
        buckets.push((f64::MAX, read(&self.beyond)));
        Seen {
            sum: Duration::from_nanos(read(&self.nanos)).as_secs_f64(),
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_observation_is_in_one_bucket() {
        let latency = Latency::default();
        for nanos in [1, 5_000, 5_001, u64::MAX / 4] {
            latency.observe(Duration::from_nanos(nanos));
        }
        let seen = latency.seen();
        assert_eq!(seen.count, 4);
        assert_eq!(seen.buckets[0], (0.000_005, 2));
        assert_eq!(seen.buckets[1].1, 1);
        assert_eq!(seen.buckets.last().unwrap().1, 1);
    }
}
