//! `aeolus scim templates`.

use aeolus_api::scim_templates::{TemplatedGroup, TemplatesApplied};

use crate::args::ScimTemplates;
use crate::commands::Context;
use crate::control_client::refused;
use crate::report::Failure;
use crate::ui::{self, Table};

/// Says of each group which template is for it, and gives and takes back what follows, unless it is a dry run.
pub(super) async fn templates(args: &ScimTemplates, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let done = client.apply_scim_templates(&args.connection, args.dry_run);
    let done = done.await.map_err(refused)?;
    ui::answer(context.output, &done, &table(&done))?;
    let same = |group: &TemplatedGroup| group.gives.is_empty() && group.takes.is_empty();
    ui::note(match (done.groups.iter().all(same), done.applied) {
        (true, _) => "every Team has what its template says already",
        (false, true) => "done",
        (false, false) => "nothing was changed: this was a dry run",
    });
    Ok(())
}

fn table(done: &TemplatesApplied) -> Table {
    let mut table = Table::new(&[
        "GROUP", "MADE AS", "TEAM", "TEMPLATE", "GIVES", "TAKES", "MISSING",
    ]);
    for group in &done.groups {
        let template = group
            .template
            .map_or_else(|| "none".to_owned(), |at| at.to_string());
        table.row([
            group.display_name.clone(),
            group.made_as.clone(),
            group.team_name.to_string(),
            template,
            group.gives.join(", "),
            group.takes.join(", "),
            group.missing.clone().unwrap_or_default(),
        ]);
    }
    table
}
