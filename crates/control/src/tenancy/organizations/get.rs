//! `GET /v1/organizations/{o}`, by id or name.

use aeolus_api::tenancy::Organization;
use axum::Json;
use axum::extract::Path;

use crate::ctx::Ctx;
use crate::error::ApiError;

/// Shows an organization.
pub(crate) async fn get(
    ctx: Ctx,
    Path(organization): Path<String>,
) -> Result<Json<Organization>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    Ok(Json(super::shown(organization)))
}
