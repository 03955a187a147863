//! How many credentials that nobody issued are answered for what they are: in memory, so that strangers cause no
//! writes. A credential that is good is never refused for them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aeolus_model::Time;

/// In a minute, from one source.
const MOST: u32 = 60;
/// More sources than these aren't told apart in a minute.
const SOURCES: usize = 50_000;
const MINUTE: i64 = 60;

/// What was counted in this minute.
#[derive(Default)]
pub(crate) struct Floods(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    number: i64,
    failed: HashMap<String, u32>,
}

impl Floods {
    /// Counts one. Says whether there were too many in this minute.
    pub(super) fn failed(&self, source: &str, now: Time) -> bool {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.secs().div_euclid(MINUTE);
        if minute.number != number {
            *minute = Minute {
                number,
                failed: HashMap::new(),
            };
        }
        if let Some(count) = minute.failed.get_mut(source) {
            *count = count.saturating_add(1);
            return *count > MOST;
        }
        if minute.failed.len() < SOURCES {
            minute.failed.insert(source.to_owned(), 1);
        }
        false
    }
}

/// Seconds until the next minute begins.
pub(super) fn left(now: Time) -> i64 {
    MINUTE - now.secs().rem_euclid(MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_slowed_down_and_others_are_not_until_the_minute_is_over() {
        let floods = Floods::default();
        let now = Time::from_secs(90);
        for _ in 0..MOST {
            assert!(!floods.failed("a", now));
        }
        assert!(floods.failed("a", now));
        assert!(!floods.failed("b", now));
        assert_eq!(left(now), 30);
        assert!(!floods.failed("a", Time::from_secs(120)));
    }
}
