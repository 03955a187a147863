//! `PUT /v1/organizations/{o}/teams/{id}`.

use aeolus_api::tenancy::{TeamChanged, TeamSet};
use aeolus_model::{Action, Change, Subject};
use aeolus_store::{GroupTeam, Team, Unit as _};
use axum::extract::Path;

use super::{Group, check_description, check_name, require, view};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;

/// Gives a team another name or description. One that stands for a group keeps its name, whatever the group is
/// called.
pub(crate) async fn set(
    ctx: Ctx,
    Path((organization, team)): Path<(String, String)>,
    Json(body): Json<TeamSet>,
) -> Result<axum::Json<TeamChanged>, ApiError> {
    body.name.as_ref().map_or(Ok(()), check_name)?;
    check_description(body.description.as_deref().unwrap_or(""))?;
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    require(&authority, organization.id)?;
    let found = super::find(&mut write, organization.id, &team).await?;
    let is_renamed = body
        .name
        .as_ref()
        .is_some_and(|name| *name != found.team.name);
    if is_renamed {
        let held = write.grants().of(Subject::Team(found.team.id)).await?;
        found.refuse_named(&held)?;
        found.refuse_provisioned(&mut write).await?;
    }
    let team = found.team;
    let changed = Team {
        name: body.name.clone().unwrap_or_else(|| team.name.clone()),
        description: body.description.unwrap_or_else(|| team.description.clone()),
        ..team.clone()
    };
    if changed != team {
        write.teams().update(&changed).await?;
    }
    let mut group = found.group;
    if body.name.is_some()
        && let Group::SignIn(found) = group
    {
        write.group_teams().named(team.id).await?;
        group = Group::SignIn(GroupTeam {
            by_id: false,
            ..found
        });
    }
    let mut event = ctx.event(Action::TeamUpdate, Some(organization.id), team.id);
    let changes = [
        Change::of("name", team.name.as_str(), changed.name.as_str()),
        Change::of("description", &team.description, &changed.description),
    ];
    event.changes = changes.into_iter().flatten().collect();
    if !event.changes.is_empty() {
        write.audit(event);
    }
    let team = view::team(&mut write, changed, &group).await?;
    let seq = ctx.app.commit(write).await?;
    Ok(axum::Json(TeamChanged { team, seq }))
}
