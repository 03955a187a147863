//! Deployments of an organization.

mod create;
mod delete;
mod get;
mod list;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;

use aeolus_api::tenancy::{Deployment as Shown, Route, Staleness};
use aeolus_model::{DeploymentId, OrganizationId, Permission};
use aeolus_store::{Deployment, Unit};

use crate::authority::{Authority, deployment_path};
use crate::error::ApiError;

fn shown(deployment: Deployment) -> Shown {
    let staleness = deployment.staleness;
    let routes = deployment.routes.into_iter().map(|route| Route {
        host: route.host.to_string(),
        path_prefix: route.path_prefix.map(|prefix| prefix.to_string()),
    });
    Shown {
        id: deployment.id,
        organization_id: deployment.organization,
        workspace_id: deployment.workspace,
        plane_id: deployment.plane,
        name: deployment.name,
        routes: routes.collect(),
        upstream: deployment.upstream,
        profile: deployment.profile,
        rules: deployment.rules,
        staleness: Staleness {
            max_stale: staleness.max().as_secs(),
            hard_stale: staleness.hard().as_secs(),
            then: staleness.then(),
        },
    }
}

/// A deployment that the actor may see.
async fn find(
    unit: &mut impl Unit,
    authority: &Authority,
    (organization, text): (OrganizationId, &str),
) -> Result<Deployment, ApiError> {
    let none = ApiError::NotFound("deployment");
    let Ok(id) = text.parse::<DeploymentId>() else {
        return Err(none);
    };
    let found = crate::authority::deployment_in(unit, organization, id).await?;
    let seen = found.filter(|deployment| {
        authority.may(
            Permission::DeploymentConfigGet,
            &deployment_path(deployment),
        )
    });
    seen.ok_or(none)
}
