//! `GET /v1/organizations/{o}/quota`.

use aeolus_api::quota::QuotaShown;
use aeolus_model::Permission;
use axum::Json;
use axum::extract::Path;

use super::own;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Shows what an organization may use.
pub(crate) async fn get(
    ctx: Ctx,
    Path(organization): Path<String>,
) -> Result<Json<QuotaShown>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationConfigGet, &path)?;
    Ok(Json(QuotaShown {
        quota: own(&organization).unwrap_or_default(),
        effective: ctx.app.meters.of(&organization, ctx.app.clock.now()),
    }))
}
