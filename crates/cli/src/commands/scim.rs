//! `aeolus scim`.

mod check;
mod credential;
mod events;
mod log;
mod templates;

use super::Context;
use crate::args::{ScimCommand, ScimCredentialCommand};
use crate::report::Failure;

/// Does what was asked.
pub(super) async fn scim(command: &ScimCommand, context: &Context) -> Result<(), Failure> {
    match command {
        ScimCommand::Credential(command) => match command {
            ScimCredentialCommand::Create(args) => credential::create(args, context).await,
            ScimCredentialCommand::List(args) => credential::list(args, context).await,
            ScimCredentialCommand::Rotate(args) => credential::rotate(args, context).await,
            ScimCredentialCommand::Delete(args) => credential::delete(args, context).await,
        },
        ScimCommand::Log(args) => log::log(args, context).await,
        ScimCommand::Events(args) => events::events(args, context).await,
        ScimCommand::Templates(args) => templates::templates(args, context).await,
        ScimCommand::Check(args) => check::check(args, context).await,
    }
}
