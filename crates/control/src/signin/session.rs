//! Control's own sessions: finding the one of a request, and ending one everywhere.

use std::time::Duration;

use aeolus_model::{Actor, DeploymentId, OrganizationId, Session, SessionId, Time};
use aeolus_store::{StoreError, Unit, User, Write};
use http::HeaderMap;

use super::cookie;
use crate::app::App;
use crate::authority::Authority;
use crate::error::ApiError;
use crate::policy::{self, Life};

/// What takes a person who is there just now takes one who has signed in within this time: a session that
/// somebody found is not enough.
const RECENT: Duration = Duration::from_secs(10 * 60);

/// Whether its person has signed in just now.
pub(crate) fn is_recent(session: &Session, now: Time) -> bool {
    now.since(session.auth_time) <= RECENT
}

/// The session that a request's cookie names, live or not.
pub(super) fn of_cookie(app: &App, headers: &HeaderMap) -> Option<SessionId> {
    let value = app.cookie.read(headers).ok().flatten()?;
    cookie::session_of(&app.cookie_key, &value)
}

/// The live session of a request's cookie, if there is one.
pub(crate) async fn current(app: &App, headers: &HeaderMap) -> Result<Option<Session>, ApiError> {
    let value = app.cookie.read(headers);
    let Some(value) = value.map_err(|_| ApiError::AmbiguousCookie)? else {
        return Ok(None);
    };
    let Some(id) = cookie::session_of(&app.cookie_key, &value) else {
        return Ok(None);
    };
    let mut view = app.store.read().await?;
    let Some((session, _)) = alive(app, &mut view, id).await? else {
        return Ok(None);
    };
    app.seen.note(session.id, app.clock.now());
    Ok(Some(session))
}

/// A session and its person, if both are good at this moment.
pub(crate) async fn alive(
    app: &App,
    unit: &mut impl Unit,
    id: SessionId,
) -> Result<Option<(Session, User)>, StoreError> {
    let session = unit.sessions().get(id).await?;
    let Some(session) = session.filter(|session| session.is_alive(app.clock.now())) else {
        return Ok(None);
    };
    let user = unit.users().get(session.user).await?;
    let user = user.filter(|user| user.disabled_at.is_none());
    Ok(user.map(|user| (session, user)))
}

/// Why a session doesn't enter an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It is over there, or everywhere.
    Over,
    /// The organization wants a second factor, and the session has none.
    SecondFactor,
}

/// Whether a session may enter an organization: whoever is sent back there with one that may not is only
/// refused again, and has to sign in anew or to prove more.
pub(crate) async fn shut_in(
    app: &App,
    session: Option<&Session>,
    organization: OrganizationId,
) -> Result<Option<Shut>, StoreError> {
    let Some(session) = session else {
        return Ok(None);
    };
    let mut view = app.store.read().await?;
    let life = life_in(app, &mut view, (session, organization)).await?;
    Ok(life.err())
}

/// As [`shut_in`], of the organization that a deployment is in; none: of control itself.
pub(crate) async fn shut_at(
    app: &App,
    session: Option<&Session>,
    deployment: Option<DeploymentId>,
) -> Result<Option<Shut>, StoreError> {
    let Some(id) = deployment else {
        return Ok(None);
    };
    let deployment = app.store.read().await?.deployments().get(id).await?;
    match deployment {
        Some(deployment) => shut_in(app, session, deployment.organization).await,
        None => Ok(None),
    }
}

/// Counts a sign-in to a deployment of an organization, of somebody with a role there: others can't use
/// up what is not theirs.
pub(crate) async fn count(
    app: &App,
    unit: &mut impl Unit,
    (session, organization): (&Session, OrganizationId),
) -> Result<(), ApiError> {
    let person = Actor::User(session.user);
    let authority = Authority::load(app, unit, &person).await?;
    if authority.is_system() || !authority.knows(organization) {
        return Ok(());
    }
    match unit.organizations().get(organization).await? {
        Some(record) => app.meters.sign_in(&record, &person, app.clock.now()),
        None => Ok(()),
    }
}

/// Notes that a session gets something that an organization's gates believe, and says how long it lasts
/// there, or why it doesn't enter. Until the transaction ends nobody ends it, so that its end is told to
/// every organization that it has entered.
pub(crate) async fn enter(
    app: &App,
    write: &mut Write,
    (session, organization): (&Session, OrganizationId),
) -> Result<Result<Life, Shut>, StoreError> {
    if !session.amr.has_second_factor() {
        // Who is just making the rule looks at everybody who has entered by then.
        let entered = write.sessions().entered(session.id).await?;
        if !entered.contains(&organization) {
            write.organizations().lock(organization).await?;
        }
    }
    if !write.sessions().hold(session.id, app.clock.now()).await? {
        return Ok(Err(Shut::Over));
    }
    let life = life_in(app, write, (session, organization)).await?;
    if life.is_ok() {
        write.sessions().enter(session.id, organization).await?;
        let mut introductions = write.introductions();
        introductions.came(organization, session.user).await?;
    }
    Ok(life)
}

/// How long a session lasts in an organization, unless it was ended there, has lasted as long as the policy
/// allows, or proves less than it wants.
async fn life_in(
    app: &App,
    unit: &mut impl Unit,
    (session, organization): (&Session, OrganizationId),
) -> Result<Result<Life, Shut>, StoreError> {
    let Some(record) = unit.organizations().get(organization).await? else {
        return Ok(Err(Shut::Over));
    };
    let policy = policy::of(&record)?;
    if policy.second_factor.is_required() && !session.amr.has_second_factor() {
        return Ok(Err(Shut::SecondFactor));
    }
    let life = Life::under(app, &policy);
    let over = life.absolute_end(session) <= app.clock.now()
        || unit.sessions().is_over_in(session.id, organization).await?;
    Ok(if over { Err(Shut::Over) } else { Ok(life) })
}

/// Ends a session. The planes of every organization it was used in are told at once.
pub(crate) async fn end(app: &App, write: &mut Write, id: SessionId) -> Result<bool, StoreError> {
    end_since(app, write, id, app.clock.now()).await
}

/// Ends a session that was signed out where control could not hear of it. What was done with it
/// after that moment was done after its end.
pub(crate) async fn end_since(
    app: &App,
    write: &mut Write,
    id: SessionId,
    at: Time,
) -> Result<bool, StoreError> {
    write.sessions().end(id, at.min(app.clock.now())).await
}
