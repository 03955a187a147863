//! `DELETE /v1/organizations/{o}/teams/{id}?wait=planes`.

use aeolus_api::Deleted;
use aeolus_model::{Action, Change, Subject};
use aeolus_store::{GrantRecord, GroupTeam, Organization, Unit as _, Write};
use axum::Json;
use axum::extract::Path;

use super::{Found, Group, about_member, require};
use crate::connections;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::planes::{Wait, heard};
use crate::tenancy::grants;
use crate::tenancy::owners::Owners;
use crate::tokens::wants_planes;

/// So many are taken out ahead of what they are in. With more, a transaction counts as a change of everything.
const MOST_AHEAD: u64 = 256;

/// Removes a team with its roles. One that stands for a group only if nobody is in it, or its connection says no
/// more who is. The organization's last owner doesn't lose that with it (D9).
///
/// Gates hear of people at once, and of a team that is gone with the next that says everything. So those who have
/// something by it are taken out first, in a transaction of its own.
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, team)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Deleted>, ApiError> {
    let wait = wants_planes(&query)?;
    let mut leaving = Leaving::of(&ctx, (&organization, &team)).await?;
    let members = leaving.members;
    let many = !(1..=MOST_AHEAD).contains(&members);
    if !many && !leaving.held.is_empty() {
        let id = leaving.found.team.id.to_string();
        leaving.empty(&ctx).await?;
        leaving = Leaving::of(&ctx, (&organization, &id)).await?;
    }
    let Leaving {
        mut write,
        organization,
        found: Found { team, .. },
        held,
        ..
    } = leaving;
    let owners = Owners::of(&mut write, &organization).await?;
    write.teams().delete(team.id).await?;
    owners.require_one_left(&mut write).await?;
    let mut event = ctx.event(Action::TeamDelete, Some(organization.id), team.id);
    event.changes = vec![
        Change::from("name", team.name.to_string()),
        Change::from("members", members.to_string()),
    ];
    let roles = held.iter().map(|record| grants::told(&record.grant));
    let roles = roles.map(|role| Change::from("role", role));
    event.changes.extend(roles);
    write.audit(event);
    let seq = ctx.app.commit(write).await?;
    let wait = wait.then_some(Wait::any(Some(organization.id)));
    let planes = heard(&ctx.app, wait, seq).await?;
    Ok(Json(Deleted { seq, planes }))
}

/// A team that may be deleted, in a transaction that keeps it so.
struct Leaving {
    write: Write,
    organization: Organization,
    found: Found,
    members: u64,
    held: Vec<GrantRecord>,
}

impl Leaving {
    async fn of(ctx: &Ctx, (organization, team): (&str, &str)) -> Result<Self, ApiError> {
        let mut write = ctx.app.store.write().await?;
        let (authority, organization) = ctx.authority_in(&mut write, organization).await?;
        require(&authority, organization.id)?;
        let found = super::find(&mut write, organization.id, team).await?;
        let held = write.grants().of(Subject::Team(found.team.id)).await?;
        found.refuse_named(&held)?;
        found.refuse_provisioned(&mut write).await?;
        let members = write.teams().count_members(found.team.id).await?;
        refuse_imported(ctx, &mut write, (&found, members)).await?;
        Ok(Self {
            write,
            organization,
            found,
            members,
            held,
        })
    }

    /// Takes everybody out.
    async fn empty(mut self, ctx: &Ctx) -> Result<(), ApiError> {
        let (write, team) = (&mut self.write, &self.found.team);
        let owners = Owners::of(write, &self.organization).await?;
        for member in write.teams().members(team.id).await? {
            write.teams().remove(team.id, member.user).await?;
            let change = Change::from("team", team.name.to_string());
            write.audit(about_member(ctx, team, member.user, change));
        }
        owners.require_one_left(write).await?;
        ctx.app.commit(self.write).await?;
        Ok(())
    }
}

/// A group's people would be in it again.
async fn refuse_imported(
    ctx: &Ctx,
    write: &mut Write,
    (found, members): (&Found, u64),
) -> Result<(), ApiError> {
    let Group::SignIn(group) = &found.group else {
        return Ok(());
    };
    if members == 0 || !imports(ctx, write, group).await? {
        return Ok(());
    }
    Err(ApiError::Conflict(format!(
        "{members} people are in {} by their identity provider, and would be again: take them out of the group \
         there, or filter it (teamFilterRegex).",
        found.team.name
    )))
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
