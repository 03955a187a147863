//! `GET /v1/rollouts/{name}`.

use aeolus_api::rollout::Rollout;
use aeolus_model::Permission;
use aeolus_store::Unit;
use axum::extract::Path;

use super::view;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::seen::Tagged;

/// Shows a rollout.
pub(crate) async fn get(ctx: Ctx, Path(name): Path<String>) -> Result<Tagged<Rollout>, ApiError> {
    let mut unit = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut unit).await?;
    authority.require(Permission::SystemPlanesGet, &[])?;
    let record = find(&mut unit, &name).await?;
    let mut sums = view::figures(&ctx.app, &mut unit).await?;
    Ok(Tagged(view::tag(&record)?, view::view(&record, &mut sums)?))
}

pub(super) async fn find(
    unit: &mut impl Unit,
    name: &str,
) -> Result<aeolus_store::Rollout, ApiError> {
    let found = match name.parse() {
        Ok(name) => unit.rollouts().get(&name).await?,
        Err(_) => None,
    };
    found.ok_or(ApiError::NotFound("rollout"))
}
