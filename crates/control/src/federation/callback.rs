//! `GET` and `POST /v1/oauth/callback`: a code comes back (rows A5, A24).

use aeolus_oidc::Channel;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;

use super::{answer, posted};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::extract;

/// In the URL.
pub(crate) async fn callback_get(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    answer::take(&app, (&info, &headers), (&query, Channel::Query)).await
}

/// In a form that the provider's page posts, and then ours.
pub(crate) async fn callback_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Response {
    match form(request).await {
        Ok(text) => posted::take(&app, (&info, &headers), &text).await,
        Err(error) => error.into_page().into_response(),
    }
}

/// A form, unread.
pub(super) async fn form(request: Request) -> Result<String, ApiError> {
    if !extract::has_type(&request, "application/x-www-form-urlencoded") {
        return Err(ApiError::MediaType);
    }
    let body = extract::read(request, answer::MAX).await?;
    let text = String::from_utf8(body.to_vec());
    text.map_err(|_| ApiError::Body("it is no text".to_owned()))
}
