//! Arguments of `policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Target;

/// An organization's own rules: lives of tokens and sessions, networks, quotas.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the rules.
    Show(PolicyShow),
    /// Give the organization other rules, as a whole, and end what they no longer allow.
    Set(PolicySet),
}

/// `policy show`.
#[derive(Debug, Args)]
pub(crate) struct PolicyShow {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `policy set`.
#[derive(Debug, Args)]
pub(crate) struct PolicySet {
    /// The rules, in the form that `policy show` prints and the fleet document has them.
    pub(crate) file: PathBuf,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Only show what would end.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do it without asking, whatever it ends.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}
