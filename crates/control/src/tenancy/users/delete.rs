//! `DELETE /v1/organizations/{o}/users/{id}`: takes a person out of an organization.

use aeolus_api::Deleted;
use aeolus_model::{Action, Permission, Subject, UserId};
use aeolus_store::{Page, Unit as _};
use axum::Json;
use axum::extract::Path;

use super::owners::require_another;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Takes away everything the person holds in the organization and its teams. The account stays:
/// it may be in other organizations. The last owner can't be taken out (A9).
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, user)): Path<(String, String)>,
) -> Result<Json<Deleted>, ApiError> {
    let id: UserId = user.parse().map_err(|_| ApiError::NotFound("user"))?;
    let mut write = ctx.app.store.write().await?;
    let authority = ctx.authority(&mut write).await?;
    let organization = authority.organization(&mut write, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationIamUpdate, &path)?;
    let grants = write.grants().in_organization(organization.id).await?;
    let theirs: Vec<_> = grants
        .iter()
        .filter(|record| record.grant.subject == Subject::User(id))
        .collect();
    if theirs.is_empty() {
        return Err(ApiError::NotFound("user"));
    }
    require_another(&mut write, organization.id, id).await?;
    for record in theirs {
        write.grants().delete(record.grant.id).await?;
    }
    let teams = write
        .teams()
        .list(organization.id, Page::first(10_000))
        .await?;
    for team in teams.items {
        write.teams().remove(team.id, id).await?;
    }
    write.audit(ctx.event(Action::UserDelete, Some(organization.id), id));
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}
