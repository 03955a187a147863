//! Arguments of `connection`.

use clap::{Args, Subcommand};

use super::Target;

/// Identity providers that people come through.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// List them: where each is written, and whether people can sign in through it.
    List(ConnectionList),
    /// Show one, or what has to be registered at its provider.
    Show(ConnectionShow),
}

/// `connection list`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionList {
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `connection show`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionShow {
    /// Its name.
    pub(crate) name: String,
    /// What has to be registered at its provider; also of a kind that is not configured yet.
    #[arg(long)]
    pub(crate) setup: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}
