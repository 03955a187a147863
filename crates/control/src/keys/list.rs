//! `GET /v1/keys`: all signing keys; there are few.

use aeolus_api::key::{AtUpgrade, KeyList, NextUpgrade};
use aeolus_model::Permission;
use aeolus_store::Unit as _;
use axum::Json;

use super::ends;
use super::view::views;
use crate::NewKeys;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Lists keys by purpose and age, and says what the next upgrade does to them.
pub(crate) async fn list(ctx: Ctx) -> Result<Json<KeyList>, ApiError> {
    let mut unit = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut unit).await?;
    authority.require(Permission::SystemKeysGet, &[])?;
    let all = unit.keys().list().await?;
    let items = views(&ctx.app, &mut unit, &all, |_| true).await?;
    let (keys, ends) = match ctx.app.keys_at_upgrade {
        NewKeys::None => (AtUpgrade::Kept, None),
        NewKeys::Staged => (AtUpgrade::Announced, None),
        NewKeys::AtOnce => {
            let ends = ends::counted(&mut unit, ctx.app.clock.now()).await?;
            (AtUpgrade::Replaced, Some(ends))
        }
    };
    Ok(Json(KeyList {
        items,
        next_upgrade: Some(NextUpgrade { keys, ends }),
    }))
}
