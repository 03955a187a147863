//! `GET /v1/organizations/{o}/teams`.

use aeolus_api::Page;
use aeolus_api::tenancy::Team;
use aeolus_model::{Permission, TeamId};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::Group;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists teams, oldest first, with the groups that they stand for.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Team>>, ApiError> {
    let page = query.page::<TeamId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationTeamsGet, &path)?;
    let listing = view.teams().list(organization.id, page).await?;
    let mut items = Vec::new();
    for team in listing.items {
        let group = Group::of(&mut view, team.id).await?;
        items.push(super::view::team(&mut view, team, &group).await?);
    }
    Ok(Json(Page {
        items,
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}
