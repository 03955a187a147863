//! `POST /v1/organizations/{o}/deployments`.

use aeolus_api::tenancy::{Created, Deployment, DeploymentCreate};
use aeolus_model::{
    Action, DeploymentId, HostPattern, OrganizationId, PathPrefix, Permission, Staleness,
};
use aeolus_store::{ManagedBy, Route, StoreError, Unit as _};
use axum::extract::Path;

use crate::authority::{workspace_in, workspace_path};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;
use crate::tenancy::reserved;

/// Makes a deployment.
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(body): Json<DeploymentCreate>,
) -> Result<Reply<Created<Deployment>>, ApiError> {
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let workspace = workspace_in(&mut write, organization.id, body.workspace_id).await?;
    let workspace = workspace.ok_or(ApiError::NotFound("workspace"))?;
    let path = workspace_path(&workspace);
    authority.require(Permission::WorkspaceDeploymentsCreate, &path)?;
    if write.planes().get(body.plane_id).await?.is_none() {
        return Err(ApiError::field("planeId", "there is no such plane"));
    }
    let deployment = parse(&ctx, body, organization.id)?;
    reserved::require_operator(&ctx.app, &authority, &deployment.routes)?;
    for route in &deployment.routes {
        let mut all = write.deployments();
        // Only an operator's apply may put one organization's host below another's wildcard.
        if all.is_beside_foreign(&route.host, organization.id).await? {
            return Err(StoreError::ForeignHost.into());
        }
    }
    reserved::refuse_in(&ctx.app, &mut write, &deployment.routes).await?;
    write.deployments().insert(&deployment).await?;
    let id = deployment.id;
    write.audit(ctx.event(Action::DeploymentCreate, Some(organization.id), id));
    let item = super::shown(deployment);
    ctx.created(write, |seq| Created { item, seq }).await
}

fn parse(
    ctx: &Ctx,
    body: DeploymentCreate,
    organization: OrganizationId,
) -> Result<aeolus_store::Deployment, ApiError> {
    let staleness = match body.staleness {
        None => Staleness::default(),
        Some(s) => {
            let seconds = std::time::Duration::from_secs;
            let parsed = Staleness::new(seconds(s.max_stale), seconds(s.hard_stale), s.then);
            parsed.map_err(|error| ApiError::field("staleness", error.to_string()))?
        }
    };
    if body.routes.is_empty() {
        return Err(ApiError::field("routes", "say at least one host"));
    }
    if let Some(upstream) = &body.upstream {
        check_upstream(upstream)?;
    }
    let mut routes = Vec::new();
    for (index, route) in body.routes.iter().enumerate() {
        let at = |error: String| ApiError::field(&format!("routes[{index}]"), error);
        let host = HostPattern::parse(&route.host).map_err(|error| at(error.to_string()))?;
        let prefix = route
            .path_prefix
            .as_deref()
            .map(PathPrefix::parse)
            .transpose();
        let path_prefix = prefix.map_err(|error| at(error.to_string()))?;
        routes.push(Route { host, path_prefix });
    }
    Ok(aeolus_store::Deployment {
        id: DeploymentId::new(&*ctx.app.clock, &*ctx.app.rng),
        organization,
        workspace: body.workspace_id,
        plane: body.plane_id,
        name: body.name,
        routes,
        upstream: body.upstream,
        profile: body.profile,
        staleness,
        rules: body.rules,
        task_execution_from: Vec::new(),
        managed_by: ManagedBy::Api,
        revision: 0,
    })
}

/// `http://host:port` and nothing more: the proxy adds the request's own path.
fn check_upstream(text: &str) -> Result<(), ApiError> {
    let url = url::Url::parse(text).ok();
    let fits = url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if fits {
        Ok(())
    } else {
        Err(ApiError::field(
            "upstream",
            "use a URL such as http://127.0.0.1:8080, without a path",
        ))
    }
}
