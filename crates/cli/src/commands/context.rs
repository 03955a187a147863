//! `aeolus context`.

use serde::Serialize;

use super::Context;
use crate::args::ContextCommand;
use crate::contexts::Contexts;
use crate::report::Failure;
use crate::ui::{self, Table};

/// One as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    name: String,
    url: String,
    current: bool,
    /// When the sign-in ends.
    until: String,
}

pub(super) fn context(command: &ContextCommand, context: &Context) -> Result<(), Failure> {
    let contexts = Contexts::of(&context.environment)?;
    match command {
        ContextCommand::List => list(&contexts, context),
        ContextCommand::Switch { name } => {
            let known = contexts.switch(name)?;
            ui::note(&format!("Commands use {} from now on.", known.url));
            Ok(())
        }
    }
}

fn list(contexts: &Contexts, context: &Context) -> Result<(), Failure> {
    let mut table = Table::new(&["CURRENT", "NAME", "CONTROL", "UNTIL"]);
    let mut all = Vec::new();
    for known in contexts.all()? {
        let shown = Shown {
            name: known.name,
            url: known.url,
            current: known.current,
            until: aeolus_model::moment(known.until),
        };
        table.row([
            if shown.current { "*" } else { "" },
            &shown.name,
            &shown.url,
            &shown.until,
        ]);
        all.push(shown);
    }
    ui::answer(context.output, &all, &table)
}
