//! `GET /v1/organizations/{o}/teams/{id}/members`.

use aeolus_api::Page;
use aeolus_api::team::TeamMember;
use aeolus_model::{Permission, UserId};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::view;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists who is in a team, in the order of their ids.
pub(crate) async fn members(
    ctx: Ctx,
    Path((organization, team)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Page<TeamMember>>, ApiError> {
    let page = query.page::<UserId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?.id;
    let by = (&authority, organization);
    let (found, sight) = view::seen(&mut view, by, &team).await?;
    if !sight.members {
        authority.require(
            Permission::OrganizationUsersGet,
            &organization_path(organization),
        )?;
    }
    let listing = view.teams().list_members(found.team.id, page).await?;
    let items = view::members(&mut view, organization, listing.items).await?;
    Ok(Json(Page {
        items,
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}
