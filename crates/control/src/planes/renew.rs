//! `POST /v1/planes/self/sessions/{sid}/renew`: extends a session in use at a gate.

use aeolus_api::plane::{RenewAnswer, RenewRequest};
use aeolus_model::SessionId;
use aeolus_store::Unit as _;
use axum::Json as Answer;
use axum::extract::Path;

use super::PlaneCtx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::signin::session::{self, Shut};

/// Extends the access end, never the absolute one. 410 if the session is over, 404 if this plane
/// has nothing to do with it.
pub(crate) async fn renew(
    ctx: PlaneCtx,
    Path(session): Path<String>,
    Json(body): Json<RenewRequest>,
) -> Result<Answer<RenewAnswer>, ApiError> {
    let id: SessionId = session.parse().map_err(|_| ApiError::NotFound("session"))?;
    let mut write = ctx.app.store.write().await?;
    let deployment = write.deployments().get(body.deployment).await?;
    let deployment = deployment.filter(|deployment| deployment.plane == ctx.plane.id);
    let deployment = deployment.ok_or(ApiError::NotFound("deployment"))?;
    let session = write.sessions().get(id).await?;
    let session = session.ok_or(ApiError::NotFound("session"))?;
    let now = ctx.app.clock.now();
    let user = write.users().get(session.user).await?;
    let enabled = user.is_some_and(|user| user.disabled_at.is_none());
    if !enabled || !session.is_alive(now) {
        return Err(ApiError::Gone("The session has ended."));
    }
    let organization = deployment.organization;
    let life = session::enter(&ctx.app, &mut write, (&session, organization)).await?;
    let life = life.map_err(|_: Shut| ApiError::OverInOrganization)?;
    write.sessions().seen_in(id, organization, now).await?;
    ctx.app.commit(write).await?;
    Ok(Answer(RenewAnswer {
        access_end: life.access_end(&session, now).secs(),
        absolute_end: life.absolute_end(&session).secs(),
    }))
}
