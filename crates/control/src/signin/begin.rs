//! The beginning of a session: what every way of signing in ends with.

use aeolus_model::{Action, Actor, Amr, AuditEvent, ConnectionId, Session, SessionId};
use aeolus_store::{Unit as _, Write};
use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::standing::Standing;
use super::{cookie, session, source, throttle};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::groups;

/// Begins a session of somebody who has proved who they are, in place of the browser's earlier one.
/// Always with a new id: whatever cookie came with the request was not made by this sign-in (O26).
pub(crate) async fn begin(
    app: &App,
    (info, headers): (&RequestInfo, &HeaderMap),
    write: &mut Write,
    (who, amr): (&Standing, Amr),
) -> Result<Session, ApiError> {
    let local = Through {
        connection: app.local,
        amr,
        reason: String::new(),
    };
    let session = begin_through(app, (info, headers), write, (who, local)).await?;
    let bucket = throttle::account_bucket(who.user().email.as_str());
    write.throttles().clear(&bucket).await?;
    Ok(session)
}

/// Through which connection somebody came, and how they proved there who they are.
pub(crate) struct Through {
    pub(crate) connection: ConnectionId,
    pub(crate) amr: Amr,
    /// What the audit log says of it.
    pub(crate) reason: String,
}

/// As [`begin`], of somebody whom an identity provider has proved.
pub(crate) async fn begin_through(
    app: &App,
    (info, headers): (&RequestInfo, &HeaderMap),
    write: &mut Write,
    (who, through): (&Standing, Through),
) -> Result<Session, ApiError> {
    if let Some(before) = session::of_cookie(app, headers) {
        session::end(app, write, before).await?;
    }
    let (user, now) = (who.user(), app.clock.now());
    // What they hold by a group that nobody has spoken of for long is not theirs to use.
    groups::end_stale(app, info, write, user.id).await?;
    let session = Session {
        id: SessionId::new(&*app.clock, &*app.rng),
        user: user.id,
        connection: through.connection,
        auth_time: now,
        amr: through.amr,
        absolute_end: now.plus(app.session.absolute),
        end: None,
    };
    let source = source::of(info, headers);
    write.sessions().insert_from(&session, &source).await?;
    let event = info.event(app, Actor::User(user.id), Action::SignIn);
    write.audit(AuditEvent {
        target: session.id.to_string(),
        reason: through.reason,
        ..event
    });
    Ok(session)
}

/// Gives the browser the session's cookie.
pub(crate) fn set_cookie(
    app: &App,
    response: &mut Response,
    session: &Session,
) -> Result<(), ApiError> {
    let value = cookie::value_of(&app.cookie_key, session.id);
    let value = app.cookie.set(&value);
    let value = value.ok_or_else(|| ApiError::internal("the cookie can't be written"))?;
    response.headers_mut().append(SET_COOKIE, value);
    Ok(())
}
