//! How long a certificate lives.

use std::time::Duration;

use aeolus_model::Time;

/// A day, in seconds.
const DAY: u64 = 86_400;

/// A length of life: 1 to 3,650 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(u32);

/// So many days are no life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} days: a certificate lives for 1 to 3650 days")]
pub struct LifeError(pub u32);

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
            return Err(LifeError(days));
        }
        Ok(Self(days))
    }

    /// Its length.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64 * DAY)
    }

    /// The life of a certificate that another one replaces, in whole days: what it was asked to be.
    pub fn of(from: Time, until: Time) -> Self {
        let days = until.since(from).as_secs() / DAY;
        let days = u32::try_from(days).unwrap_or(Self::ROOT.0);
        Self(days.clamp(1, Self::ROOT.0))
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
        assert_eq!(Life::days(0), Err(LifeError(0)));
        assert_eq!(Life::days(3651), Err(LifeError(3651)));
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
        assert_eq!(Life::of(own.from, own.until), Life::LEAF);
    }
}
