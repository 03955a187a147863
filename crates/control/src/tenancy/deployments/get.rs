//! `GET /v1/organizations/{o}/deployments/{id}`.

use aeolus_api::tenancy::Deployment;
use axum::Json;
use axum::extract::Path;

use crate::ctx::Ctx;
use crate::error::ApiError;

/// Shows a deployment.
pub(crate) async fn get(
    ctx: Ctx,
    Path((organization, deployment)): Path<(String, String)>,
) -> Result<Json<Deployment>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let named = (organization.id, deployment.as_str());
    let deployment = super::find(&mut view, &authority, named).await?;
    Ok(Json(super::shown(deployment)))
}
