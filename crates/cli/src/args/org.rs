//! Arguments of `org`.

use std::num::NonZeroU32;
use std::str::FromStr;

use aeolus_api::quota::Share;
use aeolus_model::Slug;
use clap::{ArgGroup, Args, Subcommand};

use super::Target;

/// Organizations.
#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// List those that you may know of.
    List(Target),
    /// Make one. Only for who administers the installation.
    Create(OrgOne),
    /// Delete one that has no deployments, with everything in it. Only for who administers the installation.
    Delete(OrgOne),
    /// What an organization may use of what all share.
    #[command(subcommand)]
    Quota(OrgQuota),
}

/// `org create` and `org delete`.
#[derive(Debug, Args)]
pub(crate) struct OrgOne {
    /// Its name.
    pub(crate) name: Slug,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `org quota`.
#[derive(Debug, Subcommand)]
pub(crate) enum OrgQuota {
    /// Show what counts.
    Show(QuotaShow),
    /// Allow more or less; what isn't named stays. Only for who administers the installation.
    Set(QuotaSet),
}

/// `org quota show`.
#[derive(Debug, Args)]
pub(crate) struct QuotaShow {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `org quota set`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true)
    .args(["api_calls_per_minute", "sign_ins_per_minute", "caller_percent", "tokens"]))]
pub(crate) struct QuotaSet {
    /// Requests about the organization in a minute, or `usual`.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) api_calls_per_minute: Option<Bound>,
    /// Sign-ins to its deployments in a minute, or `usual`.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) sign_ins_per_minute: Option<Bound>,
    /// How much of these one person or one API token may use, in percent, or `usual`.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) caller_percent: Option<CallerPercent>,
    /// API tokens, or `usual`.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) tokens: Option<Bound>,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// A bound of its own, or none: what is usual counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound(pub(crate) Option<NonZeroU32>);

impl FromStr for Bound {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "usual" => Ok(Self(None)),
            number => {
                let number = number
                    .parse()
                    .map_err(|_| "use a number from 1, or `usual`")?;
                Ok(Self(Some(number)))
            }
        }
    }
}

/// A share of its own, or none: what is usual counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallerPercent(pub(crate) Option<Share>);

impl FromStr for CallerPercent {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "usual" => Ok(Self(None)),
            share => match share.parse() {
                Ok(share) => Ok(Self(Some(share))),
                Err(_) => Err("use a number from 1 to 100, or `usual`"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f71_there_is_no_bound_of_0() {
        let bound = |text: &str| text.parse::<Bound>().ok();
        assert_eq!(bound("usual"), Some(Bound(None)));
        assert_eq!(bound("7"), Some(Bound(NonZeroU32::new(7))));
        for odd in ["0", "-1", "", "1.5", "many"] {
            assert_eq!(bound(odd), None, "{odd}");
            assert!(odd.parse::<CallerPercent>().is_err(), "{odd}");
        }
        assert_eq!("usual".parse(), Ok(CallerPercent(None)));
        assert_eq!("50".parse(), Ok(CallerPercent(Some(Share::HALF))));
    }
}
