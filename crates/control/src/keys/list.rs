//! `GET /v1/keys`: all signing keys; there are few.

use aeolus_api::Page;
use aeolus_api::key::Key;
use aeolus_model::Permission;
use aeolus_store::Unit as _;
use axum::Json;

use super::view::views;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Lists keys by purpose and age.
pub(crate) async fn list(ctx: Ctx) -> Result<Json<Page<Key>>, ApiError> {
    let mut unit = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut unit).await?;
    authority.require(Permission::SystemKeysGet, &[])?;
    let all = unit.keys().list().await?;
    let items = views(&ctx.app, &mut unit, &all, |_| true).await?;
    Ok(Json(Page {
        items,
        next_cursor: None,
    }))
}
