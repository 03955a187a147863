//! `GET /v1/rollouts`: all rollouts with their figures; there are few.

use aeolus_api::Page;
use aeolus_api::rollout::Rollout;
use aeolus_model::Permission;
use aeolus_store::Unit as _;
use axum::Json;

use super::view;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Lists rollouts in the order in which they hold.
pub(crate) async fn list(ctx: Ctx) -> Result<Json<Page<Rollout>>, ApiError> {
    let mut unit = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut unit).await?;
    authority.require(Permission::SystemPlanesGet, &[])?;
    let mut sums = view::figures(&ctx.app, &mut unit).await?;
    let records = unit.rollouts().list().await?;
    let items = records.iter().map(|record| view::view(record, &mut sums));
    Ok(Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: None,
    }))
}
