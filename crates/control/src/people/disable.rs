//! `POST /v1/users/{id}/disable` and `/enable`: whether somebody may sign in, anywhere in the installation.

use std::collections::BTreeSet;

use aeolus_api::person::UserAbled;
use aeolus_model::{Action, Actor, Change, OrganizationId, Permission, Subject, Time, TokenId};
use aeolus_store::{Mark, Unit as _, User, Write};
use axum::extract::Path;
use http::StatusCode;

use super::administrators;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::once::Reply;
use crate::planes::Wait;
use crate::scim::events;
use crate::sessions::find;
use crate::tokens::wants_planes;

/// So many API tokens are named in a line of the audit log; with more, their number is beside them.
const MOST_TOLD: usize = 200;

/// Keeps somebody from signing in, named by id or address, and ends everything they had signed in to, also
/// what planes began without control: gates are told as of every revocation (A12). API tokens that they made
/// are their organizations'; the answer names them.
pub(crate) async fn disable(
    ctx: Ctx,
    Path(user): Path<String>,
    query: Query,
) -> Result<Reply<UserAbled>, ApiError> {
    let wait = wants_planes(&query)?;
    let (mut write, mut user) = allowed(&ctx, &user).await?;
    if ctx.actor == Actor::User(user.id) {
        let text = "Nobody disables themselves; another administrator does that.";
        return Err(ApiError::Conflict(text.to_owned()));
    }
    let now = ctx.app.clock.now();
    let changed = user.disabled_at.is_none();
    if changed {
        let able = administrators::of(&mut write).await?;
        if able.contains(&user.id) && able.len() == 1 {
            let text = "It would leave the installation without an administrator who may sign in; make \
                        somebody else one first.";
            return Err(ApiError::Conflict(text.to_owned()));
        }
    }
    // What a provider says of them by SCIM undoes it no more.
    write.scim_users().take_over(user.id).await?;
    if changed {
        events::switched(&ctx.app, &mut write, (user.id, false)).await?;
    }
    let ended = shut_out(&mut write, &user, now).await?;
    user.disabled_at = user.disabled_at.or(Some(now));
    let mut event = ctx.event(Action::UserDisable, None, user.id);
    event.changes = ended.told(&user);
    write.audit(event);
    let wait = wait.then_some(Wait::any(None));
    let done = |seq| UserAbled {
        sessions_ended: ended.sessions,
        tokens: ended.tokens,
        ..answer(&user, changed, seq)
    };
    ctx.awaited(write, (StatusCode::OK, wait), done).await
}

/// Lets them sign in again. What had ended stays so, and so does what a plane that didn't know began meanwhile.
pub(crate) async fn enable(
    ctx: Ctx,
    Path(user): Path<String>,
) -> Result<Reply<UserAbled>, ApiError> {
    let (mut write, mut user) = allowed(&ctx, &user).await?;
    refuse_inactive(&mut write, &user).await?;
    let changed = user.disabled_at.take().is_some();
    if changed {
        write.users().update(&user).await?;
        let now = ctx.app.clock.now();
        let places = places(&mut write, &user).await?;
        end(&mut write, (&user, &places), (now, now)).await?;
        events::switched(&ctx.app, &mut write, (user.id, true)).await?;
    }
    let mut event = ctx.event(Action::UserEnable, None, user.id);
    event.changes = vec![Change::to("email", user.email.to_string())];
    write.audit(event);
    ctx.done(write, |seq| answer(&user, changed, seq)).await
}

/// What ended with somebody's leave to sign in, and what goes on.
pub(crate) struct ShutOut {
    /// How many sessions ended.
    sessions: u64,
    /// API tokens that they made, which are their organizations': they go on, and somebody has to look at them (A12).
    tokens: Vec<TokenId>,
}

impl ShutOut {
    /// What the audit log says of it.
    pub(crate) fn told(&self, user: &User) -> Vec<Change> {
        let mut changes = vec![
            Change::to("email", user.email.to_string()),
            Change::from("sessions", self.sessions.to_string()),
        ];
        let tokens = self.tokens.iter().take(MOST_TOLD);
        changes.extend(tokens.map(|token| Change::to("keptToken", token.to_string())));
        if self.tokens.len() > MOST_TOLD {
            changes.push(Change::to("keptTokens", self.tokens.len().to_string()));
        }
        changes
    }
}

