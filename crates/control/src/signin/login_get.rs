//! `GET /login?rd=`: the sign-in page.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};

use super::continuation::Continuation;
use super::session;
use crate::app::App;
use crate::error::{ApiError, Failure};
use crate::extract::Query;
use crate::pages::{self, Login};

/// Shows the page. Whoever has a session already goes on at once, unless the continuation asks
/// for a new sign-in.
pub(crate) async fn login_get(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query, ApiError>,
) -> Result<Response, Failure> {
    let query = query.map_err(ApiError::into_page)?;
    let rd = query.0.get("rd").and_then(Continuation::parse);
    let to = rd.unwrap_or_else(Continuation::home);
    let again = query.0.get("again").is_some();
    let session = session::current(&app, &headers).await;
    if !again && session.map_err(ApiError::into_page)?.is_some() {
        return Ok(Redirect::to(to.as_str()).into_response());
    }
    let page = Login {
        rd: to.as_str(),
        email: "",
        message: None,
    };
    Ok(pages::login(StatusCode::OK, &page, &to))
}
