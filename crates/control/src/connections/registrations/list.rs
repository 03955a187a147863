//! `GET /v1/connections/{connection}/planes`: the planes with a client there; there are few.

use aeolus_api::Page;
use aeolus_api::connection::RegisteredPlane;
use aeolus_model::Permission;
use axum::Json;
use axum::extract::Path;

use super::Found;
use super::view::Surroundings;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Lists them: the document's, then those that were registered.
pub(crate) async fn list(
    ctx: Ctx,
    Path(connection): Path<String>,
) -> Result<Json<Page<RegisteredPlane>>, ApiError> {
    let mut unit = ctx.app.store.read().await?;
    let asked = (connection.as_str(), Permission::SystemConnectionsGet);
    let found = Found::get(&ctx, &mut unit, asked).await?;
    let around = Surroundings::read(&mut unit, ctx.app.clock.now()).await?;
    let all = found.settings.registrations();
    Ok(Json(Page {
        items: all.map(|each| around.view(&found, each)).collect(),
        next_cursor: None,
    }))
}
