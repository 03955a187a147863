//! `GET /v1/connections/{connection}/scim/events`: how telling a connection's receiver goes.

use aeolus_api::scim::ScimEventsStatus;
use aeolus_model::{Permission, Time};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::receiver;
use crate::connections;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Where events go, how many wait, and what went wrong last.
pub(crate) async fn status(
    ctx: Ctx,
    Path(connection): Path<String>,
) -> Result<Json<ScimEventsStatus>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemConnectionsUpdate, &[])?;
    let id = connections::find(&mut view, &connection).await?.id;
    let to = receiver(&mut view, id).await?;
    let sent = view.scim_events().receiver(id).await?.unwrap_or_default();
    let first = view.scim_events().next(id, 1).await?;
    let secs = |time: Option<Time>| time.map(Time::secs);
    let fails = sent.failures > 0;
    Ok(Json(ScimEventsStatus {
        endpoint: to.as_ref().map(|to| to.endpoint.clone()),
        audience: to.as_ref().map(|to| to.audience().to_owned()),
        authorization: to.is_some_and(|to| to.authorization.is_some()),
        waiting: view.scim_events().count(id).await?,
        waiting_since: first.first().map(|first| first.event.at.secs()),
        delivered: sent.delivered,
        delivered_at: secs(sent.delivered_at),
        dropped: sent.dropped,
        failures: sent.failures,
        failed_at: secs(sent.failed_at),
        error: sent.error,
        next_at: fails.then(|| sent.next_at.secs()),
    }))
}
