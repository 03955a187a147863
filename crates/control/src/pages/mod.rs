//! Pages for people: plain HTML, no script, a policy that lets nothing else in.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use crate::error::Failure;
use crate::signin::continuation::Continuation;
use crate::signin::{Ask, Offers};

mod account;
mod style;
mod token;

pub(crate) use account::account;
pub(crate) use style::{mark, style};
pub(crate) use token::{token_get, token_reveal};

/// The sign-in page.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct Login<'a> {
    pub(crate) rd: &'a str,
    pub(crate) email: &'a str,
    pub(crate) message: Option<&'a str>,
    pub(crate) offers: &'a Offers,
    pub(crate) ask: Ask,
    /// Whether a session at a provider doesn't do.
    pub(crate) again: bool,
    /// Whether there is a way to another password.
    pub(crate) forgot: bool,
    /// The page with the form for a password, and the page from its start.
    pub(crate) with_password: &'a str,
    pub(crate) start: &'a str,
}

/// A page that leads on by itself.
#[derive(Template)]
#[template(path = "onward.html")]
pub(crate) struct Onward<'a> {
    pub(crate) title: &'a str,
    pub(crate) url: &'a str,
}

/// The second step of signing in.
#[derive(Template)]
#[template(path = "login_code.html")]
pub(crate) struct LoginCode<'a> {
    pub(crate) rd: &'a str,
    pub(crate) message: Option<&'a str>,
}

/// The sign-out page.
#[derive(Template)]
#[template(path = "logout.html")]
pub(crate) struct Logout<'a> {
    pub(crate) signed_in: bool,
    /// Where the button leads, and what it sends there.
    pub(crate) action: &'a str,
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// Where the person goes on to, if not to our own page.
    pub(crate) on_to: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    detail: &'a str,
    status: u16,
    code: &'a str,
    request_id: &'a str,
}

/// A page. Forms may lead to our own pages only, and to `target`: where an authorization request
/// that a form continues will redirect to (browsers apply the policy to redirects as well).
pub(crate) fn page(status: StatusCode, template: &impl Template, target: Option<&str>) -> Response {
    let Ok(html) = template.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let target = target.unwrap_or("");
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self' {target}"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The sign-in page for a continuation.
pub(crate) fn login(status: StatusCode, login: &Login<'_>, to: &Continuation) -> Response {
    page(status, login, redirect_origin(to).as_deref())
}

/// The second step's page for a continuation.
pub(crate) fn login_code(status: StatusCode, login: &LoginCode<'_>, to: &Continuation) -> Response {
    page(status, login, redirect_origin(to).as_deref())
}

/// The origin of a deployment's page, or that a continued authorization request will redirect to. Only for the page's policy:
/// whether that redirect is allowed is decided when the request is continued.
pub(crate) fn redirect_origin(to: &Continuation) -> Option<String> {
    let path = match to {
        Continuation::Here(path) => path,
        Continuation::There(page) => return Some(page.origin.clone()),
    };
    let query = path.strip_prefix("/oauth2/authorize?")?;
    let params = crate::provider::params::Params::parse(query.as_bytes()).ok()?;
    crate::signin::same_origin::origin_of(params.get("redirect_uri")?)
}

/// A refusal as a page.
pub(crate) fn error(failure: &Failure, request_id: &str) -> Response {
    let template = ErrorPage {
        title: failure.title,
        detail: &failure.detail,
        status: failure.status.as_u16(),
        code: failure.code,
        request_id,
    };
    page(failure.status, &template, None)
}
