//! `DELETE /v1/rollouts/{name}`.

use aeolus_api::Deleted;
use aeolus_model::{Action, Permission};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::get::find;
use super::view;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Removes a rollout: what it was about obeys the next one that fits, or decides on the plane.
pub(crate) async fn delete(ctx: Ctx, Path(name): Path<String>) -> Result<Json<Deleted>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    let authority = ctx.authority(&mut write).await?;
    authority.require(Permission::SystemPlanesUpdate, &[])?;
    let record = find(&mut write, &name).await?;
    ctx.if_match.require(Some(&view::tag(&record)?))?;
    write.rollouts().delete(&record.name).await?;
    write.audit(ctx.event(Action::RolloutDelete, None, &record.name));
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}
