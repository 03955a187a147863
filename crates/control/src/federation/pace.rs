//! How often somebody may begin or finish sign-ins: in memory, so that strangers cause no writes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aeolus_model::Time;

/// Begun and finished in a minute, from one source: a whole office comes from one.
const MOST: u32 = 600;
/// Of those that were refused, so many are written into the audit log.
const WRITTEN: u32 = 60;
/// More sources than these aren't told apart: in a minute with so many, each may as often as it likes.
const SOURCES: usize = 100_000;
const MINUTE: i64 = 60;

/// What was counted in this minute.
#[derive(Default)]
pub(super) struct Pace(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    number: i64,
    counted: HashMap<String, u32>,
    written: HashMap<String, u32>,
}

impl Pace {
    /// Counts one. `Some(seconds)` to wait if there were too many.
    pub(super) fn count(&self, source: &str, now: Time) -> Option<u64> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        minute.turn(now);
        let over = hit(&mut minute.counted, source) > MOST;
        let left = MINUTE - now.secs().rem_euclid(MINUTE);
        over.then(|| u64::try_from(left).unwrap_or(1).max(1))
    }

    /// Whether one more refusal from there is written down.
    pub(super) fn writes(&self, source: &str, now: Time) -> bool {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        minute.turn(now);
        hit(&mut minute.written, source) <= WRITTEN
    }
}

impl Minute {
    fn turn(&mut self, now: Time) {
        let number = now.secs().div_euclid(MINUTE);
        if self.number != number {
            *self = Self {
                number,
                ..Self::default()
            };
        }
    }
}

fn hit(counted: &mut HashMap<String, u32>, source: &str) -> u32 {
    if counted.len() >= SOURCES && !counted.contains_key(source) {
        return 0;
    }
    let hits = counted.entry(source.to_owned()).or_default();
    *hits = hits.saturating_add(1);
    *hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_waits_for_the_next_minute_and_others_don_t() {
        let pace = Pace::default();
        let at = |secs| Time::from_secs(secs);
        for _ in 0..MOST {
            assert_eq!(pace.count("a", at(90)), None);
        }
        assert_eq!(pace.count("a", at(90)), Some(30));
        assert_eq!(pace.count("b", at(90)), None);
        assert_eq!(pace.count("a", at(120)), None);
        let written = (0..200).filter(|_| pace.writes("a", at(120))).count();
        assert_eq!(written, 60);
    }
}
