//! `aeolus scim events`.

use aeolus_api::scim::ScimEventsStatus;
use aeolus_model::Time;

use crate::args::ScimEvents;
use crate::commands::Context;
use crate::control_client::refused;
use crate::moments::written;
use crate::report::Failure;
use crate::ui::{self, Table, plain};

/// Shows how telling a connection's receiver goes.
pub(super) async fn events(args: &ScimEvents, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let status = client.scim_events(&args.connection).await;
    let status = status.map_err(refused)?;
    ui::answer(context.output, &status, &table(&status))?;
    if status.endpoint.is_none() {
        ui::note("Nobody is told: the configuration has no scimEvents for this connection.");
    }
    Ok(())
}

fn table(status: &ScimEventsStatus) -> Table {
    let mut table = Table::new(&["WHAT", "VALUE"]);
    let at = |secs: Option<i64>| {
        secs.map_or_else(|| "never".to_owned(), |at| written(Time::from_secs(at)))
    };
    let since = status
        .waiting_since
        .map(|since| format!(", since {}", at(Some(since))));
    let retried = status
        .next_at
        .map(|next| format!("{} in a row; again at {}", status.failures, at(Some(next))));
    let error = match status.error.as_str() {
        "" => "none".to_owned(),
        error => format!("{} {error}", at(status.failed_at)),
    };
    for (what, value) in [
        (
            "endpoint",
            status.endpoint.clone().unwrap_or_else(|| "none".to_owned()),
        ),
        ("audience", status.audience.clone().unwrap_or_default()),
        (
            "waiting",
            format!("{}{}", status.waiting, since.unwrap_or_default()),
        ),
        ("delivered", status.delivered.to_string()),
        ("last delivered", at(status.delivered_at)),
        ("dropped", status.dropped.to_string()),
        ("failures", retried.unwrap_or_else(|| "none".to_owned())),
        ("last error", error),
    ] {
        table.row([what.to_owned(), plain(&value)]);
    }
    table
}
