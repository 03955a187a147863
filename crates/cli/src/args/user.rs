//! Arguments of `user`.

use aeolus_model::{Email, RoleName};
use clap::{Args, Subcommand};

use super::Target;

/// People, their access and second factors.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List the people who hold a role anywhere in an organization.
    List(UserList),
    /// Add somebody to an organization, with a role in it. They sign in through an identity provider, or with the
    /// password that a fleet document gives them.
    Add(UserAdd),
    /// Take somebody out of an organization, and end their sessions and API tokens in it. `user offboard` says
    /// what ends, and can give the tokens on.
    Remove(UserRemove),
    /// End everything in an organization that hangs on a person, at once or not at all.
    Offboard(UserOffboard),
    /// Keep somebody from signing in anywhere, and end everything they had signed in to. Only for who
    /// administers the installation.
    Disable(UserAble),
    /// Let them sign in again.
    Enable(UserAble),
    /// Remove the second factor of somebody who has lost their app and their recovery codes, and end their
    /// sessions.
    ResetSecondFactor(UserReset),
    /// Make a link by which somebody sets a new password, once and within a day. It is sent to them where e-mails
    /// are; else hand it to them yourself.
    ResetPassword(UserReset),
}

/// `user list`.
#[derive(Debug, Args)]
pub(crate) struct UserList {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `user add`.
#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    /// Whom. They come in once an identity provider proves that the address is theirs; where none does, invite them.
    #[arg(value_name = "EMAIL", value_parser = email)]
    pub(crate) user: Email,
    /// To this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Their role in it.
    #[arg(long, value_name = "ROLE", default_value = "ORGANIZATION_MEMBER")]
    pub(crate) role: RoleName,
    /// What to call them; absent: their address.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `user remove`.
#[derive(Debug, Args)]
pub(crate) struct UserRemove {
    /// Whom.
    #[arg(value_name = "EMAIL", value_parser = email)]
    pub(crate) user: Email,
    /// From this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `user disable` and `user enable`.
#[derive(Debug, Args)]
pub(crate) struct UserAble {
    /// Whom.
    #[arg(value_name = "EMAIL", value_parser = email)]
    pub(crate) user: Email,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `user reset-second-factor` and `user reset-password`.
#[derive(Debug, Args)]
pub(crate) struct UserReset {
    /// Whose.
    #[arg(value_name = "EMAIL", value_parser = email)]
    pub(crate) user: Email,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `user offboard`.
#[derive(Debug, Args)]
pub(crate) struct UserOffboard {
    /// Whom.
    #[arg(value_name = "EMAIL", value_parser = email)]
    pub(crate) user: Email,
    /// From this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Who answers for their API tokens from then on; absent: the tokens are deleted.
    #[arg(long, value_name = "EMAIL", value_parser = email)]
    pub(crate) give_tokens_to: Option<Email>,
    /// Only show what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

fn email(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|error| error.to_string())
}
