//! `GET /v1/organizations/{o}/workspaces/{id}`.

use aeolus_api::tenancy::Workspace;
use aeolus_model::Permission;
use axum::Json;
use axum::extract::Path;

use crate::authority::workspace_path;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Shows a workspace; one that the actor may not see doesn't exist.
pub(crate) async fn get(
    ctx: Ctx,
    Path((organization, workspace)): Path<(String, String)>,
) -> Result<Json<Workspace>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let workspace = super::find(&mut view, organization.id, &workspace).await?;
    if !authority.may(Permission::WorkspaceConfigGet, &workspace_path(&workspace)) {
        return Err(ApiError::NotFound("workspace"));
    }
    Ok(Json(super::shown(workspace)))
}
