//! `GET /v1/organizations/{o}/teams/{id}`.

use aeolus_api::team::TeamShown;
use aeolus_store::{Page, Unit as _};
use axum::Json;
use axum::extract::Path;

use super::view;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// So many are shown with a team.
const SHOWN: u32 = 100;

/// Shows a team, who is in it and what it has, as far as the actor may see that.
pub(crate) async fn get(
    ctx: Ctx,
    Path((organization, team)): Path<(String, String)>,
) -> Result<Json<TeamShown>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?.id;
    let by = (&authority, organization);
    let (found, sight) = view::seen(&mut view, by, &team).await?;
    let (mut members, mut count) = (Vec::new(), None);
    if sight.members {
        let page = Page::first(SHOWN);
        let listing = view.teams().list_members(found.team.id, page).await?;
        members = view::members(&mut view, organization, listing.items).await?;
        count = Some(view.teams().count_members(found.team.id).await?);
    }
    let team = view::team(&mut view, found.team, &found.group).await?;
    let roles = sight.roles.into_iter().map(|record| record.grant.into());
    Ok(Json(TeamShown {
        team,
        member_count: count,
        members,
        roles: roles.collect(),
    }))
}
