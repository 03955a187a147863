//! `GET /v1/connections/{connection}/planes/{plane}`: one plane's client there.

use aeolus_api::connection::RegisteredPlane;
use aeolus_model::Permission;
use axum::extract::Path;

use super::Found;
use super::view::Surroundings;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::planes;
use crate::seen::Tagged;

/// Shows it.
pub(crate) async fn get(
    ctx: Ctx,
    Path((connection, plane)): Path<(String, String)>,
) -> Result<Tagged<RegisteredPlane>, ApiError> {
    let mut unit = ctx.app.store.read().await?;
    let asked = (connection.as_str(), Permission::SystemConnectionsGet);
    let found = Found::get(&ctx, &mut unit, asked).await?;
    let plane = planes::find(&mut unit, &plane).await?;
    let around = Surroundings::read(&mut unit, ctx.app.clock.now()).await?;
    let registration = found.settings.registration(&plane.name);
    let registration = registration.ok_or(ApiError::NotFound("plane registration"))?;
    Ok(Tagged(
        super::tag(registration)?,
        around.view(&found, registration),
    ))
}
