//! Arguments of `session`.

use aeolus_model::SessionId;
use clap::{ArgGroup, Args, Subcommand};

use super::Target;

/// Signed-in sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List live sessions: your own, or those you answer for.
    List(SessionList),
    /// End sessions: connected planes refuse them within two seconds.
    End(SessionEnd),
}

/// `session list`.
#[derive(Debug, Args)]
pub(crate) struct SessionList {
    /// Of this person; absent: your own, or with --organization everybody's.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) user: Option<String>,
    /// Only what this organization's people use in it.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `session end`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["id", "all", "others"]))]
pub(crate) struct SessionEnd {
    /// Its id.
    pub(crate) id: Option<SessionId>,
    /// All of them.
    #[arg(long)]
    pub(crate) all: bool,
    /// All of your own but the one of this command.
    #[arg(long, conflicts_with_all = ["user", "organization"])]
    pub(crate) others: bool,
    /// Of this person; absent: your own.
    #[arg(long, value_name = "EMAIL", conflicts_with = "id")]
    pub(crate) user: Option<String>,
    /// Only in this organization; absent: everywhere.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Don't wait (up to 2 s) until planes refuse them.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}
