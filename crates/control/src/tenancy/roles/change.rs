//! What is asked of a role, checked.

use std::collections::BTreeSet;

use aeolus_api::FieldError;
use aeolus_api::role::RoleSet;
use aeolus_model::{Change, Permission, PermissionSet, RoleDefinition, RoleFault, RoleName};
use aeolus_store::{RoleRecord, Write};

use super::By;
use crate::authority::{organization_path, workspace_in};
use crate::error::ApiError;

const MAX_DESCRIPTION: usize = 500;

/// What a role shall be. Nobody puts more into one than they hold themselves, in the whole organization:
/// whoever is given it can hand it on (P7). What it was before may stay, also workspaces that are gone.
pub(crate) async fn wanted(
    write: &mut Write,
    (authority, organization): By<'_>,
    body: &RoleSet,
    before: Option<&RoleDefinition>,
) -> Result<RoleDefinition, ApiError> {
    RoleName::own(&body.name).map_err(|fault| ApiError::field("name", fault.to_string()))?;
    description(&body.description)?;
    let workspaces: BTreeSet<_> = body.restricted_workspace_ids.iter().copied().collect();
    let permissions: PermissionSet = body.permissions.iter().copied().collect();
    let definition = RoleDefinition::new(body.scope, permissions, workspaces);
    let definition = definition.map_err(|fault| fault_at(&fault, body))?;
    for id in definition.workspaces() {
        let had = before.is_some_and(|before| before.workspaces().contains(id));
        if !had && workspace_in(write, organization, *id).await?.is_none() {
            let at = "restrictedWorkspaceIds";
            let what = format!("the organization has no workspace {id}");
            return Err(ApiError::field(at, what));
        }
    }
    let had = before.map_or(PermissionSet::EMPTY, RoleDefinition::permissions);
    let added = definition.permissions().without(had);
    authority.require_all(added, &organization_path(organization))?;
    Ok(definition)
}

fn fault_at(fault: &RoleFault, body: &RoleSet) -> ApiError {
    match fault {
        RoleFault::Empty => ApiError::field("permissions", fault.to_string()),
        RoleFault::Workspaces => ApiError::field("restrictedWorkspaceIds", fault.to_string()),
        RoleFault::Permission(_) => {
            let all = body.permissions.iter().enumerate();
            let odd = all.filter(|(_, permission)| !body.scope.admits(**permission));
            let error = |(index, permission)| FieldError {
                at: format!("permissions[{index}]"),
                message: format!("{permission} can't be in a role of this scope"),
            };
            ApiError::Invalid(odd.map(error).collect())
        }
    }
}

fn description(text: &str) -> Result<(), ApiError> {
    let odd = |c: char| c.is_control() && c != '\n';
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(odd) {
        let what =
            format!("use at most {MAX_DESCRIPTION} characters, none of them a control character");
        return Err(ApiError::field("description", what));
    }
    Ok(())
}

/// What the audit log says of a change.
pub(crate) fn changes(before: Option<&RoleRecord>, after: Option<&RoleRecord>) -> Vec<Change> {
    let (from, to) = (before.map(texts), after.map(texts));
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    let fields = [
        "name",
        "description",
        "permissions",
        "restrictedWorkspaceIds",
    ];
    let change = |(field, (before, after)): (_, (String, String))| match (
        before.is_empty(),
        after.is_empty(),
    ) {
        (true, true) => None,
        (true, false) => Some(Change::to(field, after)),
        (false, true) => Some(Change::from(field, before)),
        (false, false) => Change::of(field, &before, &after),
    };
    let pairs = from.into_iter().zip(to);
    fields.into_iter().zip(pairs).filter_map(change).collect()
}

fn texts(role: &RoleRecord) -> [String; 4] {
    let permissions = role.definition.permissions().iter();
    let permissions: Vec<_> = permissions.map(Permission::name).collect();
    let workspaces = role.definition.workspaces().iter();
    let workspaces: Vec<_> = workspaces.map(ToString::to_string).collect();
    [
        role.name.to_string(),
        role.description.clone(),
        permissions.join(" "),
        workspaces.join(" "),
    ]
}
