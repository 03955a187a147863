//! `GET /v1/planes/{plane}`: one plane, by id or name.

use aeolus_api::plane::Plane;
use aeolus_model::{Permission, PlaneId};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::ctx::Ctx;
use crate::error::ApiError;

/// Shows a plane.
pub(crate) async fn get(ctx: Ctx, Path(plane): Path<String>) -> Result<Json<Plane>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemPlanesGet, &[])?;
    let found = match plane.parse::<PlaneId>() {
        Ok(id) => view.planes().get(id).await?,
        Err(_) => match plane.parse() {
            Ok(name) => view.planes().by_name(&name).await?,
            Err(_) => None,
        },
    };
    let found = found.ok_or(ApiError::NotFound("plane"))?;
    Ok(Json(super::view::view(&ctx.app, &mut view, found).await?))
}
