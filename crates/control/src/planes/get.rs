//! `GET /v1/planes/{plane}`: one plane, by id or name.

use aeolus_api::plane::Plane;
use aeolus_model::{Permission, PlaneId};
use aeolus_store::Unit;
use axum::Json;
use axum::extract::Path;

use crate::ctx::Ctx;
use crate::error::ApiError;

/// Shows a plane.
pub(crate) async fn get(ctx: Ctx, Path(plane): Path<String>) -> Result<Json<Plane>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemPlanesGet, &[])?;
    let found = find(&mut view, &plane).await?;
    Ok(Json(super::view::view(&ctx.app, &mut view, found).await?))
}

/// A plane by id or name.
pub(crate) async fn find(
    unit: &mut impl Unit,
    text: &str,
) -> Result<aeolus_store::Plane, ApiError> {
    let found = match text.parse::<PlaneId>() {
        Ok(id) => unit.planes().get(id).await?,
        Err(_) => match text.parse() {
            Ok(name) => unit.planes().by_name(&name).await?,
            Err(_) => None,
        },
    };
    found.ok_or(ApiError::NotFound("plane"))
}
