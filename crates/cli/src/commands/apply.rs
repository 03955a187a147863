//! `aeolus apply`.

use aeolus_api::tenancy::{ApplyAnswer, ChangeOp};

use super::Context;
use crate::args::ApplyArgs;
use crate::control_client::refused;
use crate::fleet_file;
use crate::report::Failure;
use crate::ui::{self, Table};

/// Applies a fleet document.
pub(super) async fn apply(args: &ApplyArgs, context: &Context) -> Result<(), Failure> {
    let request = fleet_file::load_with_secrets(&args.file, &context.environment)?;
    let client = args.target.client(&context.environment).await?;
    let answer = client.apply(&request, args.dry_run, args.prune).await;
    let answer = answer.map_err(refused)?;
    for warning in &answer.warnings {
        ui::note(&format!("warning: {warning}"));
    }
    ui::answer(context.output, &answer, &table(&answer))?;
    ui::note(&summary(&answer, args.dry_run));
    Ok(())
}

fn table(answer: &ApplyAnswer) -> Table {
    let mut table = Table::new(&["CHANGE", "KIND", "PATH", "WHAT"]);
    for change in &answer.changes {
        let op = match change.op {
            ChangeOp::Create => "create",
            ChangeOp::Update => "update",
            ChangeOp::Delete => "delete",
            ChangeOp::Keep => "keep",
        };
        table.row([op, &change.kind, &change.path, &change.detail]);
    }
    table
}

fn summary(answer: &ApplyAnswer, dry_run: bool) -> String {
    let kept = |op| answer.changes.iter().filter(|c| c.op == op).count();
    let stays = kept(ChangeOp::Keep);
    let made = answer.changes.len() - stays;
    let mut text = match (made, dry_run) {
        (0, _) => "Nothing to change.".to_owned(),
        (made, true) => format!("{made} changes would be made; nothing was."),
        (made, false) => format!("{made} changes made."),
    };
    if stays > 0 {
        text = format!("{text} {stays} things of earlier applies stay; --prune deletes them.");
    }
    text
}
