//! The few pages a person may see. No script, no frame, nothing from elsewhere.

use std::time::Duration;

use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::answer;
use crate::body::Body;

const POLICY: &str =
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// `content` is ours: nothing from a request is ever written into a page.
fn page(status: StatusCode, title: &str, content: &str) -> Response<Body> {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <h1>{title}</h1>\n{content}\n</html>\n"
    );
    let mut answer = answer::typed(status, "text/html; charset=utf-8", html);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    answer
}

/// There is no snapshot yet.
pub(super) fn not_ready() -> Response<Body> {
    unavailable(
        "Not ready yet",
        "<p>This gate has not heard from its control plane yet. Try again in a moment.</p>",
    )
}

/// Nobody can sign in; whoever is signed in stays so.
pub(super) fn control_is_away(age: Option<Duration>) -> Response<Body> {
    let since = match age.map(|age| age.as_secs() / 60) {
        Some(0) => "It answered less than a minute ago.".to_owned(),
        Some(1) => "It last answered a minute ago.".to_owned(),
        Some(minutes) => format!("It last answered {minutes} minutes ago."),
        None => "It has not answered since this gate was started.".to_owned(),
    };
    unavailable(
        "Signing in is not possible right now",
        &format!(
            "<p>The control plane can't be reached. {since}</p>\
             <p>People and programs that are signed in already are not affected. \
             Try again in a few minutes.</p>"
        ),
    )
}

/// Others come first: whoever is signed in already.
pub(super) fn busy() -> Response<Body> {
    unavailable(
        "Too much to do",
        "<p>This gate has more to do than it can at the moment. Try to sign in again in half a minute.</p>",
    )
}

fn unavailable(title: &str, content: &str) -> Response<Body> {
    let mut answer = page(StatusCode::SERVICE_UNAVAILABLE, title, content);
    let soon = HeaderValue::from_static("30");
    answer.headers_mut().insert(RETRY_AFTER, soon);
    answer
}

/// A sign-in or sign-out came to nothing. Never a redirect: it could go round in circles.
pub(super) fn failed(why: &str) -> Response<Body> {
    let content = format!("<p>{why}</p><p><a href=\"/.aeolus/sign-in\">Sign in again</a></p>");
    page(StatusCode::BAD_REQUEST, "That did not work", &content)
}

/// Asks before signing out.
pub(super) fn confirm_sign_out() -> Response<Body> {
    page(
        StatusCode::OK,
        "Sign out?",
        "<form method=\"post\" action=\"/.aeolus/sign-out\"><button>Sign out</button></form>",
    )
}

/// Signed out. `issuer` is out of the signed snapshot; it is escaped all the same.
pub(super) fn signed_out(issuer: &str) -> Response<Body> {
    let issuer = escape(issuer);
    page(
        StatusCode::OK,
        "You are signed out",
        &format!(
            "<p><a href=\"/.aeolus/sign-in\">Sign in again</a> &middot; \
             <a href=\"{issuer}/logout\">Sign out everywhere</a></p>"
        ),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
