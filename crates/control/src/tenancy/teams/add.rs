//! `POST /v1/organizations/{o}/teams/{id}/members?wait=planes`.

use aeolus_api::FieldError;
use aeolus_api::team::{MAX_ADDED, TeamAdd, TeamAdded};
use aeolus_model::OrganizationId;
use aeolus_store::{ManagedBy, Member, User, Write};
use axum::extract::Path;
use http::StatusCode;

use super::{put_in, require, require_gives, view};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::once::Reply;
use crate::people;
use crate::planes::Wait;
use crate::sessions::find_in;
use crate::tokens::wants_planes;

/// Puts people of the organization into a team, all of them or none. Gates hear of each of them by themselves.
pub(crate) async fn add(
    ctx: Ctx,
    Path((organization, team)): Path<(String, String)>,
    query: Query,
    Json(body): Json<TeamAdd>,
) -> Result<Reply<TeamAdded>, ApiError> {
    let wait = wants_planes(&query)?;
    if !(1..=MAX_ADDED).contains(&body.users.len()) {
        let what = format!("name 1 to {MAX_ADDED} people");
        return Err(ApiError::field("users", what));
    }
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    require(&authority, organization.id)?;
    let found = super::find(&mut write, organization.id, &team).await?;
    found.refuse_group(&mut write).await?;
    let by = (&authority, organization.id);
    require_gives(&mut write, by, found.team.id).await?;
    let people = people(&mut write, organization.id, &body.users).await?;
    let mut added = Vec::new();
    for user in people {
        if put_in(&ctx, &mut write, &found.team, user.id).await? {
            added.push(Member {
                team: found.team.id,
                user: user.id,
                managed_by: ManagedBy::Api,
            });
        }
    }
    let added = view::members(&mut write, organization.id, added).await?;
    let wait = wait.then_some(Wait::any(Some(organization.id)));
    let done = |seq| TeamAdded {
        added,
        seq,
        planes: None,
    };
    ctx.awaited(write, (StatusCode::OK, wait), done).await
}

async fn people(
    write: &mut Write,
    organization: OrganizationId,
    named: &[String],
) -> Result<Vec<User>, ApiError> {
    let (mut people, mut wrong) = (Vec::new(), Vec::new());
    for (index, text) in named.iter().enumerate() {
        match person(write, organization, text).await? {
            Some(user) => people.push(user),
            None => wrong.push(FieldError {
                at: format!("users[{index}]"),
                message: format!("{text}: {NOBODY}"),
            }),
        }
    }
    if wrong.is_empty() {
        Ok(people)
    } else {
        Err(ApiError::Invalid(wrong))
    }
}

/// What is said of people who aren't there.
pub(super) const NOBODY: &str =
    "there is nobody of this address or id in the organization; invite them first";

/// Somebody of the organization, by id or address. Everybody else is as unknown as nobody.
pub(super) async fn person(
    write: &mut Write,
    organization: OrganizationId,
    text: &str,
) -> Result<Option<User>, ApiError> {
    let Some(user) = find_in(write, organization, text).await? else {
        return Ok(None);
    };
    people::waiting::keep(write, user.id).await?;
    people::require_proved(write, &user, Some(organization)).await?;
    Ok(Some(user))
}
