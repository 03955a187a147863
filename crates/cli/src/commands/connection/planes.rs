//! `aeolus connection plane-register`, `plane-list` and `plane-remove`: planes that sign people in at a
//! provider while control is away.

use std::time::Duration;

use aeolus_api::PlaneAcks;
use aeolus_api::client::{Client, Wait};
use aeolus_api::connection::{Connection, PlaneRegister, PlaneRegistered, RegisteredPlane};
use aeolus_api::fleet::TokenEndpointAuthMethod;
use aeolus_api::oauth::{GATE_CALLBACK_PATH, GATE_CLIENT_KEYS_PATH};
use aeolus_oidc::{Kind, PlaneClient, plane_setup};
use serde::Serialize;

use super::{Context, Row, connections, or_dash, to_register, unknown};
use crate::args::{ConnectionPlaneList, ConnectionPlaneRegister, ConnectionPlaneRemove};
use crate::control_client::refused;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

/// A provider that was never asked before is asked within these tries, each half a second after the last.
const TRIES: u32 = 12;
const PAUSE: Duration = Duration::from_millis(500);

/// What came of it, and what the provider has to know.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    done: Option<PlaneRegistered>,
    setup: Vec<Row>,
}

/// Registers a plane, or says what has to be registered for it first.
pub(super) async fn register(
    args: &ConnectionPlaneRegister,
    context: &Context,
) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let found = connections(&client).await?;
    let mut found = found.into_iter();
    let found = found.find(|each| each.name.as_str() == args.name);
    let found = found.ok_or_else(|| unknown(&args.name))?;
    let done = match &args.client_id {
        Some(id) => Some(put(&client, args, id).await?),
        None => None,
    };
    let setup = setup(&client, &found, args).await?;
    let table = to_register(&setup);
    let answer = Answer { done, setup };
    ui::answer(context.output, &answer, &table)?;
    let Some(done) = &answer.done else {
        ui::note(&format!(
            "Nothing was changed. Once the provider has given a client id: aeolus connection plane-register {} \
             --plane {} --client-id ID{}",
            args.name,
            args.plane,
            if args.private_key_jwt {
                " --private-key-jwt"
            } else {
                ""
            },
        ));
        return Ok(());
    };
    if let Some(problem) = &done.registered.problem {
        ui::note(&format!("warning: {problem}"));
    }
    say_unconfirmed(done.planes.as_ref());
    Ok(())
}

/// Tells control, and waits a little for it to ask the provider.
async fn put(
    client: &Client,
    args: &ConnectionPlaneRegister,
    id: &str,
) -> Result<PlaneRegistered, Failure> {
    let register = PlaneRegister {
        client_id: id.to_owned(),
        token_endpoint_auth_method: if args.private_key_jwt {
            TokenEndpointAuthMethod::PrivateKeyJwt
        } else {
            TokenEndpointAuthMethod::None
        },
    };
    let names = (args.name.as_str(), args.plane.as_str());
    let wait = wait(args.no_wait);
    let done = client.register_plane(names, &register, wait).await;
    let mut done = done.map_err(refused)?;
    for _ in 0..TRIES {
        if args.no_wait || done.registered.problem.is_none() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let all = client
            .registered_planes(&args.name)
            .await
            .map_err(refused)?;
        let mut all = all.items.into_iter();
        if let Some(now) = all.find(|each| each.plane == done.registered.plane) {
            done.registered = now;
        }
    }
    Ok(done)
}

/// What the provider has to know of the plane's client.
async fn setup(
    client: &Client,
    found: &Connection,
    args: &ConnectionPlaneRegister,
) -> Result<Vec<Row>, Failure> {
    let plane = client.plane(&args.plane).await.map_err(refused)?;
    let no_host = || {
        let what = format!("the plane {} has no authHost", plane.name);
        Report::new("CLI-0024", what)
            .why("A provider sends people back to it.")
            .help("give the plane an `authHost` in a fleet document, or add it with `aeolus plane add --auth-host`")
            .failed()
    };
    let redirect_uri = plane.redirect_uri.as_deref().ok_or_else(no_host)?;
    let base = redirect_uri.strip_suffix(GATE_CALLBACK_PATH);
    let base = base.unwrap_or(redirect_uri);
    let jwks_uri = format!("{base}{GATE_CLIENT_KEYS_PATH}{}", found.name);
    let control = client.metadata().await.map_err(refused)?.issuer;
    let logout_uri = format!("{control}/v1/oauth/backchannel-logout/{}", found.name);
    let wanted = PlaneClient {
        redirect_uri,
        jwks_uri: args.private_key_jwt.then_some(jwks_uri.as_str()),
        logout_uri: &logout_uri,
    };
    let kind = Kind::parse(found.kind.name());
    let rows = kind
        .map(|kind| plane_setup(kind, wanted))
        .unwrap_or_default();
    if rows.is_empty() {
        let what = format!(
            "a provider of type {} hands out no {} that a plane could use",
            found.kind.name(),
            if args.private_key_jwt {
                "client with an ES256 key"
            } else {
                "public client"
            },
        );
        return Err(Report::new("CLI-0025", what)
            .help("docs/how-to/sign-in-while-control-is-away.md says which do")
            .failed());
    }
    let rows = rows.into_iter().map(|row| Row {
        what: row.what,
        place: row.place,
        value: row.value,
    });
    Ok(rows.collect())
}

/// Lists the planes.
pub(super) async fn list(args: &ConnectionPlaneList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let found = client
        .registered_planes(&args.name)
        .await
        .map_err(refused)?;
    ui::answer(context.output, &found.items, &table(&found.items))
}

/// Takes a plane's client away.
pub(super) async fn remove(args: &ConnectionPlaneRemove, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let names = (args.name.as_str(), args.plane.as_str());
    let removed = client.unregister_plane(names, wait(args.no_wait)).await;
    let removed = removed.map_err(refused)?;
    let mut table = Table::new(&["CONNECTION", "PLANE"]);
    table.row([&args.name, &args.plane]);
    ui::answer(context.output, &removed, &table)?;
    ui::note("Delete the plane's client at the provider, too.");
    say_unconfirmed(removed.planes.as_ref());
    Ok(())
}

/// The planes of a connection, in one line.
pub(super) fn names(found: &Connection) -> String {
    let planes = found.plane_registrations.iter();
    let names: Vec<&str> = planes.map(|each| each.plane.as_str()).collect();
    or_dash(Some(names.join(", ").as_str()).filter(|all| !all.is_empty()))
}

fn table(planes: &[RegisteredPlane]) -> Table {
    let mut table = Table::new(&[
        "PLANE",
        "CLIENT",
        "METHOD",
        "WRITTEN IN",
        "REDIRECT URI",
        "KEYS",
        "PROBLEM",
    ]);
    for each in planes {
        table.row([
            each.plane.to_string(),
            each.client_id.clone(),
            each.token_endpoint_auth_method.name().to_owned(),
            each.origin.name().to_owned(),
            or_dash(each.redirect_uri.as_deref()),
            or_dash(each.jwks_uri.as_deref()),
            or_dash(each.problem.as_deref()),
        ]);
    }
    table
}

const fn wait(no_wait: bool) -> Wait {
    if no_wait { Wait::No } else { Wait::Planes }
}

fn say_unconfirmed(planes: Option<&PlaneAcks>) {
    for plane in planes.iter().flat_map(|planes| &planes.unconfirmed) {
        ui::note(&format!(
            "warning: plane {} has not said that its gates know of it; they go by what they knew before",
            plane.name
        ));
    }
}
