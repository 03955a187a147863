//! `aeolus email`.

use aeolus_api::email::EmailTest as Wanted;

use super::Context;
use crate::args::EmailTest;
use crate::control_client::refused;
use crate::report::Failure;
use crate::ui::{self, Table};

/// Tries out what is configured.
pub(super) async fn test(args: &EmailTest, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let wanted = Wanted {
        to: args.to.clone(),
    };
    let tested = client.test_email(&wanted).await.map_err(refused)?;
    let mut table = Table::new(&["SERVER", "ENCRYPTION", "MESSAGE-ID"]);
    table.row([
        tested.server.clone(),
        tested.encryption.clone(),
        tested.message_id.clone(),
    ]);
    ui::answer(context.output, &tested, &table)?;
    ui::note(&format!(
        "{} took a message for {}. If it doesn't arrive, the server's operator finds it by its Message-ID.",
        tested.server, args.to
    ));
    Ok(())
}
