//! Arguments of `invitation`.

use aeolus_model::{Email, InvitationId, RoleName};
use clap::{Args, Subcommand};

use super::Target;

/// Invitations into an organization.
#[derive(Debug, Subcommand)]
pub(crate) enum InvitationCommand {
    /// Invite somebody, and print the link to give to them.
    Create(InvitationCreate),
    /// List invitations and what became of them.
    List(InvitationList),
    /// Take one back: its link opens nothing from then on.
    Revoke(InvitationRevoke),
}

/// `invitation create`.
#[derive(Debug, Args)]
pub(crate) struct InvitationCreate {
    /// Whom.
    #[arg(value_name = "EMAIL", value_parser = Email::parse)]
    pub(crate) email: Email,
    /// Into this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Their role in it [default: `ORGANIZATION_MEMBER`].
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<RoleName>,
    /// Let anybody in who has the link, whatever address they prove.
    #[arg(long)]
    pub(crate) any_address: bool,
    /// Days until it ends, 1 to 30 [default: 7].
    #[arg(long, value_name = "DAYS")]
    pub(crate) expires_in_days: Option<u32>,
    /// What they are told.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `invitation list`.
#[derive(Debug, Args)]
pub(crate) struct InvitationList {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `invitation revoke`.
#[derive(Debug, Args)]
pub(crate) struct InvitationRevoke {
    /// Its id.
    pub(crate) id: InvitationId,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}
