//! `GET /v1/organizations`.

use aeolus_api::Page;
use aeolus_api::tenancy::Organization;
use aeolus_model::OrganizationId;
use aeolus_store::Unit as _;
use axum::Json;

use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists the organizations that the actor may know of, oldest first. A page may be short of its
/// limit, or empty, while there are more.
pub(crate) async fn list(ctx: Ctx, query: Query) -> Result<Json<Page<Organization>>, ApiError> {
    let page = query.page::<OrganizationId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let listing = view.organizations().list(page).await?;
    let known = listing.items.into_iter().filter(|o| authority.knows(o.id));
    Ok(Json(Page {
        items: known.map(super::shown).collect(),
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}
