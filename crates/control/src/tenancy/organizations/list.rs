//! `GET /v1/organizations`.

use aeolus_api::Page;
use aeolus_api::tenancy::Organization;
use aeolus_model::OrganizationId;
use aeolus_store::Unit as _;
use axum::Json;

use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::factor;

/// Lists the organizations that the actor may know of, oldest first. A page may be short of its
/// limit, or empty, while there are more. Those that want a second factor are left out for a session that has
/// none; one of somebody who has set one up is shown nothing.
pub(crate) async fn list(ctx: Ctx, query: Query) -> Result<Json<Page<Organization>>, ApiError> {
    let page = query.page::<OrganizationId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    if let Some(session) = &ctx.session
        && factor::is_missing(&mut view, session).await?
    {
        return Err(ApiError::OwnSecondFactor);
    }
    let listing = view.organizations().list(page).await?;
    let mut items = Vec::new();
    for organization in listing.items {
        if authority.knows(organization.id) && !authority.is_asked_for_more(&organization)? {
            items.push(super::shown(organization));
        }
    }
    Ok(Json(Page {
        items,
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}
