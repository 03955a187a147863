//! `aeolus token`.

mod change;
mod list;
mod listed;
mod mint;
mod place;
mod verify;

use aeolus_api::PlaneAcks;
use aeolus_api::client::{Client, Wait};
use aeolus_api::token::{TokenCreate as Wanted, TokenCreated, TokenKind, TokenScope};
use aeolus_model::Scope;
use serde::Serialize;

pub(super) use change::{delete, end_grace, revoke, roles, rotate, update};
pub(super) use list::{get, list};
pub(super) use mint::mint;
pub(super) use verify::verify;

pub(super) use self::place::resolve;
use super::Context;
use crate::args::TokenCreate;
use crate::control_client::{refused, shown};
use crate::report::{Failure, Report};
use crate::ui::{self, Output, Table};

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

impl Created {
    /// Of control's answer.
    fn of(answer: TokenCreated, deed: &str) -> Result<Self, Failure> {
        let (id, organization) = (answer.record.id, answer.record.organization_id);
        let lost = (
            &*format!("token {id} is {deed}"),
            format!(
                "give it another value: aeolus token rotate {id} --organization {organization}"
            ),
        );
        Ok(Self {
            id: id.to_string(),
            token: shown(answer.token, answer.withheld.as_ref(), lost)?,
            planes: answer.planes,
        })
    }
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
    let (organization, entity) = resolve(client, path).await?;
    let wanted = Wanted {
        name: args.name.clone(),
        description: args.description.clone(),
        scope,
        entity_id: entity,
        role: args.role.clone(),
        roles: Vec::new(),
        kind: if args.direct {
            TokenKind::DirectAccess
        } else {
            TokenKind::Standard
        },
        permissions: (!args.permission.is_empty()).then(|| args.permission.clone()),
        token_expiry_period_in_days: match (args.never_expires, args.days) {
            (true, _) => None,
            (false, days) => Some(days.unwrap_or(DAYS)),
        },
    };
    let made = client.create_token(&organization, &wanted, wait(args.no_wait));
    Created::of(made.await.map_err(refused)?, "made")
}
