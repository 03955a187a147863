//! `GET /v1/organizations/{o}/teams`.

use aeolus_api::Page;
use aeolus_api::tenancy::Team;
use aeolus_model::{Permission, TeamId};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Query, page_of};

/// Lists teams, oldest first.
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
    Ok(Json(page_of(listing, |team| Team {
        id: team.id,
        organization_id: team.organization,
        name: team.name,
    })))
}
