//! Arguments of `grant`.

use aeolus_model::{GrantId, RoleName};
use clap::{Args, Subcommand};

use super::Target;

/// Roles that people, teams and API tokens have.
#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// List who has which role where in an organization.
    List(GrantList),
    /// Give somebody who is in the organization a role, with no more than you hold there.
    Add(GrantAdd),
    /// Take one back.
    Remove(GrantRemove),
}

/// `grant list`.
#[derive(Debug, Args)]
pub(crate) struct GrantList {
    /// Only of this person (e-mail address), team or API token (id).
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `grant add`.
#[derive(Debug, Args)]
pub(crate) struct GrantAdd {
    /// Whom: a person by e-mail address or id, a team as `team:NAME`, or an API token by id.
    pub(crate) subject: String,
    /// What.
    pub(crate) role: RoleName,
    /// Where: ORGANIZATION, ORGANIZATION/WORKSPACE or ORGANIZATION/WORKSPACE/DEPLOYMENT.
    pub(crate) place: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `grant remove`.
#[derive(Debug, Args)]
pub(crate) struct GrantRemove {
    /// Its id, as `grant list` shows it.
    pub(crate) id: GrantId,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}
