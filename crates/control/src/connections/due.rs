//! When a provider is asked for its keys.

use std::time::Duration;

use aeolus_model::Time;
use aeolus_store::ProviderKeys;

/// A key that is gone at the provider is gone here after this and a minute at most.
const REFRESH: Duration = Duration::from_secs(600);
/// No provider is asked more often, whatever happens.
const REST: Duration = Duration::from_secs(60);

/// The last time a provider was asked from here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    /// The connection's revision.
    pub(super) revision: u64,
    /// When.
    pub(super) at: Time,
    /// By how much the next time is put off.
    pub(super) jitter: Duration,
}

/// Whether to ask now. `held` is the last good answer, `demanded` whether a gate met an unknown key.
pub(super) fn due(
    revision: u64,
    held: Option<&ProviderKeys>,
    last: Option<&Last>,
    demanded: bool,
    now: Time,
) -> bool {
    // From the future is from a clock that was wrong.
    let plausible = |held: &&ProviderKeys| held.fetched_at <= now.plus(REST);
    let known = held
        .filter(|held| held.revision == revision)
        .filter(plausible);
    if let Some(last) = last.filter(|last| last.revision == revision)
        && now < last.at.plus(REST)
    {
        return false;
    }
    let Some(known) = known else {
        return true;
    };
    let jitter = last.map_or(Duration::ZERO, |last| last.jitter);
    // Another replica may have asked just now.
    let rested = now >= known.fetched_at.plus(REST);
    (demanded && rested) || now >= known.fetched_at.plus(REFRESH).plus(jitter)
}

#[cfg(test)]
mod tests {
    use aeolus_model::ConnectionId;

    use super::*;

    fn held(revision: u64, at: i64) -> ProviderKeys {
        ProviderKeys {
            connection: ConnectionId::from_bytes([1; 16]),
            revision,
            issuer: String::new(),
            keys: Vec::new(),
            fetched_at: Time::from_secs(at),
            endpoints: None,
        }
    }

    fn last(revision: u64, at: i64) -> Last {
        Last {
            revision,
            at: Time::from_secs(at),
            jitter: Duration::from_secs(30),
        }
    }

    #[test]
    fn a_provider_is_asked_at_once_when_its_connection_changes_and_never_in_a_hurry() {
        let now = |secs| Time::from_secs(secs);
        // Never asked; asked without success; asked under other settings.
        assert!(due(1, None, None, false, now(0)));
        assert!(!due(1, None, Some(&last(1, 0)), false, now(59)));
        assert!(due(1, None, Some(&last(1, 0)), false, now(60)));
        assert!(due(2, Some(&held(1, 0)), Some(&last(1, 0)), false, now(1)));
        // On schedule.
        let (held, last) = (held(1, 0), last(1, 0));
        assert!(!due(1, Some(&held), Some(&last), false, now(629)));
        assert!(due(1, Some(&held), Some(&last), false, now(630)));
        // On demand, once a minute.
        assert!(!due(1, Some(&held), Some(&last), true, now(59)));
        assert!(due(1, Some(&held), Some(&last), true, now(60)));
        assert!(!due(1, Some(&held), None, true, now(59)));
        // Kept by a clock that was ahead.
        assert!(!due(1, Some(&held), None, false, now(-60)));
        assert!(due(1, Some(&held), None, false, now(-61)));
    }
}
