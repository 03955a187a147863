//! `aeolus control first-admin`.

use aeolus_keys::SystemRng;
use serde::Serialize;

use super::Context;
use crate::args::ControlFirstAdmin;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Serialize)]
struct Made {
    code: String,
}

/// Makes the code anew that makes the first administrator, and prints it.
pub(super) async fn first_admin(
    args: &ControlFirstAdmin,
    context: &Context,
) -> Result<(), Failure> {
    let database = super::control::database(&args.file, args.flags(), context)?;
    let made = aeolus_control::first_admin(database.expose(), &context.clock, &SystemRng).await;
    let made = made.map_err(|error| super::control::refused(&error))?;
    let Some(code) = made else {
        let what = "somebody administers this installation already";
        let report = Report::new("CONTROL-FIRST-ADMIN", what);
        let report = report
            .why("The code would make whoever has it another administrator.")
            .help("sign in as an administrator and give the role to others (`POST /v1/organizations/…/invitations`, a fleet document)");
        return Err(report.failed());
    };
    let made = Made {
        code: code.expose().clone(),
    };
    let mut table = Table::new(&["CODE"]);
    table.row([made.code.clone()]);
    ui::answer(context.output, &made, &table)?;
    ui::note(
        "Open /setup on control and type it. It is good once; any earlier one is good for nothing now.",
    );
    Ok(())
}
