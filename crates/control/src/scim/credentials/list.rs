//! `GET /v1/connections/{connection}/scim/credentials`: all of them; there are few.

use aeolus_api::{Page, scim};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::{PERMISSION, provisioning, view};
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Lists credentials, the oldest first.
pub(crate) async fn list(
    ctx: Ctx,
    Path(connection): Path<String>,
) -> Result<Json<Page<scim::ScimCredential>>, ApiError> {
    let mut unit = ctx.app.store.read().await?;
    ctx.authority(&mut unit).await?.require(PERMISSION, &[])?;
    let connection = provisioning(&mut unit, &connection).await?;
    let now = ctx.app.clock.now();
    let mut items = Vec::new();
    for credential in unit.scim_credentials().list(connection.id).await? {
        let secrets = unit.scim_credentials().secrets(credential.id).await?;
        items.push(view::view(&credential, &secrets, now));
    }
    Ok(Json(Page {
        items,
        next_cursor: None,
    }))
}
