//! How much provisioning clients may ask for: in memory, so that whoever asks too often causes no writes.

use aeolus_model::{ConnectionId, Time};

use crate::minute::{PerMinute, left};

/// Credentials that nobody issued, in a minute from one source. A credential that is good is never refused for them.
const MOST_BAD: u32 = 60;
/// More sources than these aren't told apart in a minute.
const SOURCES: usize = 50_000;

/// What was counted in this minute.
pub(crate) struct Floods {
    bad: PerMinute,
    good: PerMinute,
}

impl Default for Floods {
    fn default() -> Self {
        Self {
            bad: PerMinute::of(SOURCES),
            good: PerMinute::of(SOURCES),
        }
    }
}

impl Floods {
    /// Counts a bad credential. Says whether there were too many in this minute.
    pub(super) fn failed(&self, source: &str, now: Time) -> bool {
        self.bad.hit(source, 1, now) > MOST_BAD
    }

    /// Counts so many requests of a connection's clients. `Some(seconds)` to wait if there were `most` in this minute already:
    /// then they aren't counted, so that nobody keeps others waiting by what is refused, and a bulk request of more than that
    /// has its turn in a new minute.
    pub(super) fn asked(
        &self,
        connection: ConnectionId,
        (many, most): (u32, u32),
        now: Time,
    ) -> Option<u64> {
        let source = connection.to_string();
        if self.good.hits(&source, now) >= most {
            return Some(left(now));
        }
        self.good.hit(&source, many, now);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_slowed_down_and_others_are_not_until_the_minute_is_over() {
        let floods = Floods::default();
        let now = Time::from_secs(90);
        for _ in 0..MOST_BAD {
            assert!(!floods.failed("a", now));
        }
        assert!(floods.failed("a", now));
        assert!(!floods.failed("b", now));
        assert!(!floods.failed("a", Time::from_secs(120)));
    }

    #[test]
    fn scim_a_connection_waits_for_the_next_minute_and_others_do_not() {
        let floods = Floods::default();
        let [one, other] = [1, 2].map(|id| ConnectionId::from_bytes([id; 16]));
        let now = Time::from_secs(90);
        assert_eq!(floods.asked(one, (90, 100), now), None);
        assert_eq!(floods.asked(one, (10, 100), now), None);
        assert_eq!(floods.asked(one, (1, 100), now), Some(30));
        assert_eq!(floods.asked(other, (1, 100), now), None);
        assert_eq!(floods.asked(one, (1_000, 100), Time::from_secs(120)), None);
        assert_eq!(
            floods.asked(one, (1_000, 100), Time::from_secs(121)),
            Some(59)
        );
        assert_eq!(floods.asked(one, (1_000, 100), Time::from_secs(180)), None);
    }
}
