//! `GET /v1/organizations/{o}/workspaces`.

use aeolus_api::Page;
use aeolus_api::tenancy::Workspace;
use aeolus_model::{Permission, WorkspaceId};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::workspace_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists the workspaces whose configuration the actor may see, oldest first.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Workspace>>, ApiError> {
    let page = query.page::<WorkspaceId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let listing = view.workspaces().list(organization.id, page).await?;
    let seen = listing.items.into_iter().filter(|workspace| {
        authority.may(Permission::WorkspaceConfigGet, &workspace_path(workspace))
    });
    Ok(Json(Page {
        items: seen.map(super::shown).collect(),
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}
