//! Our own small answers.

use aeolus_decide::{Deny, SignIn};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Response, StatusCode};

use crate::body::{Body, whole};

/// Text with a status, never stored by anybody.
pub(crate) fn text(status: StatusCode, content: impl Into<bytes::Bytes>) -> Response<Body> {
    typed(status, "text/plain; charset=utf-8", content)
}

/// JSON.
pub(crate) fn json(status: StatusCode, content: impl Into<bytes::Bytes>) -> Response<Body> {
    typed(status, "application/json", content)
}

/// Content of a type.
pub(crate) fn typed(
    status: StatusCode,
    kind: &'static str,
    content: impl Into<bytes::Bytes>,
) -> Response<Body> {
    let mut answer = Response::new(whole(content));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    answer
}

/// A redirect that is followed by GET.
pub(crate) fn redirect(location: &str) -> Response<Body> {
    let mut answer = text(StatusCode::FOUND, "");
    match HeaderValue::try_from(location) {
        Ok(location) => {
            answer.headers_mut().insert(LOCATION, location);
        }
        Err(_) => *answer.status_mut() = StatusCode::BAD_REQUEST,
    }
    answer
}

/// A refusal as a client of the built-in proxy sees it.
pub(crate) fn denied(deny: &Deny) -> Response<Body> {
    let status = StatusCode::from_u16(deny.status()).unwrap_or(StatusCode::FORBIDDEN);
    advise(text(status, format!("{}\n", deny.text())), deny)
}

/// The same answer with what a refusal says in headers, whatever its body is.
pub(crate) fn advise(mut answer: Response<Body>, deny: &Deny) -> Response<Body> {
    let is_method = answer.status() == StatusCode::METHOD_NOT_ALLOWED;
    let headers = answer.headers_mut();
    if let Some(challenge) = deny.challenge() {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(seconds) = deny.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if is_method {
        let methods = HeaderValue::from_static("GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE");
        headers.insert(ALLOW, methods);
    }
    answer
}

/// To our own pages.
pub(crate) fn to_sign_in(sign_in: &SignIn) -> Response<Body> {
    redirect(&sign_in.location())
}

/// The same answer with a cookie.
pub(crate) fn with_cookie(mut answer: Response<Body>, cookie: &str) -> Response<Body> {
    if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
        cookie.set_sensitive(true);
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}
