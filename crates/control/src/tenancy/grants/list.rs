//! `GET /v1/organizations/{o}/grants`.

use aeolus_api::Page;
use aeolus_api::tenancy::Grant;
use aeolus_model::{GrantId, Permission};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists who has which role where, oldest first.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Grant>>, ApiError> {
    let page = query.page::<GrantId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationUsersGet, &path)?;
    let listing = view.grants().list(organization.id, page).await?;
    let items = listing.items.into_iter();
    Ok(Json(Page {
        items: items.map(|record| record.grant.into()).collect(),
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}
