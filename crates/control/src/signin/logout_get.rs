//! `GET /logout`: asks before it signs out, because an image tag can send a GET (O31).

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::session;
use crate::app::App;
use crate::error::{ApiError, Failure};
use crate::pages::{self, Logout};

/// Shows the question, or that nobody is signed in.
pub(crate) async fn logout_get(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let session = session::current(&app, &headers).await;
    let signed_in = session.map_err(ApiError::into_page)?.is_some();
    let page = Logout {
        signed_in,
        action: "/logout",
        fields: &[],
        on_to: None,
    };
    Ok(pages::page(StatusCode::OK, &page, None))
}
