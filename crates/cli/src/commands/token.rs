//! `aeolus token`.

mod verify;

use aeolus_api::PlaneAcks;
use aeolus_api::client::{Client, Wait};
use aeolus_api::token::{TokenCreate as Wanted, TokenKind, TokenScope};
use aeolus_model::{Email, Scope, TokenId};
use serde::Serialize;

pub(super) use verify::verify;

use super::Context;
use crate::args::{TokenCreate, TokenDelete, TokenList};
use crate::control_client::{all, refused};
use crate::offline::{Keys, State, StoredToken, World, access_token, api_token, next_index};
use crate::report::{Failure, Report};
use crate::ui::{self, Output, Table};

const DAY: i64 = 86_400;
/// Days a token made with control is good for, unless the command says otherwise.
const DAYS: u32 = 90;

/// How far a token reaches, as the command says it.
fn scope(args: &TokenCreate) -> Result<(TokenScope, &str, Scope), Failure> {
    let found = match (&args.organization, &args.workspace, &args.deployment) {
        (Some(path), None, None) => (TokenScope::Organization, path, Scope::Organization, 1),
        (None, Some(path), None) => (TokenScope::Workspace, path, Scope::Workspace, 2),
        (None, None, Some(path)) => (TokenScope::Deployment, path, Scope::Deployment, 3),
        _ => return Err(bad_path("one of --organization, --workspace, --deployment")),
    };
    let (scope, path, role_scope, steps) = found;
    if path.split('/').filter(|step| !step.is_empty()).count() != steps
        || path.split('/').count() != steps
    {
        return Err(bad_path(match steps {
            1 => "--organization ORGANIZATION",
            2 => "--workspace ORGANIZATION/WORKSPACE",
            _ => "--deployment ORGANIZATION/WORKSPACE/DEPLOYMENT",
        }));
    }
    Ok((scope, path, role_scope))
}

fn bad_path(wanted: &str) -> Failure {
    Report::new("CLI-0013", "it is not clear how far the token may reach")
        .help(format!("write {wanted}"))
        .usage()
}

/// A new token.
#[derive(Serialize)]
pub(super) struct Created {
    id: String,
    /// Its value.
    pub(super) token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    planes: Option<PlaneAcks>,
}

/// Prints a new token. In a table it stands alone on its line, so that it can be piped.
fn show(created: &Created, context: &Context) -> Result<(), Failure> {
    if context.output == Output::Table {
        ui::line(&created.token);
        ui::note(&format!(
            "Token {} is shown this once. Send it as: Authorization: Bearer TOKEN",
            created.id
        ));
    } else {
        ui::answer(context.output, created, &Table::default())?;
    }
    say_unconfirmed(created.planes.as_ref(), "know it");
    Ok(())
}

fn say_unconfirmed(planes: Option<&PlaneAcks>, what: &str) {
    for plane in planes.iter().flat_map(|planes| &planes.unconfirmed) {
        ui::note(&format!(
            "warning: plane {} has not said that its gates {what}",
            plane.name
        ));
    }
}

fn wait(no_wait: bool) -> Wait {
    if no_wait { Wait::No } else { Wait::Planes }
}

/// Makes a token at control and shows it.
pub(super) async fn create(args: &TokenCreate, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    show(&request(&client, args).await?, context)
}

/// Makes a token at control.
pub(super) async fn request(client: &Client, args: &TokenCreate) -> Result<Created, Failure> {
    let (scope, path, _) = scope(args)?;
    let role = args.role.ok_or_else(|| bad_path("--role ROLE"))?;
    let (organization, entity) = resolve(client, path).await?;
    let wanted = Wanted {
        name: args.name.clone(),
        description: args.description.clone(),
        scope,
        entity_id: entity,
        role,
        kind: TokenKind::Standard,
        token_expiry_period_in_days: match (args.never_expires, args.days) {
            (true, _) => None,
            (false, days) => Some(days.unwrap_or(DAYS)),
        },
    };
    let made = client.create_token(&organization, &wanted, wait(args.no_wait));
    let made = made.await.map_err(refused)?;
    Ok(Created {
        id: made.record.id.to_string(),
        token: made.token,
        planes: made.planes,
    })
}

