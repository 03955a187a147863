//! `DELETE /v1/organizations/{o}/workspaces/{id}`.

use aeolus_api::Deleted;
use aeolus_model::{Action, Permission, TokenScope};
use aeolus_store::{Page, Unit as _};
use axum::Json;
use axum::extract::Path;

use crate::authority::workspace_path;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Removes an empty workspace; the tokens made in it end.
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, workspace)): Path<(String, String)>,
) -> Result<Json<Deleted>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let workspace = super::find(&mut write, organization.id, &workspace).await?;
    let path = workspace_path(&workspace);
    if !authority.may(Permission::WorkspaceConfigGet, &path) {
        return Err(ApiError::NotFound("workspace"));
    }
    authority.require(Permission::WorkspaceConfigDelete, &path)?;
    let now = ctx.app.clock.now();
    let scope = TokenScope::Workspace(workspace.id);
    loop {
        let tokens = write.tokens().list_scope(scope, Page::first(200)).await?;
        for record in &tokens.items {
            write.tokens().delete(record.token.id, now).await?;
        }
        if tokens.items.is_empty() {
            break;
        }
    }
    write.workspaces().delete(workspace.id).await?;
    write.audit(ctx.event(Action::WorkspaceDelete, Some(organization.id), workspace.id));
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}
