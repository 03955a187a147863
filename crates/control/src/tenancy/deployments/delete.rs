//! `DELETE /v1/organizations/{o}/deployments/{id}`.

use aeolus_api::Deleted;
use aeolus_model::{Action, Permission};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::deployment_path;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Removes a deployment: its gate answers 404 for it, and the tokens made for it end.
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, deployment)): Path<(String, String)>,
) -> Result<Json<Deleted>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let named = (organization.id, deployment.as_str());
    let deployment = super::find(&mut write, &authority, named).await?;
    let path = deployment_path(&deployment);
    authority.require(Permission::DeploymentConfigDelete, &path)?;
    let now = ctx.app.clock.now();
    write.deployments().delete(deployment.id, now).await?;
    let id = deployment.id;
    write.audit(ctx.event(Action::DeploymentDelete, Some(organization.id), id));
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}
