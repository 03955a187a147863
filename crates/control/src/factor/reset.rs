//! `DELETE /v1/users/{id}/second-factor`: for somebody who has lost their app and their recovery codes.

use std::collections::BTreeSet;

use aeolus_api::session::SecondFactorReset;
use aeolus_model::{Action, Actor, Change, OrganizationId, Permission, UserId};
use aeolus_store::{Unit as _, User, Write};
use axum::Json;
use axum::extract::Path;

use crate::app::App;
use crate::authority::{Authority, organization_path};
use crate::ctx::Ctx;
use crate::email::{self, News};
use crate::error::ApiError;
use crate::sessions::named;

/// Removes the second factor of somebody, named by id or address, and ends their sessions. Whoever may take
/// people out of an organization may do it for those who hold nothing outside it; for all others it takes
/// the installation's administrator; and nobody does it for somebody who may do more than they. Nobody does it
/// for themselves, nor by an API token, which they could have made for that, nor by a session that is not
/// of just now: the page asks for more than a session as well.
pub(crate) async fn reset(
    ctx: Ctx,
    Path(user): Path<String>,
) -> Result<Json<SecondFactorReset>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    let (user, within) = allowed(&ctx, &mut write, (&user, &WORDS)).await?;
    let there = write.second_factors().remove(user.id).await?;
    let now = ctx.app.clock.now();
    let ended = if there {
        write.sessions().end_all(user.id, now).await?
    } else {
        0
    };
    if there {
        let mut event = ctx.event(Action::SecondFactorReset, within, user.id);
        event.changes = vec![Change::from("sessions", ended.to_string())];
        write.audit(event);
        email::tell(&ctx.app, &mut write, user.id, News::Reset).await?;
    }
    let seq = ctx.app.commit(write).await?;
    Ok(Json(SecondFactorReset {
        user_id: user.id,
        email: user.email,
        reset: there,
        sessions_ended: ended,
        seq,
    }))
}

/// What is said where it is about what somebody signs in by.
pub(crate) struct Words {
    /// Of an API token.
    pub(crate) token: &'static str,
    /// To whoever means themselves.
    pub(crate) own: &'static str,
}

const WORDS: Words = Words {
    token: "a person's own sign-in: API tokens reset nobody's second factor",
    own: "Nobody resets their own second factor; remove it on your account's page.",
};

/// Somebody whom the actor may do it for, and the organization that all of theirs is in, if it is in one.
pub(crate) async fn allowed(
    ctx: &Ctx,
    write: &mut Write,
    (text, words): (&str, &Words),
) -> Result<(User, Option<OrganizationId>), ApiError> {
    let none = || ApiError::NotFound("user");
    // A token is made by a session alone: through one of theirs somebody would reset their own.
    if !matches!(ctx.actor, Actor::User(_)) {
        return Err(ApiError::Forbidden(words.token.to_owned()));
    }
    ctx.require_recent()?;
    let authority = ctx.authority(write).await?;
    let all = authority.may(Permission::SystemIamUpdate, &[]);
    let Some(user) = meant(ctx, write, (text, &authority)).await? else {
        return Err(none());
    };
    let places = places(write, &user).await?;
    if ctx.actor == Actor::User(user.id) {
        return Err(ApiError::Conflict(words.own.to_owned()));
    }
    if all {
        return held(ctx, write, user, &places).await;
    }
    if !has_come(write, (&user, &places), &authority).await? {
        return Err(unmet());
    }
    let Some(id) = only(&places) else {
        return Err(elsewhere());
    };
    let (authority, _) = ctx.hold(write, id).await?;
    let path = organization_path(id);
    authority.require(Permission::OrganizationIamUpdate, &path)?;
    // Until it was held they could have been given something elsewhere.
    if only(&self::places(write, &user).await?) != Some(id) {
        return Err(elsewhere());
    }
    authority.require_covers_person(write, user.id).await?;
    Ok((user, Some(id)))
}

/// Whom the actor means: of those with an address, who is in an organization that they know.
async fn meant(
    ctx: &Ctx,
    write: &mut Write,
    (text, authority): (&str, &Authority),
) -> Result<Option<User>, ApiError> {
    for user in named(write, text).await? {
        let places = places(write, &user).await?;
        if authority.may(Permission::SystemIamUpdate, &[])
            || ctx.actor == Actor::User(user.id)
            || places.iter().flatten().any(|id| authority.knows(*id))
        {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// Whether somebody has come to one of the actor's organizations. Else they were added there by their address, and
/// whoever did that may neither learn what else the account is nor do anything to what it signs in by (A1).
async fn has_come(
    write: &mut Write,
    (user, places): (&User, &BTreeSet<Option<OrganizationId>>),
    authority: &Authority,
) -> Result<bool, ApiError> {
    for id in places.iter().flatten().filter(|id| authority.knows(**id)) {
        if write.introductions().name(*id, user.id).await?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same for the installation's administrator, who waits for whoever changes what is held in any of these
/// places.
async fn held(
    ctx: &Ctx,
    write: &mut Write,
    user: User,
    places: &BTreeSet<Option<OrganizationId>>,
) -> Result<(User, Option<OrganizationId>), ApiError> {
    for id in places.iter().flatten() {
        write.organizations().lock(*id).await?;
    }
    let authority = ctx.authority(write).await?;
    authority.require(Permission::SystemIamUpdate, &[])?;
    authority.require_covers_person(write, user.id).await?;
    Ok((user, only(places)))
}

/// Whether somebody may do it for a person as things are now: what they lost, and what the person was given since,
/// counts (A11).
pub(crate) async fn still_allowed(
    app: &App,
    write: &mut Write,
    by: UserId,
    user: &User,
) -> Result<bool, ApiError> {
    let maker = write.users().get(by).await?;
    if maker.is_none_or(|maker| maker.disabled_at.is_some()) {
        return Ok(false);
    }
    let authority = Authority::load(app, write, &Actor::User(by)).await?;
    let within = only(&places(write, user).await?);
    let there = |id| authority.may(Permission::OrganizationIamUpdate, &organization_path(id));
    if !authority.may(Permission::SystemIamUpdate, &[]) && !within.is_some_and(there) {
        return Ok(false);
    }
    match authority.require_covers_person(write, user.id).await {
        Err(ApiError::Forbidden(_)) => Ok(false),
        judged => judged.map(|()| true),
    }
}

fn unmet() -> ApiError {
    let name = Permission::SystemIamUpdate.name();
    let what = format!("{name}: they were added and have not come to your organization yet");
    ApiError::Forbidden(what)
}

fn elsewhere() -> ApiError {
    let name = Permission::SystemIamUpdate.name();
    let what = format!("{name}: they hold roles outside your organization");
    ApiError::Forbidden(what)
}

/// The organization that everything is in that somebody holds, if it is in one.
fn only(places: &BTreeSet<Option<OrganizationId>>) -> Option<OrganizationId> {
    let first = places.first().filter(|_| places.len() == 1);
    first.copied().flatten()
}

/// Where a person holds something: in organizations, or in none, which is the whole installation.
async fn places(
    write: &mut Write,
    user: &User,
) -> Result<BTreeSet<Option<OrganizationId>>, ApiError> {
    let grants = write.grants().effective(user.id).await?;
    let teams = write.teams().of(user.id).await?;
    let grants = grants.iter().map(|record| record.organization);
    let teams = teams.iter().map(|team| Some(team.organization));
    Ok(grants.chain(teams).collect())
}
