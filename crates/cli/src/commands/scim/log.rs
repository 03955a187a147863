//! `aeolus scim log`.

use std::time::Duration;

use aeolus_api::scim::ScimRequest;
use aeolus_model::Time;

use crate::args::ScimLog;
use crate::commands::Context;
use crate::control_client::refused;
use crate::moments::written;
use crate::report::{Failure, Report};
use crate::ui::{self, Output, plain};

/// How often is asked for what is new.
const EVERY: Duration = Duration::from_secs(1);
/// The most that control gives at once.
const PAGE: u32 = 200;

/// Shows the newest requests, and perhaps what follows.
pub(super) async fn log(args: &ScimLog, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let newest = client.scim_requests(&args.connection, (None, args.lines));
    let mut newest = newest.await.map_err(refused)?.items;
    newest.reverse();
    for request in &newest {
        show(args, context.output, request)?;
    }
    if !args.follow {
        if newest.is_empty() {
            ui::note("Nothing came by this connection within a week.");
        }
        return Ok(());
    }
    let mut after = newest.last().map(|last| last.id.to_string());
    loop {
        let asked = (after.as_deref(), PAGE);
        let page = client.scim_requests(&args.connection, asked).await;
        let mut page = page.map_err(refused)?.items;
        if after.is_none() {
            page.reverse();
        }
        for request in &page {
            show(args, context.output, request)?;
        }
        let full = page.len() == PAGE as usize;
        after = page.last().map(|last| last.id.to_string()).or(after);
        if !full {
            tokio::time::sleep(EVERY).await;
        }
    }
}

fn show(args: &ScimLog, output: Output, request: &ScimRequest) -> Result<(), Failure> {
    if output != Output::Table {
        let text = serde_json::to_string(request).map_err(|error| {
            Report::new("CLI-0001", format!("the answer can't be printed: {error}")).failed()
        })?;
        ui::line(&text);
        return Ok(());
    }
    let query = match request.query.as_str() {
        "" => String::new(),
        query => format!("?{query}"),
    };
    let who = match request.credential.as_str() {
        "" => "(no good credential)",
        name => name,
    };
    let mut text = format!(
        "{} {} {}{query} {} {} ms {who}",
        written(Time::from_millis(request.at)),
        request.method,
        request.path,
        request.status,
        request.took_ms,
    );
    for more in [&request.scim_type, &request.detail] {
        if !more.is_empty() {
            text = format!("{text} {more}");
        }
    }
    ui::line(&plain(&text));
    if args.bodies && !request.body.is_empty() {
        ui::line(&format!("  {}", plain(&request.body)));
    }
    Ok(())
}
