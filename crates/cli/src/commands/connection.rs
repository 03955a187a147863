//! `aeolus connection`.

mod planes;

use aeolus_api::client::Client;
use aeolus_api::connection::Connection;
use aeolus_api::fleet::SignInFlow;
use aeolus_oidc::{Flow, Kind, Registered, setup};
use serde::Serialize;

use super::Context;
use crate::args::{ConnectionCommand, ConnectionList, ConnectionShow};
use crate::control_client::{all, refused};
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

/// Does what was asked.
pub(super) async fn connection(
    command: &ConnectionCommand,
    context: &Context,
) -> Result<(), Failure> {
    match command {
        ConnectionCommand::List(args) => list(args, context).await,
        ConnectionCommand::Show(args) => show(args, context).await,
        ConnectionCommand::PlaneRegister(args) => planes::register(args, context).await,
        ConnectionCommand::PlaneList(args) => planes::list(args, context).await,
        ConnectionCommand::PlaneRemove(args) => planes::remove(args, context).await,
    }
}

/// All of them.
pub(super) async fn connections(client: &Client) -> Result<Vec<Connection>, Failure> {
    all(|cursor| {
        let client = client.clone();
        async move { client.connections(cursor.as_deref()).await }
    })
    .await
}

async fn list(args: &ConnectionList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let found = connections(&client).await?;
    let mut table = Table::new(&["NAME", "TYPE", "SHOWN AS", "FLOW", "WRITTEN IN", "PROBLEM"]);
    for each in &found {
        table.row([
            each.name.to_string(),
            each.kind.name().to_owned(),
            or_dash(each.display_name.as_deref()),
            or_dash(each.flow.map(SignInFlow::name)),
            each.origin.name().to_owned(),
            or_dash(each.problem.as_deref()),
        ]);
    }
    ui::answer(context.output, &found, &table)
}

async fn show(args: &ConnectionShow, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let found = connections(&client).await?;
    let found = found
        .into_iter()
        .find(|each| each.name.as_str() == args.name);
    if args.setup {
        let metadata = client.metadata().await.map_err(refused)?;
        let rows = registered(&args.name, found.as_ref(), &metadata.issuer)?;
        return ui::answer(context.output, &rows, &to_register(&rows));
    }
    let found = found.ok_or_else(|| unknown(&args.name))?;
    let mut table = Table::new(&["WHAT", "VALUE"]);
    for (what, value) in rows(&found) {
        table.row([what.to_owned(), value]);
    }
    ui::answer(context.output, &found, &table)
}

/// One value to be registered.
#[derive(Serialize)]
struct Row {
    what: &'static str,
    place: &'static str,
    value: String,
}

fn to_register(rows: &[Row]) -> Table {
    let mut table = Table::new(&["WHAT", "WHERE", "VALUE"]);
    for row in rows {
        table.row([row.what, row.place, &row.value]);
    }
    table
}

/// Of a connection, or of a kind by its name, which is what a connection of the configuration is called.
fn registered(name: &str, found: Option<&Connection>, control: &str) -> Result<Vec<Row>, Failure> {
    let kind = found.map_or(name, |found| found.kind.name());
    let kind = Kind::parse(kind).ok_or_else(|| unknown(name))?;
    let implicit = kind.profile().implicit.map(Flow::Implicit);
    let flow = match found.and_then(|found| found.flow) {
        Some(SignInFlow::Implicit) => implicit.unwrap_or(Flow::Code),
        _ => Flow::Code,
    };
    let asked = found.map(|found| found.scopes.join(" "));
    let asked = asked.filter(|scopes| !scopes.is_empty());
    let rows = setup(kind, flow, (name, control)).into_iter();
    let rows = rows.map(|Registered { what, place, value }| Row {
        what,
        place,
        value: match (what, &asked) {
            ("scopes", Some(scopes)) => scopes.clone(),
            _ => value,
        },
    });
    Ok(rows.collect())
}

fn rows(found: &Connection) -> Vec<(&'static str, String)> {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    vec![
        ("name", found.name.to_string()),
        ("type", found.kind.name().to_owned()),
        ("id", found.id.to_string()),
        ("written in", found.origin.name().to_owned()),
        ("shown as", or_dash(found.display_name.as_deref())),
        ("flow", or_dash(found.flow.map(SignInFlow::name))),
        ("client", or_dash(found.client_id.as_deref())),
        ("has a secret", yes(found.has_client_secret)),
        ("discovery", or_dash(found.discovery_url.as_deref())),
        (
            "scopes",
            or_dash(Some(found.scopes.join(" ").as_str()).filter(|all| !all.is_empty())),
        ),
        ("its tokens count", yes(found.session_tokens)),
        ("planes with a client there", planes::names(found)),
        ("problem", or_dash(found.problem.as_deref())),
    ]
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

fn unknown(name: &str) -> Failure {
    Report::new("CLI-0014", format!("there is no connection {name}"))
        .help("`aeolus connection list` shows those that there are")
        .failed()
}
