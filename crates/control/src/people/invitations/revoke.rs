//! `DELETE /v1/organizations/{o}/invitations/{id}`.

use aeolus_api::Deleted;
use aeolus_model::{Action, InvitationId, Permission};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Takes an invitation back: its link opens nothing from then on. What somebody got by one stays theirs.
pub(crate) async fn revoke(
    ctx: Ctx,
    Path((organization, id)): Path<(String, String)>,
) -> Result<Json<Deleted>, ApiError> {
    let none = || ApiError::NotFound("invitation");
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationIamUpdate, &path)?;
    let id: InvitationId = id.parse().map_err(|_| none())?;
    let found = write.invitations().get(id).await?;
    let found = found.filter(|found| found.organization == organization.id);
    let found = found.ok_or_else(none)?;
    if found.used.is_some() || !write.invitations().delete(id).await? {
        let text = "It was taken up already; take the person out of the organization instead.";
        return Err(ApiError::Conflict(text.to_owned()));
    }
    write.audit(ctx.event(Action::InvitationRevoke, Some(organization.id), id));
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}
