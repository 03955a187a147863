//! `aeolus email`.

use aeolus_model::Email;
use clap::{Args, Subcommand};

use super::Target;

/// What to do with e-mail.
#[derive(Debug, Subcommand)]
pub(crate) enum EmailCommand {
    /// Send one message at once, and say whether the server took it or what to change.
    Test(EmailTest),
}

/// `email test`.
#[derive(Debug, Args)]
pub(crate) struct EmailTest {
    /// To whom.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) to: Email,
    #[command(flatten)]
    pub(crate) target: Target,
}

fn address(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|error| error.to_string())
}
