//! `DELETE /v1/organizations/{o}/teams/{id}/members/{user}?wait=planes`.

use aeolus_api::Deleted;
use aeolus_model::{Change, TeamId, UserId};
use aeolus_store::{Unit as _, Write};
use axum::Json;
use axum::extract::Path;

use super::{about_member, require};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::people::waiting;
use crate::planes::{Wait, heard};
use crate::sessions;
use crate::tenancy::owners::Owners;
use crate::tokens::wants_planes;

/// Takes somebody out of a team, named by id or address; also where a fleet document put them in, whose next apply
/// puts them back. The organization's last owner stays in (D9).
pub(crate) async fn remove(
    ctx: Ctx,
    Path((organization, team, user)): Path<(String, String, String)>,
    query: Query,
) -> Result<Json<Deleted>, ApiError> {
    let wait = wants_planes(&query)?;
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    require(&authority, organization.id)?;
    let found = super::find(&mut write, organization.id, &team).await?;
    found.refuse_group(&mut write).await?;
    let team = found.team;
    let owners = Owners::of(&mut write, &organization).await?;
    let gone = take_out(&mut write, team.id, &user).await?;
    owners.require_one_left(&mut write).await?;
    for user in gone {
        let change = Change::from("team", team.name.to_string());
        write.audit(about_member(&ctx, &team, user, change));
    }
    let seq = ctx.app.commit(write).await?;
    let wait = wait.then_some(Wait::any(Some(organization.id)));
    let planes = heard(&ctx.app, wait, seq).await?;
    Ok(Json(Deleted { seq, planes }))
}

/// Those of who is meant that were members: also who waits for an address beside who has it, or else the one would be
/// a member again once the address is shown to be its own (A11).
async fn take_out(write: &mut Write, team: TeamId, text: &str) -> Result<Vec<UserId>, ApiError> {
    let mut gone = Vec::new();
    for user in sessions::named(write, text).await? {
        waiting::keep(write, user.id).await?;
        if write.teams().remove(team, user.id).await? {
            gone.push(user.id);
        }
    }
    if gone.is_empty() {
        return Err(ApiError::NotFound("member"));
    }
    Ok(gone)
}
