//! `POST /logout`: ends the session, here and at every gate.

use aeolus_model::{Action, Actor, AuditEvent};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::parent::ParentCookie;
use super::{same_origin, session};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};

/// Signs out. Doing it again changes nothing.
pub(crate) async fn logout_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    sign_out(&app, &info, &headers)
        .await
        .map_err(ApiError::into_page)
}

async fn sign_out(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    if let Some(session) = session::current(app, headers).await? {
        let mut write = app.store.write().await?;
        if session::end(app, &mut write, session.id).await? {
            let event = info.event(app, Actor::User(session.user), Action::SignOut);
            write.audit(AuditEvent {
                target: session.id.to_string(),
                ..event
            });
        }
        app.commit(write).await?;
    }
    let mut response = Redirect::to("/logout").into_response();
    let parent = app.parent.as_ref().and_then(ParentCookie::clear);
    for cleared in [app.cookie.clear(), parent].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cleared);
    }
    Ok(response)
}
