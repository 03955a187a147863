//! Control's own sessions: finding the one of a request, and ending one everywhere.

use aeolus_model::{Session, SessionId, Time};
use aeolus_store::{StoreError, Unit as _, Write};
use http::HeaderMap;

use super::cookie;
use crate::app::App;
use crate::error::ApiError;

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
    let Some(session) = view.sessions().get(id).await? else {
        return Ok(None);
    };
    let user = view.users().get(session.user).await?;
    let good = user.is_some_and(|user| user.disabled_at.is_none());
    Ok(Some(session).filter(|session| good && session.is_alive(app.clock.now())))
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
