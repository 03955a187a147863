//! `GET /v1/organizations/{o}/invitations`.

use aeolus_api::Page;
use aeolus_api::invitation::Invitation;
use aeolus_model::{InvitationId, Permission};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Query, page_of};

/// Lists invitations, oldest first, until a month after their end.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Invitation>>, ApiError> {
    let page = query.page::<InvitationId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationUsersGet, &path)?;
    let listing = view.invitations().list(organization.id, page).await?;
    let now = ctx.app.clock.now();
    Ok(Json(page_of(listing, |record| super::view(record, now))))
}
