//! `DELETE /v1/organizations/{o}/tokens/{id}`: ends a token at once.

use aeolus_api::Deleted;
use aeolus_model::{Action, Change};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::get::{find, require_read};
use super::permission::{self, Deed};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::planes::{Wait, heard};

/// Deletes a token: its value's status bit is set in the same transaction, and connected planes
/// refuse it within two seconds.
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, token)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Deleted>, ApiError> {
    let wait = super::wants_planes(&query)?;
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let token = find(&mut write, &authority, (organization.id, &token)).await?;
    let at = (organization.id, token.scope.resource());
    permission::require(&mut write, &authority, at, Deed::Delete).await?;
    require_read(&ctx, &mut write, token.id).await?;
    write.tokens().delete(token.id, ctx.app.clock.now()).await?;
    let mut event = ctx.event(Action::TokenDelete, Some(organization.id), token.id);
    event.changes = vec![Change::from("name", token.name)];
    write.audit(event);
    let seq = ctx.app.commit(write).await?;
    let wait = wait.then_some(Wait::revocation(organization.id));
    let planes = heard(&ctx.app, wait, seq).await?;
    Ok(Json(Deleted { seq, planes }))
}
