//! How often somebody may begin or finish sign-ins: in memory, so that strangers cause no writes.

use aeolus_model::Time;

use crate::minute::{PerMinute, left};

/// Begun in a minute, from one source, and as many answered: a whole office comes from one.
const MOST: u32 = 600;
/// Codes that a provider didn't take, in a minute from one source: it may count them against everybody who
/// comes through us.
const FAILED: u32 = 60;
/// Of those that were refused, so many are written into the audit log in a minute: from one source, and from
/// all of them.
const WRITTEN: u32 = 60;
const WRITTEN_OF_ALL: u32 = 1_000;
/// More sources than these aren't told apart: in a minute with so many, each of the others may as often as it
/// likes.
const SOURCES: usize = 100_000;

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// To be sent to a provider.
    Start,
    /// To have its answer looked at.
    Answer,
}

/// What was counted in this minute.
pub(super) struct Pace {
    started: PerMinute,
    answered: PerMinute,
    failed: PerMinute,
    written: PerMinute,
    written_of_all: PerMinute,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            started: PerMinute::of(SOURCES),
            answered: PerMinute::of(SOURCES),
            failed: PerMinute::of(SOURCES),
            written: PerMinute::of(SOURCES),
            written_of_all: PerMinute::of(1),
        }
    }
}

impl Pace {
    /// Counts one. `Some(seconds)` to wait if there were too many.
    pub(super) fn count(&self, ask: Ask, source: &str, now: Time) -> Option<u64> {
        let counted = match ask {
            Ask::Start => &self.started,
            Ask::Answer => &self.answered,
        };
        (counted.hit(source, 1, now) > MOST).then(|| left(now))
    }

    /// Counts a code that a provider didn't take.
    pub(super) fn failed(&self, source: &str, now: Time) {
        self.failed.hit(source, 1, now);
    }

    /// `Some(seconds)` to wait if there were too many of those.
    pub(super) fn wait(&self, source: &str, now: Time) -> Option<u64> {
        (self.failed.hits(source, now) >= FAILED).then(|| left(now))
    }

    /// Whether one more refusal from there is written down.
    pub(super) fn writes(&self, source: &str, now: Time) -> bool {
        self.written_of_all.hits("", now) < WRITTEN_OF_ALL
            && self.written.hit(source, 1, now) <= WRITTEN
            && self.written_of_all.hit("", 1, now) <= WRITTEN_OF_ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_waits_for_the_next_minute_and_others_don_t() {
        let pace = Pace::default();
        let at = |secs| Time::from_secs(secs);
        let start = |source, secs| pace.count(Ask::Start, source, at(secs));
        for _ in 0..MOST {
            assert_eq!(start("a", 90), None);
        }
        assert_eq!(start("a", 90), Some(30));
        assert_eq!(pace.count(Ask::Answer, "a", at(90)), None);
        assert_eq!(start("b", 90), None);
        assert_eq!(start("a", 120), None);
        let written = (0..200).filter(|_| pace.writes("a", at(120))).count();
        assert_eq!(written, 60);
    }

    #[test]
    fn codes_that_are_none_are_few_from_one_source() {
        let pace = Pace::default();
        let now = Time::from_secs(90);
        for _ in 0..FAILED {
            assert_eq!(pace.wait("a", now), None);
            pace.failed("a", now);
        }
        assert_eq!(pace.wait("a", now), Some(30));
        assert_eq!(pace.wait("b", now), None);
    }

    #[test]
    fn f61_however_many_sources_write_so_many_lines() {
        let pace = Pace::default();
        let now = Time::from_secs(90);
        let sources = 0..u32::try_from(SOURCES).unwrap() + 5_000;
        let written = sources.filter(|n| pace.writes(&n.to_string(), now));
        assert_eq!(written.count(), WRITTEN_OF_ALL as usize);
        let later = Time::from_secs(120);
        assert!(pace.writes("a", later));
    }
}
