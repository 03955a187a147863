//! What an organization may use of what all share.

use std::num::{NonZeroU8, NonZeroU32};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Bounds that the operator sets, so that one organization's flood stays its own (F71, F73). An absent
/// one is the installation's usual bound; there is no 0, which would lock an organization out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Quota {
    /// Requests about the organization that each replica of control answers in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_calls_per_minute: Option<NonZeroU32>,
    /// Sign-ins to its deployments that each replica of control lets through in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_ins_per_minute: Option<NonZeroU32>,
    /// How much of these bounds a minute one caller may use, a person or an API token: 1 to 100 percent. With
    /// 100 one caller may use up what all have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Percent>"))]
    pub caller_percent: Option<Share>,
    /// API tokens. Its own policy may want fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<NonZeroU32>,
}

/// One caller's share of a bound, in whole percent from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Share(NonZeroU8);

impl Share {
    /// Everything.
    pub const WHOLE: Self = Self(match NonZeroU8::new(100) {
        Some(all) => all,
        None => NonZeroU8::MIN,
    });
    /// What is usual: whatever one caller does, the others have half.
    pub const HALF: Self = Self(match NonZeroU8::new(50) {
        Some(half) => half,
        None => NonZeroU8::MIN,
    });

    /// How much of a bound it is, rounded up: at least 1, and never more than the bound.
    #[must_use]
    pub fn of(self, bound: NonZeroU32) -> NonZeroU32 {
        let part = (u64::from(bound.get()) * u64::from(self.0.get())).div_ceil(100);
        let part = u32::try_from(part).ok().and_then(NonZeroU32::new);
        part.unwrap_or(bound)
    }
}

impl TryFrom<u8> for Share {
    type Error = &'static str;

    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        let some = NonZeroU8::new(percent).filter(|percent| percent.get() <= 100);
        some.map(Self)
            .ok_or("a share is a whole number of percent from 1 to 100")
    }
}

impl From<Share> for u8 {
    fn from(share: Share) -> Self {
        share.0.get()
    }
}

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.parse::<u8>().unwrap_or(0))
    }
}

impl Quota {
    /// These bounds, and another's where there is none.
    #[must_use]
    pub fn or(self, usual: Self) -> Self {
        Self {
            api_calls_per_minute: self.api_calls_per_minute.or(usual.api_calls_per_minute),
            sign_ins_per_minute: self.sign_ins_per_minute.or(usual.sign_ins_per_minute),
            caller_percent: self.caller_percent.or(usual.caller_percent),
            tokens: self.tokens.or(usual.tokens),
        }
    }
}

/// An organization's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct QuotaShown {
    /// Its own.
    pub quota: Quota,
    /// What counts: its own, and the usual where it has none.
    pub effective: Quota,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_some_of_a_bound_and_never_more() {
        let of = |percent: u8, bound| {
            let share = Share::try_from(percent).unwrap();
            share.of(NonZeroU32::new(bound).unwrap()).get()
        };
        for (percent, bound, most) in [
            (50, 1, 1),
            (50, 2, 1),
            (50, 3, 2),
            (50, 6_000, 3_000),
            (1, 6_000, 60),
            (1, 99, 1),
            (100, 1, 1),
            (100, u32::MAX, u32::MAX),
        ] {
            assert_eq!(of(percent, bound), most, "{percent} % of {bound}");
        }
    }

    #[test]
    fn f71_a_share_of_nothing_is_none() {
        for odd in ["0", "101", "-1", "1.5", "300", "\"50\""] {
            assert!(serde_json::from_str::<Share>(odd).is_err(), "{odd}");
            assert!(odd.parse::<Share>().is_err(), "{odd}");
        }
        assert_eq!(serde_json::from_str::<Share>("50").unwrap(), Share::HALF);
        assert_eq!("100".parse(), Ok(Share::WHOLE));
    }
}
