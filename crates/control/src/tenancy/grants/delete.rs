//! `DELETE /v1/organizations/{o}/grants/{id}`.

use aeolus_api::Deleted;
use aeolus_model::{Action, Change, GrantId, Subject, TokenKind};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::path_within;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::tenancy::owners::Owners;
use crate::tenancy::roles;

/// Takes a grant back; the organization's last owner keeps theirs (A9).
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, grant)): Path<(String, String)>,
) -> Result<Json<Deleted>, ApiError> {
    let id: GrantId = grant.parse().map_err(|_| ApiError::NotFound("grant"))?;
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let record = write.grants().get(id).await?;
    let record = record.filter(|record| record.organization == Some(organization.id));
    let record = record.ok_or(ApiError::NotFound("grant"))?;
    let path = path_within(&mut write, organization.id, record.grant.resource).await?;
    let path = path.ok_or(ApiError::NotFound("grant"))?;
    authority.require(roles::iam(record.grant.resource), &path)?;
    if let Subject::Token(id) = record.grant.subject
        && let Some(token) = write.tokens().get(id).await?
        && token.token.kind != TokenKind::Standard
    {
        let what = "the roles of a direct access token are in its values; delete the token";
        return Err(ApiError::Conflict(what.to_owned()));
    }
    let owners = Owners::of(&mut write, &organization).await?;
    write.grants().delete(id).await?;
    owners.require_one_left(&mut write).await?;
    let mut event = ctx.event(Action::GrantDelete, Some(organization.id), id);
    event.changes = super::changes(&record.grant, Change::from);
    write.audit(event);
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}
