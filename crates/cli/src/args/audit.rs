//! Arguments of `audit`.

use std::path::PathBuf;

use aeolus_api::Period;
use aeolus_model::Time;
use clap::{Args, Subcommand};

use super::Target;

/// The audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show the newest lines.
    Tail(Box<AuditTail>),
    /// Write the log as NDJSON to standard output, with everything that is needed to verify it.
    Export(AuditExport),
    /// Say whether the log is whole and unchanged, or which line is the first that isn't.
    Verify(AuditVerify),
    /// Print control's signed word of how far the log goes, to be kept where control can't write.
    Checkpoint(AuditCheckpoint),
}

/// Whose lines.
#[derive(Clone, Debug, Args)]
pub(crate) struct AuditOf {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Of the whole installation.
    #[arg(long, conflicts_with = "organization")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `audit tail`.
#[derive(Debug, Args)]
pub(crate) struct AuditTail {
    /// How many.
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) lines: u32,
    /// Go on with what is new until interrupted.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only what this actor did: an address or id, `system` or `anonymous`.
    #[arg(long, value_name = "ACTOR")]
    pub(crate) actor: Option<String>,
    /// Only this action, such as `token.create`, or with a final `*` all that begin so.
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,
    /// Only what was done to this.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target_is: Option<String>,
    /// Only `success`, `denied` or `failure`.
    #[arg(long, value_name = "OUTCOME", value_parser = ["success", "denied", "failure"])]
    pub(crate) outcome: Option<String>,
    /// Only from then on: a length of time before now, such as `24h`, or seconds since 1970.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,
    #[command(flatten)]
    pub(crate) of: AuditOf,
}

/// `audit export`.
#[derive(Debug, Args)]
pub(crate) struct AuditExport {
    /// From then on: a length of time before now, such as `24h`, or seconds since 1970.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,
    /// Until then, in the same form.
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<Moment>,
    #[command(flatten)]
    pub(crate) of: AuditOf,
}

/// `audit verify`.
#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    /// An exported file, or `-` for standard input: nobody is asked. Absent: control follows the chain in its own
    /// database.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A checkpoint that was kept: its lines must all be there still, and unchanged.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// The fleet's root document: the checkpoint that was kept, and the one at the file's end, must be signed by a
    /// key that it names. Give it several times where the key was replaced between the two: one of the documents has
    /// to name each.
    #[arg(long, value_name = "FILE", requires = "file")]
    pub(crate) root: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) of: AuditOf,
}

/// `audit checkpoint`.
#[derive(Debug, Args)]
pub(crate) struct AuditCheckpoint {
    #[command(flatten)]
    pub(crate) of: AuditOf,
}

/// A moment: so long ago, or in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long before now.
    Ago(Period),
    /// At this second.
    At(i64),
}

impl Moment {
    /// In seconds since 1970.
    pub(crate) fn secs(self, now: Time) -> i64 {
        match self {
            Self::Ago(period) => now.minus(period.duration()).secs().max(0),
            Self::At(secs) => secs,
        }
    }
}

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(secs) = text.parse::<u32>() {
            return Ok(Self::At(secs.into()));
        }
        let period = text.parse().map(Self::Ago);
        period.map_err(|_| {
            "use a length of time before now, such as 24h or 7d, or seconds since 1970".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_ago_or_at_a_second() {
        let now = Time::from_secs(1_800_000_000);
        let secs = |text: &str| text.parse::<Moment>().map(|moment| moment.secs(now));
        assert_eq!(secs("24h"), Ok(1_800_000_000 - 86_400));
        assert_eq!(secs("1700000000"), Ok(1_700_000_000));
        assert!(secs("yesterday").is_err());
    }
}
