//! What every way of signing out ends with.

use aeolus_model::{Action, Actor, AuditEvent, SessionId};
use aeolus_store::Unit as _;
use axum::response::Response;
use http::header::SET_COOKIE;

use super::parent::ParentCookie;
use super::session;
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Ends a session, here and at every gate. Doing it again changes nothing.
pub(crate) async fn sign_out(app: &App, info: &RequestInfo, id: SessionId) -> Result<(), ApiError> {
    let mut write = app.store.write().await?;
    let found = write.sessions().get(id).await?;
    if let Some(found) = found
        && session::end(app, &mut write, id).await?
    {
        let event = info.event(app, Actor::User(found.user), Action::SignOut);
        write.audit(AuditEvent {
            target: id.to_string(),
            ..event
        });
    }
    app.commit(write).await?;
    Ok(())
}

/// Makes the browser forget the session.
pub(crate) fn clear_cookies(app: &App, response: &mut Response) {
    let parent = app.parent.as_ref().and_then(ParentCookie::clear);
    for cleared in [app.cookie.clear(), parent].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cleared);
    }
}
