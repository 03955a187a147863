//! Arguments of `team`.

use aeolus_model::Slug;
use clap::{Args, Subcommand};

use super::Target;

/// Teams of an organization.
#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// List teams, and the groups of identity providers that some of them stand for.
    List(TeamList),
    /// Give a team that stands for a group another name. It keeps that, whatever the group is called.
    Rename(TeamRename),
    /// Delete a team that stands for a group, with its roles: one in which nobody is, or whose connection says no
    /// more who is in it.
    Delete(TeamDelete),
}

/// `team list`.
#[derive(Debug, Args)]
pub(crate) struct TeamList {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `team rename`.
#[derive(Debug, Args)]
pub(crate) struct TeamRename {
    /// Its name or id.
    pub(crate) team: String,
    /// Its name from now on.
    pub(crate) name: Slug,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `team delete`.
#[derive(Debug, Args)]
pub(crate) struct TeamDelete {
    /// Its name or id.
    pub(crate) team: String,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}
