//! Arguments of `workspace`.

use clap::{Args, Subcommand};

use super::Target;

/// Workspaces of an organization.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// List those that you may see.
    List(WorkspaceList),
    /// Make one.
    Create(WorkspaceOne),
    /// Delete one that has no deployments; the API tokens that were made for it end.
    Delete(WorkspaceOne),
}

/// `workspace list`.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceList {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `workspace create` and `workspace delete`.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceOne {
    /// Which: ORGANIZATION/WORKSPACE.
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) target: Target,
}
