//! Making, changing and deleting roles.

use aeolus_api::client::{Client, RoleGrants, Wait};
use aeolus_api::role::RoleSet;
use aeolus_model::{Permission, Slug, WorkspaceId};

use super::{custom_scope, find};
use crate::args::{RoleCreate, RoleDelete, RoleUpdate};
use crate::commands::Context;
use crate::commands::session::say_unconfirmed;
use crate::commands::token::resolve;
use crate::control_client::{organization, refused};
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

/// Makes a role.
pub(super) async fn create(args: &RoleCreate, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let mut permissions = Vec::new();
    if let Some(like) = &args.like {
        let like = client.role(&organization, &like.to_string()).await;
        let all = like.map_err(refused)?.permissions.into_iter();
        permissions.extend(all.filter(|p| args.scope.admits(*p)));
    }
    let wanted = RoleSet {
        name: args.name.clone(),
        scope: args.scope,
        description: args.description.clone(),
        permissions: with(permissions, &args.permissions, &args.without),
        restricted_workspace_ids: workspaces(&client, &organization, &args.workspaces).await?,
    };
    let made = client.create_role(&organization, &wanted).await;
    let made = made.map_err(refused)?;
    let id = made.role.own.as_ref().map(|own| own.id.to_string());
    let mut table = Table::new(&["ID", "NAME", "PERMISSIONS"]);
    let count = made.role.permissions.len().to_string();
    table.row([id.unwrap_or_default(), made.role.name.to_string(), count]);
    ui::answer(context.output, &made, &table)
}

/// Changes a role: what isn't named stays.
pub(super) async fn update(args: &RoleUpdate, context: &Context) -> Result<(), Failure> {
    let (client, organization, role) = find(&args.role, context).await?;
    let own = custom_scope(role.scope).zip(role.own.as_ref());
    let (scope, own) = own.ok_or_else(|| built_in(&role.name.to_string()))?;
    let name = args.name.clone().map_or_else(
        || Slug::parse(&role.name.to_string()).map_err(|_| built_in(&role.name.to_string())),
        Ok,
    )?;
    let wanted = RoleSet {
        name,
        scope,
        description: (args.description.as_ref())
            .unwrap_or(&own.description)
            .clone(),
        permissions: with(role.permissions.clone(), &args.allow, &args.without),
        restricted_workspace_ids: match (args.everywhere, args.workspaces.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => own.restricted_workspace_ids.clone(),
            (false, false) => workspaces(&client, &organization, &args.workspaces).await?,
        },
    };
    let how = (grants(args.end_grants), wait(args.no_wait));
    let changed = client.update_role(&organization, (own.id, own.revision), &wanted, how);
    let changed = changed.await.map_err(refused)?;
    let mut table = Table::new(&["PERMISSION"]);
    for permission in &changed.role.permissions {
        table.row([permission.name()]);
    }
    ui::answer(context.output, &changed, &table)?;
    if changed.ended_grants > 0 {
        let count = changed.ended_grants;
        ui::note(&format!("{count} grants outside of its workspaces ended"));
    }
    say_unconfirmed(changed.planes.as_ref());
    Ok(())
}

/// Deletes a role.
pub(super) async fn delete(args: &RoleDelete, context: &Context) -> Result<(), Failure> {
    let client = args.role.target.client(&context.environment).await?;
    let organization = organization(&client, args.role.organization.as_ref()).await?;
    let role = args.role.role.to_string();
    let how = (grants(args.end_grants), wait(args.no_wait));
    let deleted = client.delete_role(&organization, &role, how).await;
    let deleted = deleted.map_err(refused)?;
    let mut table = Table::new(&["ROLE", "THEN"]);
    table.row([role.as_str(), "deleted"]);
    ui::answer(context.output, &deleted, &table)?;
    say_unconfirmed(deleted.planes.as_ref());
    Ok(())
}

fn with(mut all: Vec<Permission>, more: &[Permission], without: &[Permission]) -> Vec<Permission> {
    all.extend(more);
    all.retain(|permission| !without.contains(permission));
    all.sort_unstable();
    all.dedup();
    all
}

async fn workspaces(
    client: &Client,
    organization: &str,
    names: &[Slug],
) -> Result<Vec<WorkspaceId>, Failure> {
    let mut ids = Vec::new();
    for name in names {
        let (_, id) = resolve(client, &format!("{organization}/{name}")).await?;
        ids.extend(id.and_then(|id| id.parse::<WorkspaceId>().ok()));
    }
    Ok(ids)
}

const fn grants(end: bool) -> RoleGrants {
    if end {
        RoleGrants::End
    } else {
        RoleGrants::Keep
    }
}

const fn wait(no: bool) -> Wait {
    if no { Wait::No } else { Wait::Planes }
}

fn built_in(role: &str) -> Failure {
    Report::new("CLI-0031", format!("{role} is built in"))
        .why("It changes for the whole installation alone, by `control.roles` in control's configuration.")
        .help(format!("make one of the organization's own: aeolus role create NAME --like {role}"))
        .usage()
}
