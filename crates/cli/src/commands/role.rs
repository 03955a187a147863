//! `aeolus role`.

mod change;

use aeolus_api::client::Client;
use aeolus_api::role::{Role, RoleKind};
use aeolus_model::{CustomScope, Scope};

use super::Context;
use crate::args::{RoleCommand, RoleList, RoleOne, RolePermissions};
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

use self::change::{create, delete, update};

/// Does what was asked about roles.
pub(super) async fn role(command: &RoleCommand, context: &Context) -> Result<(), Failure> {
    match command {
        RoleCommand::List(args) => list(args, context).await,
        RoleCommand::Show(args) => show(args, context).await,
        RoleCommand::Permissions(args) => permissions(args, context).await,
        RoleCommand::Create(args) => create(args, context).await,
        RoleCommand::Update(args) => update(args, context).await,
        RoleCommand::Delete(args) => delete(args, context).await,
    }
}

/// Lists roles.
async fn list(args: &RoleList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let mut roles = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.roles(&organization, cursor.as_deref()).await }
    })
    .await?;
    roles.retain(|role| !args.custom || role.kind == RoleKind::Custom);
    let mut table = Table::new(&["NAME", "SCOPE", "WHOSE", "PERMISSIONS", "DESCRIPTION"]);
    for role in &roles {
        table.row([
            role.name.to_string(),
            scope_name(role.scope).to_owned(),
            kind_name(role.kind).to_owned(),
            role.permissions.len().to_string(),
            own_text(role),
        ]);
    }
    ui::answer(context.output, &roles, &table)
}

/// Shows one role.
async fn show(args: &RoleOne, context: &Context) -> Result<(), Failure> {
    let (_, _, role) = find(args, context).await?;
    let mut table = Table::new(&["PERMISSION"]);
    for permission in &role.permissions {
        table.row([permission.name()]);
    }
    ui::answer(context.output, &role, &table)?;
    let grants = role.own.as_ref().and_then(|own| own.grants);
    let given = grants.map_or_else(String::new, |count| format!(", given {count} times"));
    let (scope, kind) = (scope_name(role.scope), kind_name(role.kind));
    ui::note(&format!("{}: {kind}, at {scope}s{given}", role.name));
    Ok(())
}

/// Lists what roles can be made of.
async fn permissions(args: &RolePermissions, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let mut groups = client.permission_groups().await.map_err(refused)?.items;
    if let Some(scope) = args.scope {
        for group in &mut groups {
            group
                .permissions
                .retain(|p| p.custom_scopes.contains(&scope));
        }
        groups.retain(|group| !group.permissions.is_empty());
    }
    let mut table = Table::new(&["PERMISSION", "IN ROLES OF SCOPE"]);
    for permission in groups.iter().flat_map(|group| &group.permissions) {
        let scopes = permission
            .custom_scopes
            .iter()
            .map(|s| scope_name(s.scope()));
        let scopes: Vec<_> = scopes.collect();
        let scopes = if scopes.is_empty() {
            "built-in only".to_owned()
        } else {
            scopes.join(" ")
        };
        table.row([permission.name.name().to_owned(), scopes]);
    }
    ui::answer(context.output, &groups, &table)
}

/// A role with the organization it was found in.
async fn find(args: &RoleOne, context: &Context) -> Result<(Client, String, Role), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let role = client.role(&organization, &args.role.to_string()).await;
    Ok((client, organization, role.map_err(refused)?))
}

fn own_text(role: &Role) -> String {
    let own = role.own.as_ref();
    own.map_or_else(String::new, |own| own.description.clone())
}

pub(super) const fn kind_name(kind: RoleKind) -> &'static str {
    match kind {
        RoleKind::BuiltIn => "built in",
        RoleKind::Customised => "built in, customised",
        RoleKind::Custom => "the organization's",
    }
}

const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::System => "installation",
        Scope::Organization => "organization",
        Scope::Workspace => "workspace",
        Scope::Deployment => "deployment",
    }
}

/// The scope of an organization's own role.
const fn custom_scope(scope: Scope) -> Option<CustomScope> {
    match scope {
        Scope::System => None,
        Scope::Organization => Some(CustomScope::Organization),
        Scope::Workspace => Some(CustomScope::Workspace),
        Scope::Deployment => Some(CustomScope::Deployment),
    }
}
