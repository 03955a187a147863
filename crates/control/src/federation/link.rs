//! `POST /v1/oauth/start`: somebody who is signed in adds a way of signing in to their account, or who was
//! invited comes in by a provider.
//!
//! Only our own pages' buttons begin that: by a link, a stranger could have their own identity added to
//! whoever follows it; and what somebody was invited by belongs in no URL.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::REFRESH;
use http::{HeaderValue, StatusCode};
use url::Url;

use super::refused::{About, Refused, page};
use super::start::{self, Start};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::extract;
use crate::pages::{self, Onward};
use crate::people;
use crate::signin::{same_origin, session};

const MAX_FORM: usize = 8 * 1024;

/// Begins a sign-in that ends with a link, if the same session is still the browser's then: they prove at
/// the provider who they are, whatever session they have there (O22). With an invitation it is a sign-in
/// like any other.
pub(crate) async fn link(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Response {
    match linking(&app, (&info, &headers), request).await {
        Ok(response) => response,
        Err(error) => error.into_page().into_response(),
    }
}

async fn linking(
    app: &App,
    parts: (&RequestInfo, &HeaderMap),
    request: Request,
) -> Result<Response, ApiError> {
    if !same_origin::is_same_origin(parts.1, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let form = extract::form(request, MAX_FORM).await?;
    let mut start = Start {
        provider: form.get("provider").unwrap_or_default(),
        rd: form.get("rd"),
        invitation: form.get("invitation"),
        ..Start::default()
    };
    if start.invitation.is_none() {
        let session = session::current(app, parts.1).await?;
        let session = session.ok_or(ApiError::NoSession)?;
        let mut view = app.store.read().await?;
        let may = people::may_link(app, &mut view, &session).await?;
        drop(view);
        if let Err(why) = may {
            return Ok(page(app, parts.0, &Refused::People(why, None), About::default()).await);
        }
        start.again = true;
        start.link = Some(session.id);
    }
    Ok(lead_on(app, parts, &start).await)
}

/// Begins a sign-in that a form of ours asked for, whatever else it carries.
pub(crate) async fn lead_on(
    app: &App,
    parts: (&RequestInfo, &HeaderMap),
    start: &Start<'_>,
) -> Response {
    let made = |url: &Url| onward(url, "Go on to your identity provider");
    start::begin(app, parts, start, made).await
}

/// A page that leads on by itself. A form's own redirect could only lead where the page with the form
/// allowed it to, and no page of ours knows every provider.
pub(super) fn onward(url: &Url, title: &str) -> Response {
    let page = Onward {
        title,
        url: url.as_str(),
    };
    let mut response = pages::page(StatusCode::OK, &page, None);
    if let Ok(value) = HeaderValue::try_from(format!("0; url={url}")) {
        response.headers_mut().insert(REFRESH, value);
    }
    response
}
