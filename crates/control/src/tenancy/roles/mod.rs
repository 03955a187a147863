//! Roles: which there are in an organization, which fit which resources, and what it takes to hand them
//! out. Organizations make their own (row F15), with no more than their maker holds (P7).

mod catalogue;
mod change;
mod create;
mod delete;
mod ended;
mod get;
mod list;
mod update;
mod view;

use aeolus_model::{GrantedRole, OrganizationId, Permission, Resource, Role, RoleName, Scope};
use aeolus_store::{RoleRecord, Unit};

use crate::authority::{Authority, organization_path};
use crate::error::ApiError;

/// Who makes and changes roles, and in which organization.
pub(crate) type By<'a> = (&'a Authority, OrganizationId);

pub(crate) use catalogue::catalogue;
pub(crate) use change::{changes, wanted};
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use ended::end;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use update::{outside, update};
pub(crate) use view::kind_of;

/// The role that is meant at the beginning of a path of resources, if it is given at such a place.
pub(crate) async fn resolve(
    unit: &mut impl Unit,
    organization: OrganizationId,
    asked: &RoleName,
    path: &[Resource],
) -> Result<GrantedRole, ApiError> {
    let wrong = |what| ApiError::field("role", what);
    match asked {
        RoleName::BuiltIn(role) => {
            fits(*role, path).map_err(wrong)?;
            Ok(GrantedRole::BuiltIn(*role))
        }
        RoleName::Custom(_) => {
            let found = find(unit, organization, asked).await?;
            let none = || wrong(format!("the organization has no role {asked}"));
            let found = found.ok_or_else(none)?;
            if found.definition.fits(path) {
                return Ok(found.granted());
            }
            Err(wrong(if found.definition.is_for(path) {
                let scope = found.definition.scope().scope();
                format!("{asked} is given at {}s alone", kind(scope))
            } else {
                format!("{asked} is not for this workspace")
            }))
        }
    }
}

/// A role that an organization made for itself, by name or id.
pub(crate) async fn find(
    unit: &mut impl Unit,
    organization: OrganizationId,
    asked: &RoleName,
) -> Result<Option<RoleRecord>, ApiError> {
    let RoleName::Custom(name) = asked else {
        return Ok(None);
    };
    let found = match name.as_str().parse() {
        Ok(id) => unit.roles().get(id).await?,
        Err(_) => unit.roles().by_name(organization, name).await?,
    };
    Ok(found.filter(|role| role.organization == organization))
}

/// Says why a built-in role isn't given at a place.
fn fits(role: Role, path: &[Resource]) -> Result<(), String> {
    let scope = path.first().map_or(Scope::System, |place| place.scope());
    if role.scope() == scope {
        return Ok(());
    }
    let begins = kind(scope).to_uppercase();
    Err(format!(
        "{role} is not given there; use one that begins with {begins}_, or one of the organization's own"
    ))
}

const fn kind(scope: Scope) -> &'static str {
    match scope {
        Scope::System => "system",
        Scope::Organization => "organization",
        Scope::Workspace => "workspace",
        Scope::Deployment => "deployment",
    }
}

/// Refuses unless the actor may make and change the organization's roles.
pub(crate) fn require((authority, organization): By<'_>) -> Result<(), ApiError> {
    let path = organization_path(organization);
    authority.require(Permission::OrganizationIamUpdate, &path)
}

/// The permission to change who has which role at a resource.
pub(crate) const fn iam(resource: Resource) -> Permission {
    match resource {
        Resource::System => Permission::SystemIamUpdate,
        Resource::Organization(_) => Permission::OrganizationIamUpdate,
        Resource::Workspace(_) => Permission::WorkspaceIamUpdate,
        Resource::Deployment(_) => Permission::DeploymentUserRolesUpdate,
    }
}
