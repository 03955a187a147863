//! `PUT /v1/organizations/{o}/teams/{id}`.

use aeolus_api::tenancy::{TeamChanged, TeamSet};
use aeolus_model::{Action, Change, Permission};
use aeolus_store::{GroupTeam, Team, Unit as _};
use axum::extract::Path;

use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;

/// Gives a team that stands for a group another name. It keeps that one, whatever the group is called.
pub(crate) async fn set(
    ctx: Ctx,
    Path((organization, team)): Path<(String, String)>,
    Json(body): Json<TeamSet>,
) -> Result<axum::Json<TeamChanged>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationTeamsUpdate, &path)?;
    let (team, group) = super::find(&mut write, organization.id, &team).await?;
    let renamed = Team {
        name: body.name,
        ..team.clone()
    };
    let group = GroupTeam {
        by_id: false,
        ..group
    };
    write.teams().update(&renamed).await?;
    write.group_teams().named(team.id).await?;
    let mut event = ctx.event(Action::TeamUpdate, Some(organization.id), team.id);
    let change = Change::of("name", team.name.as_str(), renamed.name.as_str());
    event.changes = change.into_iter().collect();
    write.audit(event);
    let team = super::shown(&mut write, renamed, Some(&group)).await?;
    let seq = ctx.app.commit(write).await?;
    Ok(axum::Json(TeamChanged { team, seq }))
}
