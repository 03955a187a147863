//! `POST /token`: an access token for our own pages, on the strength of the session's cookie.

use aeolus_api::oauth::{TokenAnswer, UI_CLIENT_ID};
use axum::Json;
use axum::extract::State;
use http::HeaderMap;

use super::issue::for_control;
use crate::app::App;
use crate::error::ApiError;
use crate::signin::{same_origin, session};

/// Gives a page of ours an access token. Other credentials than the cookie are not looked at, and pages of
/// other sites get nothing.
pub(crate) async fn session_token(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<TokenAnswer>, ApiError> {
    if !same_origin::is_same_origin(&headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let session = session::current(&app, &headers).await?;
    let session = session.ok_or(ApiError::NoSession)?;
    let answer = for_control(&app, &session, UI_CLIENT_ID).map_err(ApiError::internal)?;
    Ok(Json(answer))
}
