//! How long a certificate lives.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use aeolus_model::Time;
use serde::{Deserialize, Serialize};

/// A day, in seconds.
const DAY: u64 = 86_400;

/// A length of life: 1 to 3,650 days, written as their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Life(u32);

/// Why something is no life.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifeError {
    /// Too many days, or none.
    #[error("{0} days: a certificate lives for 1 to 3650 days")]
    Days(u32),
    /// No number.
    #[error("not a number of days: {0}")]
    NoNumber(#[from] ParseIntError),
}

impl Life {
    /// A root's: ten years.
    pub const ROOT: Self = Self(3650);
    /// An intermediate's: a year.
    pub const INTERMEDIATE: Self = Self(365);
    /// A server's or client's, unless told otherwise.
    pub const LEAF: Self = Self(90);

    /// Of so many days.
    pub const fn days(days: u32) -> Result<Self, LifeError> {
        if days == 0 || days > Self::ROOT.0 {
            return Err(LifeError::Days(days));
        }
        Ok(Self(days))
    }

    /// Its length.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64 * DAY)
    }
}

impl TryFrom<u32> for Life {
    type Error = LifeError;

    fn try_from(days: u32) -> Result<Self, LifeError> {
        Self::days(days)
    }
}

impl From<Life> for u32 {
    fn from(life: Life) -> Self {
        life.0
    }
}

impl FromStr for Life {
    type Err = LifeError;

    fn from_str(text: &str) -> Result<Self, LifeError> {
        Self::days(text.parse()?)
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Clocks differ: a certificate is good this long before it is made, and no longer, because whoever stole an
/// old key would otherwise date certificates back.
const BACKDATED: Duration = Duration::from_secs(5 * 60);

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: Time,
    pub(crate) until: Time,
    /// It would have been longer, but the issuer's ends then.
    pub(crate) clipped: bool,
}

impl Validity {
    /// Of a certificate that nobody issues but itself.
    pub(crate) fn own(now: Time, life: Life) -> Self {
        Self {
            from: whole(now.minus(BACKDATED)),
            until: whole(now.plus(life.duration())),
            clipped: false,
        }
    }

    /// Never beyond the issuer's, on either side (RFC 5280 §6.1.3 wants each to be valid by itself).
    pub(crate) fn within(now: Time, life: Life, issuer: (Time, Time)) -> Self {
        let own = Self::own(now, life);
        Self {
            from: own.from.max(issuer.0),
            until: own.until.min(issuer.1),
            clipped: own.until > issuer.1,
        }
    }
}

/// Certificates have whole seconds.
const fn whole(at: Time) -> Time {
    Time::from_secs(at.secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_has_bounds_and_stays_within_its_issuers() {
        assert_eq!(Life::days(0), Err(LifeError::Days(0)));
        assert_eq!(Life::days(3651), Err(LifeError::Days(3651)));
        let now = Time::from_millis(1_800_000_000_123);
        let own = Validity::own(now, Life::LEAF);
        assert_eq!(now.secs() - own.from.secs(), 300);
        assert_eq!(own.from.millis() % 1000, 0);
        let issuer = (
            Time::from_secs(1_799_999_900),
            Time::from_secs(1_800_086_400),
        );
        let within = Validity::within(now, Life::LEAF, issuer);
        assert_eq!((within.from, within.until), issuer);
        assert!(within.clipped);
        assert_eq!("90".parse(), Ok(Life::LEAF));
        for none in ["", "-1", "0", "3651", "ninety", "4294967296"] {
            assert!(none.parse::<Life>().is_err(), "{none}");
        }
    }
}
