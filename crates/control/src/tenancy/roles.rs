//! Which roles fit which resources, and what it takes to hand them out.

use aeolus_model::{Permission, Resource, Role, Scope};

use crate::error::ApiError;

/// Refuses a role at a resource it isn't given at.
pub(super) fn fits(role: Role, resource: Resource) -> Result<(), ApiError> {
    let (scope, prefix) = match resource {
        Resource::System => (Scope::System, "SYSTEM_"),
        Resource::Organization(_) => (Scope::Organization, "ORGANIZATION_"),
        Resource::Workspace(_) => (Scope::Workspace, "WORKSPACE_"),
        Resource::Deployment(_) => (Scope::Deployment, "DEPLOYMENT_"),
    };
    if role.scope() == scope {
        return Ok(());
    }
    let text = format!(
        "{} is not given there; use one that begins with {prefix}",
        role.name()
    );
    Err(ApiError::field("role", text))
}

/// The permission to change who has which role at a resource.
pub(super) const fn iam(resource: Resource) -> Permission {
    match resource {
        Resource::System => Permission::SystemIamUpdate,
        Resource::Organization(_) => Permission::OrganizationIamUpdate,
        Resource::Workspace(_) => Permission::WorkspaceIamUpdate,
        Resource::Deployment(_) => Permission::DeploymentUserRolesUpdate,
    }
}