/// Keeps somebody from signing in, and ends what they had signed in to, whoever says so: an administrator, or the provider
/// that provisions them. Who was disabled already stays so by whoever did it. They are held (note 003).
pub(crate) async fn shut_out(
    write: &mut Write,
    user: &User,
    now: Time,
) -> Result<ShutOut, ApiError> {
    if user.disabled_at.is_none() {
        let disabled = User {
            disabled_at: Some(now),
            ..user.clone()
        };
        write.users().update(&disabled).await?;
    }
    let places = places(write, user).await?;
    let sessions = end(write, (user, &places), (now, next_second(now))).await?;
    let tokens = tokens(write, (user, &places)).await?;
    Ok(ShutOut { sessions, tokens })
}

/// Lets them in again whom [`shut_out`] has disabled.
pub(crate) async fn let_in(write: &mut Write, user: &User, now: Time) -> Result<(), ApiError> {
    let enabled = User {
        disabled_at: None,
        ..user.clone()
    };
    write.users().update(&enabled).await?;
    let places = places(write, user).await?;
    end(write, (user, &places), (now, now)).await.map(|_| ())
}

/// Who is inactive at the provider that provisions them is let in there, and not here beside it.
async fn refuse_inactive(write: &mut Write, user: &User) -> Result<(), ApiError> {
    let Some(said) = write.scim_users().of_account(user.id).await? else {
        return Ok(());
    };
    if !said.off || user.disabled_at.is_none() {
        return Ok(());
    }
    let connection = write.connections().get(said.connection).await?;
    let name = connection.map_or_else(String::new, |connection| connection.name.to_string());
    Err(ApiError::Conflict(format!(
        "The provider of connection {name} says that they are not active. Activate them there, or disable them here \
         first: then only an administrator lets them in again."
    )))
}

/// Gates compare whole seconds: what began earlier in this one has to be refused too.
const fn next_second(now: Time) -> Time {
    Time::from_secs(now.secs().saturating_add(1))
}

async fn allowed(ctx: &Ctx, text: &str) -> Result<(Write, User), ApiError> {
    let mut write = ctx.write_for(Permission::SystemIamUpdate).await?;
    let none = || ApiError::NotFound("user");
    let id = find(&mut write, text).await?.ok_or_else(none)?.id;
    // The same order as of a sign-in with the code of the first administrator.
    write.grants().lock_system().await?;
    write.users().hold(id).await?;
    let user = write.users().get(id).await?.ok_or_else(none)?;
    Ok((write, user))
}

fn answer(user: &User, changed: bool, seq: u64) -> UserAbled {
    UserAbled {
        user_id: user.id,
        email: user.email.clone(),
        disabled: user.disabled_at.is_some(),
        changed,
        sessions_ended: 0,
        tokens: Vec::new(),
        seq,
        planes: None,
    }
}

/// The organizations that a person can have got into: all, for who holds something in the whole
/// installation.
pub(crate) async fn places(
    write: &mut Write,
    user: &User,
) -> Result<BTreeSet<OrganizationId>, ApiError> {
    let grants = write.grants().effective(user.id).await?;
    let mut places = BTreeSet::new();
    let everywhere = grants.iter().any(|record| record.organization.is_none());
    places.extend(grants.iter().filter_map(|record| record.organization));
    places.extend(
        write
            .teams()
            .of(user.id)
            .await?
            .iter()
            .map(|team| team.organization),
    );
    if everywhere {
        let mut page = aeolus_store::Page::first(200);
        loop {
            let listing = write.organizations().list(page).await?;
            places.extend(listing.items.iter().map(|organization| organization.id));
            let Some(next) = listing.next else {
                break;
            };
            page = aeolus_store::Page {
                after: Some(next),
                limit: 200,
            };
        }
    }
    Ok(places)
}

/// Ends what somebody had begun: sessions now, links that set a password, and whatever else says that it began
/// before a moment.
pub(super) async fn end(
    write: &mut Write,
    (user, places): (&User, &BTreeSet<OrganizationId>),
    (now, until): (Time, Time),
) -> Result<u64, ApiError> {
    write.second_factors().end_steps(user.id).await?;
    write.password_resets().end(user.id).await?;
    for organization in places {
        let mark = Mark {
            subject: Subject::User(user.id),
            not_before: until,
        };
        write.revocations().mark(*organization, mark).await?;
    }
    Ok(write.sessions().end_all(user.id, now).await?)
}

async fn tokens(
    write: &mut Write,
    (user, places): (&User, &BTreeSet<OrganizationId>),
) -> Result<Vec<TokenId>, ApiError> {
    let mut tokens = Vec::new();
    for organization in places {
        let made = write.tokens().created_by(*organization, user.id).await?;
        for id in made {
            let record = write.tokens().get(id).await?;
            tokens.extend(record.filter(|r| r.token.value().is_some()).map(|_| id));
        }
    }
    Ok(tokens)
}
