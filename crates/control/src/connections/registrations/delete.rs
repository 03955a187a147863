//! `DELETE /v1/connections/{connection}/planes/{plane}?wait=planes`.

use aeolus_api::Deleted;
use aeolus_model::{Action, Change};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::Found;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::planes::{Wait, heard};
use crate::tokens::wants_planes;

/// Takes the plane's client away: its gates sign nobody in there from then on.
pub(crate) async fn delete(
    ctx: Ctx,
    Path((connection, plane)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Deleted>, ApiError> {
    let wait = wants_planes(&query)?;
    let mut write = ctx.app.store.write().await?;
    let names = (connection.as_str(), plane.as_str());
    let (mut found, plane) = Found::to_change(&ctx, &mut write, names).await?;
    let before = found.settings.registration(&plane.name).cloned();
    let before = before.ok_or(ApiError::NotFound("plane registration"))?;
    ctx.if_match.require(Some(&super::tag(&before)?))?;
    let own = &mut found.settings.registered_planes;
    own.retain(|each| each.plane != plane.name);
    write.connections().update(&found.stored()?).await?;
    let mut event = ctx.event(Action::PlaneUnregister, None, &found.row.name);
    event.reason = format!("plane:{}", plane.name);
    event.changes = vec![Change::from("clientId", &before.client_id)];
    write.audit(event);
    let seq = ctx.app.commit(write).await?;
    let planes = heard(&ctx.app, wait.then_some(Wait::any(None)), seq).await?;
    Ok(Json(Deleted { seq, planes }))
}
