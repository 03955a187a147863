//! `GET /v1/connections/{connection}/scim/requests`: what its provider asked last.

use aeolus_api::{Page, scim};
use aeolus_model::{Permission, ScimRequestId};
use aeolus_store::{ScimRequest, Unit as _};
use axum::Json;
use axum::extract::Path;

use crate::connections;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists requests, the newest first; with `after`, those that came after one, the oldest first.
pub(crate) async fn list(
    ctx: Ctx,
    Path(connection): Path<String>,
    query: Query,
) -> Result<Json<Page<scim::ScimRequest>>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    authority.require(Permission::SystemConnectionsUpdate, &[])?;
    let connection = connections::find(&mut view, &connection).await?;
    let page = query.page::<ScimRequestId>()?;
    let mut requests = view.scim_requests();
    let found = match query.0.get("after") {
        Some(text) => {
            let wrong = |_| ApiError::field("after", "use the id of a request");
            let after = text.parse().map_err(wrong)?;
            requests.after(connection.id, after, page.limit).await?
        }
        None => {
            requests
                .before(connection.id, page.after, page.limit)
                .await?
        }
    };
    let full = u32::try_from(found.len()).is_ok_and(|count| count == page.limit);
    let next_cursor = found
        .last()
        .filter(|_| full)
        .map(|last| last.id.to_string());
    Ok(Json(Page {
        items: found.into_iter().map(shown).collect(),
        next_cursor,
    }))
}

fn shown(request: ScimRequest) -> scim::ScimRequest {
    scim::ScimRequest {
        id: request.id,
        at: request.at.millis(),
        method: request.method,
        path: request.path,
        query: request.query,
        status: u16::try_from(request.status).unwrap_or_default(),
        scim_type: request.scim_type,
        detail: request.detail,
        took_ms: request.took_ms,
        credential: request.credential,
        source: request.source,
        request_id: request.request_id,
        body: request.body,
    }
}
