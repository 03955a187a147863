//! `POST /logout`: ends the session, here, at every gate, and at the identity provider that it came from.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;

use super::{clear_cookies, same_origin, session, sign_out};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::federation::sign_out_at_provider;

/// Signs out. Doing it again changes nothing.
pub(crate) async fn logout_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    out(&app, &info, &headers)
        .await
        .map_err(ApiError::into_page)
}

async fn out(app: &App, info: &RequestInfo, headers: &HeaderMap) -> Result<Response, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let mut elsewhere = None;
    if let Some(session) = session::current(app, headers).await? {
        sign_out(app, info, session.id).await?;
        if session.connection != app.local {
            elsewhere = sign_out_at_provider(app, &session).await;
        }
    }
    let mut response = elsewhere.unwrap_or_else(|| Redirect::to("/logout").into_response());
    clear_cookies(app, &mut response);
    Ok(response)
}
