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
    let mut grants: Vec<Grant> = view
        .grants()
        .in_organization(organization.id)
        .await?
        .into_iter()
        .map(|record| Grant::from(record.grant))
        .filter(|grant| page.after.is_none_or(|after| grant.id > after))
        .collect();
    grants.sort_unstable_by_key(|grant| grant.id);
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let more = grants.len() > limit;
    grants.truncate(limit);
    let last = grants.last().map(|grant| grant.id.to_string());
    Ok(Json(Page {
        next_cursor: last.filter(|_| more),
        items: grants,
    }))
}
