//! When a certificate is renewed, and when that is late: by parts of its life.

use std::time::Duration;

use aeolus_model::Time;

/// Lives of this length and less are renewed half-way.
const SHORT: Duration = Duration::from_secs(10 * 86_400);

/// When to renew: at two thirds of its life, at half of a short one.
pub fn due(from: Time, until: Time) -> Time {
    let life = until.since(from);
    from.plus(if life <= SHORT {
        life / 2
    } else {
        life / 3 * 2
    })
}

/// More than this is time enough to renew anything.
const ENOUGH: Duration = Duration::from_secs(30 * 86_400);

/// From when on renewing has failed for long: 30 days before its end, or a sixth of its life if that is less.
pub fn late(from: Time, until: Time) -> Time {
    until.minus((until.since(from) / 6).min(ENOUGH))
}

/// Where a certificate is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It hasn't begun.
    NotYet,
    /// Nothing to do.
    Good,
    /// To be renewed.
    Due,
    /// Renewing it has failed for long.
    Late,
    /// Over.
    Expired,
}

impl Stage {
    /// The stage at a time.
    pub fn at(now: Time, from: Time, until: Time) -> Self {
        if now < from {
            Self::NotYet
        } else if now > until {
            Self::Expired
        } else if now >= late(from, until) {
            Self::Late
        } else if now >= due(from, until) {
            Self::Due
        } else {
            Self::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_from_the_length_of_life() {
        let from = Time::from_secs(1_800_000_000);
        let at = |days: u64, part: u64| {
            let life = Duration::from_secs(days * 86_400);
            Stage::at(
                from.plus(life / 100 * u32::try_from(part).unwrap()),
                from,
                from.plus(life),
            )
        };
        for (part, long, short) in [
            (0, Stage::Good, Stage::Good),
            (49, Stage::Good, Stage::Good),
            (51, Stage::Good, Stage::Due),
            (66, Stage::Good, Stage::Due),
            (67, Stage::Due, Stage::Due),
            (83, Stage::Due, Stage::Due),
            (84, Stage::Late, Stage::Late),
            (100, Stage::Late, Stage::Late),
            (101, Stage::Expired, Stage::Expired),
        ] {
            assert_eq!((at(90, part), at(6, part)), (long, short), "{part} %");
        }
        assert_eq!(late(from, from.plus(ENOUGH * 12)), from.plus(ENOUGH * 11));
        assert_eq!((at(300, 89), at(300, 90)), (Stage::Due, Stage::Late));
        assert_eq!(
            Stage::at(from.minus(SHORT), from, from.plus(SHORT)),
            Stage::NotYet
        );
    }
}