/// The organization's name and the id of what a path names in it.
async fn resolve(client: &Client, path: &str) -> Result<(String, Option<String>), Failure> {
    let mut names = path.split('/');
    let organization = names.next().unwrap_or_default().to_owned();
    let Some(workspace) = names.next() else {
        return Ok((organization, None));
    };
    let unknown = || {
        Report::new("CLI-0014", format!("there is no {path}"))
            .why("It does not exist, or you may not know of it.")
            .help("write ORGANIZATION/WORKSPACE/DEPLOYMENT as in the fleet document")
            .failed()
    };
    let workspaces = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.workspaces(&organization, cursor.as_deref()).await }
    })
    .await?;
    let workspace = workspaces
        .into_iter()
        .find(|w| w.name.as_str() == workspace)
        .ok_or_else(unknown)?;
    let Some(name) = names.next() else {
        return Ok((organization, Some(workspace.id.to_string())));
    };
    let deployments = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.deployments(&organization, cursor.as_deref()).await }
    })
    .await?;
    let deployment = deployments
        .into_iter()
        .find(|d| d.workspace_id == workspace.id && d.name.as_str() == name)
        .ok_or_else(unknown)?;
    Ok((organization, Some(deployment.id.to_string())))
}

/// The organization meant: the one named, or the only one.
async fn organization(client: &Client, named: Option<&String>) -> Result<String, Failure> {
    if let Some(name) = named {
        return Ok(name.clone());
    }
    let found = all(|cursor| {
        let client = client.clone();
        async move { client.organizations(cursor.as_deref()).await }
    })
    .await?;
    match found.as_slice() {
        [only] => Ok(only.name.to_string()),
        several => {
            let names: Vec<_> = several.iter().map(|o| o.name.as_str()).collect();
            Err(
                Report::new("CLI-0015", "it is not clear which organization is meant")
                    .help(format!("give --organization, one of: {}", names.join(", ")))
                    .usage(),
            )
        }
    }
}

/// Lists tokens.
pub(super) async fn list(args: &TokenList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let tokens = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.tokens(&organization, cursor.as_deref()).await }
    })
    .await?;
    let mut table = Table::new(&["NAME", "ROLE", "EXPIRES", "ID"]);
    for token in &tokens {
        let roles: Vec<_> = token.roles.iter().map(|role| role.role.name()).collect();
        let end = token.end_at.map(|at| at.to_string());
        table.row([
            token.name.clone(),
            roles.join(","),
            end.unwrap_or_else(|| "never".to_owned()),
            token.id.to_string(),
        ]);
    }
    ui::answer(context.output, &tokens, &table)
}

/// Deletes a token.
pub(super) async fn delete(args: &TokenDelete, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let deleted = client.delete_token(&organization, args.id, wait(args.no_wait));
    let deleted = deleted.await.map_err(refused)?;
    let mut table = Table::new(&["PLANE", "REFUSES IT"]);
    for plane in deleted.planes.iter().flat_map(|planes| &planes.applied) {
        table.row([plane.name.as_str(), "yes"]);
    }
    for plane in deleted.planes.iter().flat_map(|planes| &planes.unconfirmed) {
        table.row([plane.name.as_str(), "not confirmed"]);
    }
    ui::answer(context.output, &deleted, &table)?;
    say_unconfirmed(deleted.planes.as_ref(), "refuse it");
    Ok(())
}

/// Makes a token without control.
pub(super) fn mint(args: &TokenCreate, context: &Context) -> Result<(), Failure> {
    let (_, path, role_scope) = scope(args)?;
    let folder = args.keys.as_deref().unwrap_or(std::path::Path::new(""));
    let keys = Keys::open(folder, &context.clock, &context.rng)?;
    let mut state = State::open(folder, &context.rng)?;
    let fleet = state.fleet.clone();
    let world = World::new(&fleet, state.seed()?);
    let place = world.find(path)?;
    let seconds = i64::from(args.days.unwrap_or(1)).saturating_mul(DAY);
    let machine = (&context.clock as _, &context.rng as _);
    let minted = if let (Some(email), Some(deployment)) = (&args.user, place.deployment) {
        let email = Email::parse(email)
            .map_err(|error| Report::new("CLI-0012", error.to_string()).usage())?;
        let whom = (&email, place, deployment);
        access_token(&world, &keys, whom, seconds, machine)?
    } else {
        let role = args.role.ok_or_else(|| bad_path("--role ROLE"))?;
        if role.scope() != role_scope {
            let what = format!("{} can't be given on {path}", role.name());
            return Err(Report::new("CLI-0016", what).usage());
        }
        let token = StoredToken {
            id: TokenId::new(&context.clock, &context.rng),
            organization: path.split('/').next().unwrap_or_default().to_owned(),
            name: args.name.clone(),
            resource: place.resource(),
            role,
            index: next_index(&state),
        };
        let (clock, rng) = machine;
        let minted = api_token(&mut state, &keys, token, place, (seconds, clock, rng))?;
        ui::note("Gates know the token after the next `aeolus plane build`.");
        minted
    };
    let created = Created {
        id: minted.id,
        token: minted.token,
        planes: None,
    };
    show(&created, context)
}
