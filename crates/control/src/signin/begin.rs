//! The beginning of a session: what every way of signing in ends with.

use aeolus_model::{Action, Actor, Amr, AuditEvent, Session, SessionId};
use aeolus_store::{Unit as _, User, Write};
use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::{cookie, session, source, throttle};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Begins a session of somebody who has proved who they are, in place of the browser's earlier one.
/// Always with a new id: whatever cookie came with the request was not made by this sign-in (O26).
pub(crate) async fn begin(
    app: &App,
    (info, headers): (&RequestInfo, &HeaderMap),
    write: &mut Write,
    (user, amr): (&User, Amr),
) -> Result<Session, ApiError> {
    if let Some(before) = session::of_cookie(app, headers) {
        session::end(app, write, before).await?;
    }
    let now = app.clock.now();
    let session = Session {
        id: SessionId::new(&*app.clock, &*app.rng),
        user: user.id,
        connection: app.local,
        auth_time: now,
        amr,
        absolute_end: now.plus(app.session.absolute),
        end: None,
    };
    let source = source::of(info, headers);
    write.sessions().insert_from(&session, &source).await?;
    let bucket = throttle::account_bucket(user.email.as_str());
    write.throttles().clear(&bucket).await?;
    let event = info.event(app, Actor::User(user.id), Action::SignIn);
    write.audit(AuditEvent {
        target: session.id.to_string(),
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
