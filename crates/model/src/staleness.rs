//! How long a gate goes on without news from control, and what it does then.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a gate does for a deployment when what it knows is older than `max_stale`.
///
/// There is no "allow because the check failed", and revocations already known always hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StalenessPolicy {
    /// Refuse everything with 503.
    Deny,
    /// Credentials that were good stay good until their own end.
    #[default]
    ServeUntilExp,
    /// As `ServeUntilExp`, for reads only.
    ReadOnly,
    /// As `ServeUntilExp`, and without the hard bound.
    StaticAllow,
}

/// The staleness rule of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Staleness {
    max: Duration,
    hard: Duration,
    then: StalenessPolicy,
}

/// Bounds that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StalenessError {
    /// `maxStale` is out of range.
    #[error("maxStale must lie between 5m and 7d")]
    Max,
    /// `hardStale` is below `maxStale` or out of range.
    #[error("hardStale must not be below maxStale nor above 30d")]
    Hard,
}

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

impl Staleness {
    /// A rule within bounds: `max` 5 minutes to 7 days, `hard` from `max` to 30 days.
    pub fn new(
        max: Duration,
        hard: Duration,
        then: StalenessPolicy,
    ) -> Result<Self, StalenessError> {
        if max < Duration::from_secs(5 * MINUTE) || max > Duration::from_secs(7 * DAY) {
            return Err(StalenessError::Max);
        }
        if hard < max || hard > Duration::from_secs(30 * DAY) {
            return Err(StalenessError::Hard);
        }
        Ok(Self { max, hard, then })
    }

    /// How old knowledge may be before the policy takes hold.
    pub const fn max(self) -> Duration {
        self.max
    }

    /// Past this every policy but `StaticAllow` is `Deny`.
    pub const fn hard(self) -> Duration {
        self.hard
    }

    /// The policy chosen.
    pub const fn then(self) -> StalenessPolicy {
        self.then
    }

    /// The policy in force at this age, or none while what is known is fresh enough.
    pub fn at(self, age: Duration) -> Option<StalenessPolicy> {
        match self.then {
            _ if age <= self.max => None,
            StalenessPolicy::StaticAllow => Some(StalenessPolicy::StaticAllow),
            _ if age > self.hard => Some(StalenessPolicy::Deny),
            chosen => Some(chosen),
        }
    }
}

impl Default for Staleness {
    /// 24 hours, then `ServeUntilExp`, at most 7 days.
    fn default() -> Self {
        Self {
            max: Duration::from_secs(DAY),
            hard: Duration::from_secs(7 * DAY),
            then: StalenessPolicy::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_takes_hold_past_max_and_hardens_past_hard() {
        use StalenessPolicy::{Deny, ReadOnly, ServeUntilExp, StaticAllow};
        let day = Duration::from_secs(DAY);
        for then in [Deny, ServeUntilExp, ReadOnly, StaticAllow] {
            let rule = Staleness::new(day, 7 * day, then).unwrap();
            assert_eq!(rule.at(day), None);
            assert_eq!(rule.at(day + Duration::from_millis(1)), Some(then));
            let hard = if then == StaticAllow {
                StaticAllow
            } else {
                Deny
            };
            assert_eq!(rule.at(8 * day), Some(hard));
        }
    }

    #[test]
    fn bounds() {
        let minute = Duration::from_secs(MINUTE);
        let day = Duration::from_secs(DAY);
        let new = |max, hard| Staleness::new(max, hard, StalenessPolicy::Deny);
        assert_eq!(new(4 * minute, day), Err(StalenessError::Max));
        assert_eq!(new(8 * day, 9 * day), Err(StalenessError::Max));
        assert_eq!(new(day, 23 * 60 * minute), Err(StalenessError::Hard));
        assert!(new(5 * minute, 5 * minute).is_ok());
    }
}
