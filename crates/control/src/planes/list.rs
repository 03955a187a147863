//! `GET /v1/planes`: all planes; there are few.

use aeolus_api::Page;
use aeolus_api::plane::Plane;
use aeolus_model::Permission;
use aeolus_store::Unit as _;
use axum::Json;

use crate::ctx::Ctx;
use crate::error::ApiError;

/// Lists planes, oldest first.
pub(crate) async fn list(ctx: Ctx) -> Result<Json<Page<Plane>>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemPlanesGet, &[])?;
    let mut items = Vec::new();
    for plane in view.planes().list().await? {
        items.push(super::view::view(&ctx.app, &mut view, plane).await?);
    }
    Ok(Json(Page {
        items,
        next_cursor: None,
    }))
}
