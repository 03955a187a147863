//! `aeolus control recover`.

use aeolus_model::Time;
use serde::Serialize;

use super::Context;
use crate::args::ControlRecover;
use crate::report::Failure;
use crate::ui::{self, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recovered {
    epoch: u64,
    lost_from: i64,
    lost_until: i64,
    found_by_gate: bool,
}

/// Begins a new epoch after a restore.
pub(super) async fn recover(args: &ControlRecover, context: &Context) -> Result<(), Failure> {
    let database = super::control::database(&args.file, args.flags(), context)?;
    let lost_from = args.lost_from.map(Time::from_secs);
    let recovered = aeolus_control::recover(database.expose(), &context.clock, lost_from).await;
    let recovered = recovered.map_err(|error| super::control::refused(&error))?;
    let answer = Recovered {
        epoch: recovered.epoch,
        lost_from: recovered.lost_from.secs(),
        lost_until: recovered.lost_until.secs(),
        found_by_gate: recovered.found,
    };
    let mut table = Table::new(&["EPOCH", "LOST FROM", "LOST UNTIL", "FOUND BY A GATE"]);
    table.row([
        answer.epoch.to_string(),
        answer.lost_from.to_string(),
        answer.lost_until.to_string(),
        answer.found_by_gate.to_string(),
    ]);
    ui::note(
        "Publishing goes on at control's next start. Sessions and tokens issued in the lost time \
         (seconds since 1970) are refused: people sign in again, and tokens made then have to be made \
         anew. Revocations of that time come back from the gates as they are reached.",
    );
    ui::answer(context.output, &answer, &table)
}
