//! `DELETE /v1/connections/{connection}/scim/credentials/{id}`: ends a credential at once, with its access tokens.

use aeolus_api::Deleted;
use aeolus_model::Action;
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::{PERMISSION, find, provisioning};
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Deletes a credential: every request asks the database, so that the next one is refused.
pub(crate) async fn delete(
    ctx: Ctx,
    Path((connection, credential)): Path<(String, String)>,
) -> Result<Json<Deleted>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    ctx.authority(&mut write).await?.require(PERMISSION, &[])?;
    let connection = provisioning(&mut write, &connection).await?;
    let credential = find(&mut write, &connection, &credential).await?;
    if !write.scim_credentials().delete(credential.id).await? {
        return Err(ApiError::NotFound("credential"));
    }
    let target = format!("{}/{}", connection.name, credential.name);
    write.audit(ctx.event(Action::ScimCredentialDelete, None, target));
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}
