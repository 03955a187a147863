//! What is done to a token that exists.

use aeolus_api::client::Client;
use aeolus_api::token::{
    TokenRole, TokenRoles as Roles, TokenRotate as Rotate, TokenScope, TokenUpdate as Update,
    TokensRevoke,
};
use aeolus_api::{Deleted, PlaneAcks};
use aeolus_model::{Clock as _, RoleName};

use super::place::{person, resolve};
use super::{Created, say_unconfirmed, show, wait};
use crate::args::{TokenDelete, TokenOne, TokenRevoke, TokenRoles, TokenRotate, TokenUpdate};
use crate::commands::Context;
use crate::control_client::{organization, refused};
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

/// Gives a token another name or description.
pub(in crate::commands) async fn update(
    args: &TokenUpdate,
    context: &Context,
) -> Result<(), Failure> {
    let (client, organization) = open(&args.token, context).await?;
    let wanted = Update {
        name: args.name.clone(),
        description: args.description.clone(),
    };
    let changed = client.update_token(&organization, args.token.id, &wanted);
    super::list::one(&changed.await.map_err(refused)?, context)
}

/// Gives a token these roles and no others.
pub(in crate::commands) async fn roles(
    args: &TokenRoles,
    context: &Context,
) -> Result<(), Failure> {
    let (client, organization) = open(&args.token, context).await?;
    let mut wanted = Vec::new();
    for text in &args.roles {
        wanted.push(role(&client, &organization, text).await?);
    }
    let wanted = Roles { roles: wanted };
    let changed = client.set_token_roles(&organization, args.token.id, &wanted);
    super::list::one(&changed.await.map_err(refused)?, context)
}

/// `PLACE=ROLE`.
async fn role(client: &Client, organization: &str, text: &str) -> Result<TokenRole, Failure> {
    let wrong = |why: String| {
        Report::new("CLI-0018", format!("{text} is no role somewhere"))
            .why(why)
            .help("write PLACE=ROLE, such as acme/sales=WORKSPACE_OPERATOR")
            .usage()
    };
    let split = text.split_once('=');
    let (path, role) = split.ok_or_else(|| wrong("It has no =.".to_owned()))?;
    let role: RoleName = role.parse().map_err(|error| wrong(format!("{error}.")))?;
    let (named, entity) = resolve(client, path).await?;
    if named != organization {
        return Err(wrong(format!("The token is {organization}'s.")));
    }
    let entity_type = match path.matches('/').count() {
        0 => TokenScope::Organization,
        1 => TokenScope::Workspace,
        _ => TokenScope::Deployment,
    };
    let entity_id = if let Some(id) = entity {
        id
    } else {
        let found = client.organization(organization).await.map_err(refused)?;
        found.id.to_string()
    };
    Ok(TokenRole {
        entity_type,
        entity_id,
        role,
    })
}

/// Gives a token a new value and shows it.
pub(in crate::commands) async fn rotate(
    args: &TokenRotate,
    context: &Context,
) -> Result<(), Failure> {
    let (client, organization) = open(&args.token, context).await?;
    let wanted = Rotate {
        grace: args.grace,
        token_expiry_period_in_days: args.days,
    };
    let rotated = client.rotate_token(&organization, args.token.id, (&wanted, wait(args.no_wait)));
    let rotated = rotated.await.map_err(refused)?;
    let earlier_values = rotated.record.earlier_values.clone();
    show(&Created::of(rotated, "rotated")?, context)?;
    for earlier in &earlier_values {
        let left = earlier.end_at - context.clock.now().secs();
        ui::note(&format!(
            "The value {}… stays good for {} more.",
            earlier.short_token,
            super::list::span(left)
        ));
    }
    Ok(())
}

/// Ends the values from before the last rotation.
pub(in crate::commands) async fn end_grace(
    args: &TokenDelete,
    context: &Context,
) -> Result<(), Failure> {
    let (client, organization) = open(&args.token, context).await?;
    let ended = client.end_token_grace(&organization, args.token.id, wait(args.no_wait));
    obeyed(&ended.await.map_err(refused)?, context)
}

/// Deletes a token.
pub(in crate::commands) async fn delete(
    args: &TokenDelete,
    context: &Context,
) -> Result<(), Failure> {
    let (client, organization) = open(&args.token, context).await?;
    let deleted = client.delete_token(&organization, args.token.id, wait(args.no_wait));
    obeyed(&deleted.await.map_err(refused)?, context)
}

/// Deletes many.
pub(in crate::commands) async fn revoke(
    args: &TokenRevoke,
    context: &Context,
) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let created_by = match &args.created_by {
        Some(text) => Some(person(&client, &organization, text).await?),
        None => None,
    };
    let before = args
        .older_than
        .map(|age| context.clock.now().minus(age.duration()));
    let which = TokensRevoke {
        ids: (!args.ids.is_empty()).then(|| args.ids.clone()),
        issued_before: before.map(aeolus_model::Time::secs),
        created_by,
        sessions: args.sessions,
    };
    let revoked = client.revoke_tokens(&organization, &which, wait(args.no_wait));
    let revoked = revoked.await.map_err(refused)?;
    let mut table = Table::new(&["DELETED", "PLANES THAT REFUSE THEM"]);
    table.row([revoked.deleted.to_string(), names(revoked.planes.as_ref())]);
    ui::answer(context.output, &revoked, &table)?;
    say_unconfirmed(revoked.planes.as_ref(), "refuse them");
    Ok(())
}

async fn open(args: &TokenOne, context: &Context) -> Result<(Client, String), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    Ok((client, organization))
}

/// Which planes refuse what was ended.
fn obeyed(ended: &Deleted, context: &Context) -> Result<(), Failure> {
    let mut table = Table::new(&["PLANE", "REFUSES IT"]);
    for plane in ended.planes.iter().flat_map(|planes| &planes.applied) {
        table.row([plane.name.as_str(), "yes"]);
    }
    for plane in ended.planes.iter().flat_map(|planes| &planes.unconfirmed) {
        table.row([plane.name.as_str(), "not confirmed"]);
    }
    ui::answer(context.output, ended, &table)?;
    say_unconfirmed(ended.planes.as_ref(), "refuse it");
    Ok(())
}

fn names(planes: Option<&PlaneAcks>) -> String {
    let names = planes.iter().flat_map(|planes| &planes.applied);
    let names: Vec<&str> = names.map(|plane| plane.name.as_str()).collect();
    names.join(",")
}
