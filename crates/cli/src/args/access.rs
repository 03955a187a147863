//! Arguments of `access`.

use aeolus_model::DeploymentId;
use clap::{Args, Subcommand};

use super::Target;

/// Who reaches which deployment, and why.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// List every way into an organization's deployments: who, by which role, granted where, through
    /// which team.
    Review(AccessReview),
}

/// `access review`.
#[derive(Debug, Args)]
pub(crate) struct AccessReview {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Only into this deployment.
    #[arg(long, value_name = "ID")]
    pub(crate) deployment: Option<DeploymentId>,
    /// Only of this person or API token.
    #[arg(long, value_name = "EMAIL|ID")]
    pub(crate) subject: Option<String>,
    /// One line each, for a spreadsheet.
    #[arg(long)]
    pub(crate) csv: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}
