//! How often something happens in a minute, by source: in memory, so that whoever asks too often causes no writes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aeolus_model::Time;

const MINUTE: i64 = 60;

/// Counts by source, from the full minute on.
pub(crate) struct PerMinute {
    /// More sources than these aren't told apart: in a minute with so many, each of the others may as often as it likes.
    sources: usize,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    minute: i64,
    hits: HashMap<String, u32>,
}

impl PerMinute {
    /// Of so many sources at most.
    pub(crate) fn of(sources: usize) -> Self {
        Self {
            sources,
            counted: Mutex::default(),
        }
    }

    /// Counts so many, and says how many there were in this minute by now; none for a source that isn't told apart.
    pub(crate) fn hit(&self, source: &str, many: u32, now: Time) -> u32 {
        self.with(now, |hits| {
            if let Some(count) = hits.get_mut(source) {
                *count = count.saturating_add(many);
                return *count;
            }
            if hits.len() >= self.sources {
                return 0;
            }
            hits.insert(source.to_owned(), many);
            many
        })
    }

    /// How many there were in this minute.
    pub(crate) fn hits(&self, source: &str, now: Time) -> u32 {
        self.with(now, |hits| hits.get(source).copied().unwrap_or(0))
    }

    fn with<T>(&self, now: Time, work: impl FnOnce(&mut HashMap<String, u32>) -> T) -> T {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.secs().div_euclid(MINUTE);
        if counted.minute != minute {
            *counted = Counted {
                minute,
                hits: HashMap::new(),
            };
        }
        work(&mut counted.hits)
    }
}

/// Seconds until the next minute begins, at least one.
pub(crate) fn left(now: Time) -> u64 {
    let left = MINUTE - now.secs().rem_euclid(MINUTE);
    u64::try_from(left).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_is_counted_until_the_minute_is_over() {
        let counter = PerMinute::of(2);
        let at = |secs| Time::from_secs(secs);
        assert_eq!(counter.hit("a", 1, at(90)), 1);
        assert_eq!(counter.hit("a", 3, at(119)), 4);
        assert_eq!(counter.hits("a", at(119)), 4);
        assert_eq!(counter.hit("b", 1, at(119)), 1);
        assert_eq!(counter.hit("c", 1, at(119)), 0, "there is no room for it");
        assert_eq!(counter.hit("a", u32::MAX, at(119)), u32::MAX);
        assert_eq!(counter.hits("a", at(120)), 0);
        assert_eq!(counter.hit("c", 1, at(120)), 1);
        assert_eq!((left(at(90)), left(at(119)), left(at(120))), (30, 1, 60));
    }
}
