//! Which permission a deed with API tokens takes, by the place they reach (row N13).

use aeolus_model::{OrganizationId, Permission, Resource};
use aeolus_store::Unit;

use crate::authority::{Authority, path_within};
use crate::error::ApiError;

/// What is done with tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    See,
    Make,
    Change,
    Delete,
}

/// What it takes where.
pub(crate) const fn permission(deed: Deed, place: Resource) -> Permission {
    use Permission as P;
    match (place, deed) {
        (Resource::System | Resource::Organization(_), Deed::See) => {
            P::OrganizationServiceAccountsGet
        }
        (Resource::System | Resource::Organization(_), Deed::Make) => {
            P::OrganizationServiceAccountsCreate
        }
        (Resource::System | Resource::Organization(_), Deed::Change) => {
            P::OrganizationServiceAccountsUpdate
        }
        (Resource::System | Resource::Organization(_), Deed::Delete) => {
            P::OrganizationServiceAccountsDelete
        }
        (Resource::Workspace(_), Deed::See) => P::WorkspaceServiceAccountsGet,
        (Resource::Workspace(_), Deed::Make) => P::WorkspaceServiceAccountsCreate,
        (Resource::Workspace(_), Deed::Change) => P::WorkspaceServiceAccountsUpdate,
        (Resource::Workspace(_), Deed::Delete) => P::WorkspaceServiceAccountsDelete,
        (Resource::Deployment(_), Deed::See) => P::DeploymentServiceAccountsGet,
        (Resource::Deployment(_), Deed::Make) => P::DeploymentServiceAccountsCreate,
        (Resource::Deployment(_), Deed::Change) => P::DeploymentServiceAccountsUpdate,
        (Resource::Deployment(_), Deed::Delete) => P::DeploymentServiceAccountsDelete,
    }
}

/// Refuses unless the actor may do it with the tokens of a place. One outside the organization takes more
/// than anybody has.
pub(crate) async fn require(
    unit: &mut impl Unit,
    authority: &Authority,
    (organization, place): (OrganizationId, Resource),
    deed: Deed,
) -> Result<(), ApiError> {
    let path = path_within(unit, organization, place).await?;
    let path = path.ok_or(ApiError::NotFound("token"))?;
    authority.require(permission(deed, place), &path)
}

/// Whether the actor may see the tokens of a place.
pub(crate) async fn may_see(
    unit: &mut impl Unit,
    authority: &Authority,
    (organization, place): (OrganizationId, Resource),
) -> Result<bool, ApiError> {
    let path = path_within(unit, organization, place).await?;
    Ok(path.is_some_and(|path| authority.may(permission(Deed::See, place), &path)))
}
