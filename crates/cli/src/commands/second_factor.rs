//! `aeolus control reset-second-factor`.

use serde::Serialize;

use super::Context;
use crate::args::ControlResetSecondFactor;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    user_id: String,
    email: String,
    reset: bool,
    sessions_ended: u64,
}

/// Removes an account's second factor in the database itself.
pub(super) async fn reset(
    args: &ControlResetSecondFactor,
    context: &Context,
) -> Result<(), Failure> {
    let database = super::control::database(&args.file, args.flags(), context)?;
    let parts: (&dyn aeolus_model::Clock, &dyn aeolus_model::Rng) = (&context.clock, &context.rng);
    let done = aeolus_control::reset_second_factor(database.expose(), &args.email, parts).await;
    let done = done.map_err(|error| super::control::refused(&error))?;
    let Some(done) = done else {
        let text = format!("there is no account {} in this database", args.email);
        let report = Report::new("CLI-0014", text).why("nothing was changed");
        let help = "name the address that the person signs in by, and control's own database";
        return Err(report.help(help).usage());
    };
    let answer = Answer {
        user_id: done.user.to_string(),
        email: args.email.to_string(),
        reset: done.reset,
        sessions_ended: done.sessions_ended,
    };
    let mut table = Table::new(&["EMAIL", "RESET", "SESSIONS ENDED"]);
    table.row([
        answer.email.clone(),
        answer.reset.to_string(),
        answer.sessions_ended.to_string(),
    ]);
    if answer.reset {
        ui::note("The password alone signs in until another second factor is set up: do that now.");
    } else {
        ui::note("The account had no second factor. Nothing was changed.");
    }
    ui::answer(context.output, &answer, &table)
}
