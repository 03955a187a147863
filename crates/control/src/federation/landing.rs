//! `GET` and `POST /v1/oauth/redirect`: tokens come back through the browser (row A10).
//!
//! They are behind the `#`, which no server sees: one script takes them out of the address bar and posts
//! them here.

use std::sync::LazyLock;

use aeolus_keys::digest;
use aeolus_oidc::Channel;
use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{answer, attempts, callback, posted};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::pages;
use crate::signin::continuation::Continuation;
use crate::signin::same_origin;

/// The one script.
const SCRIPT: &str = include_str!("../../templates/landing.js");

/// How the page's policy names it.
static HASH: LazyLock<String> = LazyLock::new(|| hash_of(SCRIPT));

/// A script as a page's policy names it.
pub(super) fn hash_of(script: &str) -> String {
    let hash = STANDARD.encode(digest::sha256(script.as_bytes()));
    format!("'sha256-{hash}'")
}

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    script: &'static str,
}

/// The page; an answer in the URL is one as well: some providers refuse there.
pub(crate) async fn redirect_get(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    if url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "state") {
        return answer::take(&app, (&info, &headers), (&query, Channel::Query)).await;
    }
    let landing = Landing { script: SCRIPT };
    with_script(&app, &headers, (&landing, &HASH))
        .await
        .unwrap_or_else(|error| error.into_page().into_response())
}

/// What the script posts, or the provider's own page where answers are asked for as a form.
pub(crate) async fn redirect_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let ours = same_origin::is_same_origin(&headers, &app.origin);
    let parts = (&info, &headers);
    match callback::form(request).await {
        Ok(text) if ours => answer::take(&app, parts, (&text, Channel::Fragment)).await,
        Ok(text) => posted::take(&app, parts, &text).await,
        Err(error) => error.into_page().into_response(),
    }
}

/// A page whose form its one script sends. The form leads on to where the person wants to go, which the page's policy
/// has to name: of every sign-in that this browser has on its way, since the page doesn't know which it is.
pub(super) async fn with_script(
    app: &App,
    headers: &HeaderMap,
    (page, hash): (&impl Template, &str),
) -> Result<Response, ApiError> {
    let mut origins = Vec::new();
    for begun in attempts::all_of(app, headers) {
        let to = Continuation::read(app, Some(&begun.rd)).await?;
        if let Some(origin) = pages::redirect_origin(&to).filter(|at| !origins.contains(at)) {
            origins.push(origin);
        }
    }
    let mut response = pages::page(StatusCode::OK, page, None);
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src {hash}; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self' {}",
        origins.join(" ")
    );
    let policy = HeaderValue::try_from(policy).map_err(ApiError::internal)?;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
