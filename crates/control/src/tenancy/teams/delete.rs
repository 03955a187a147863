//! `DELETE /v1/organizations/{o}/teams/{id}`.

use aeolus_api::Deleted;
use aeolus_model::{Action, Change, Permission};
use aeolus_store::{GroupTeam, Unit as _, Write};
use axum::Json;
use axum::extract::Path;

use crate::authority::organization_path;
use crate::connections;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::tenancy::owners::Owners;

/// Removes a team that stands for a group, with its roles: one in which nobody is, or of a connection that says no
/// more who is in it.
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, team)): Path<(String, String)>,
) -> Result<Json<Deleted>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationTeamsUpdate, &path)?;
    let (team, group) = super::find(&mut write, organization.id, &team).await?;
    let members = write.teams().members(team.id).await?;
    if !members.is_empty() && imports(&ctx, &mut write, &group).await? {
        return Err(ApiError::Conflict(format!(
            "{} people are in {} by their identity provider, and would be again: take them out of the group \
             there, or filter it (teamFilterRegex).",
            members.len(),
            team.name
        )));
    }
    let owners = Owners::of(&mut write, &organization).await?;
    write.teams().delete(team.id).await?;
    owners.require_one_left(&mut write).await?;
    let mut event = ctx.event(Action::TeamDelete, Some(organization.id), team.id);
    event.changes = vec![
        Change::from("name", team.name.to_string()),
        Change::from("members", members.len().to_string()),
    ];
    write.audit(event);
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}

/// Whether the connection says who is in it.
async fn imports(ctx: &Ctx, write: &mut Write, group: &GroupTeam) -> Result<bool, ApiError> {
    let Some(row) = write.connections().get(group.connection).await? else {
        return Ok(false);
    };
    let found = connections::sign_in(&ctx.app, &row);
    let connection = found.map(|found| found.connection);
    Ok(connection.is_some_and(|connection| connection.teams().is_some()))
}
