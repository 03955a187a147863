//! The few pages a person may see. No script, no frame, nothing from elsewhere.

use std::time::Duration;

use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::answer;
use crate::body::Body;

const POLICY: &str =
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// `content` is ours: nothing from a request is written into a page unless it is escaped.
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
             Try again in a few minutes.</p>\
             <p>Code: <code>sign_in_needs_control</code></p>"
        ),
    )
}

/// Somebody whom the provider knows and this plane doesn't, or no longer.
pub(super) fn unknown_here() -> Response<Body> {
    page(
        StatusCode::FORBIDDEN,
        "You can't sign in right now",
        "<p>The control plane can't be reached. Until it is back, only people can sign in whom this \
         plane knew at this identity provider before. Accounts with a password of their own have to \
         wait for the control plane.</p>\
         <p>Try again when it is back.</p><p>Code: <code>sign_in_unknown_here</code></p>",
    )
}

/// The provider doesn't answer either.
pub(super) fn provider_is_away() -> Response<Body> {
    unavailable(
        "Signing in is not possible right now",
        "<p>The identity provider doesn't answer this gate, and the control plane can't be reached.</p>\
         <p><a href=\"/.aeolus/sign-in\">Sign in again</a> in a minute.</p>\
         <p>Code: <code>sign_in_provider_unreachable</code></p>",
    )
}

/// The provider doesn't take this gate for the plane's client. Why is in the gate's log.
pub(super) fn client_refused() -> Response<Body> {
    unavailable(
        "Signing in is not possible right now",
        "<p>The identity provider does not accept this gate, and the control plane can't be reached. \
         Trying again does not help: an administrator has to look at it.</p>\
         <p>People and programs that are signed in already are not affected.</p>\
         <p>Code: <code>sign_in_client_refused</code></p>",
    )
}

/// Where to sign in while control is away. Names are out of the signed snapshot, links are made of them
/// and of a path that is escaped twice: as a query, then as HTML.
pub(super) fn choose(ways: &[(String, String)]) -> Response<Body> {
    let ways = ways.iter().map(|(name, link)| {
        let (name, link) = (escape(name), escape(link));
        format!("<li><a href=\"{link}\">{name}</a></li>")
    });
    let ways: String = ways.collect();
    page(
        StatusCode::OK,
        "Sign in",
        &format!(
            "<p>The control plane can't be reached. People whom this plane knows can sign in at:</p>\
             <ul>{ways}</ul><p>Accounts with a password of their own have to wait.</p>"
        ),
    )
}

/// A sign-in came to nothing at a host where none can be begun.
pub(super) fn lost(why: &str) -> Response<Body> {
    let content = format!("<p>{why}</p><p>Go back to where you came from, and sign in again.</p>");
    page(StatusCode::BAD_REQUEST, "That did not work", &content)
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
