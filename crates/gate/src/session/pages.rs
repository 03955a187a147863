//! The few pages a person may see. No script, no frame, nothing from elsewhere.

use std::sync::LazyLock;
use std::time::Duration;

use aeolus_decide::Deny;
use aeolus_keys::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::answer;
use crate::body::Body;
use crate::observe::RequestId;

/// In every page, so that nothing of ours has to be routed but the pages themselves.
const STYLE: &str = include_str!("pages.css");

/// Beside the name; the page says the same without it.
const MARK: &str = "<svg viewBox=\"0 0 32 32\" width=\"32\" height=\"32\" aria-hidden=\"true\">\
    <path d=\"M4 12h15a4.5 4.5 0 1 0-4.5-4.5M4 17h21a4.5 4.5 0 1 1-4.5 4.5M4 22h9a3.5 3.5 0 1 1-3.5 3.5\" \
    fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.6\" stroke-linecap=\"round\"/></svg>";

/// The style is named by its hash.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest::sha256(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'"
    )
});

/// `content` is ours: nothing from a request is written into a page unless it is escaped.
fn page(status: StatusCode, title: &str, content: &str) -> Response<Body> {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title} · Aeolus</title><style>{STYLE}</style></head>\n\
         <body>\n<header>{MARK}Aeolus</header>\n<main>\n<h1>{title}</h1>\n{content}\n</main></body>\n</html>\n"
    );
    let mut answer = answer::typed(status, "text/html; charset=utf-8", html);
    let headers = answer.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    answer
}

/// A page that says that nobody is signed in, or nobody signed out, until the request's id is known.
#[derive(Clone)]
struct Refusal {
    title: &'static str,
    content: String,
    code: &'static str,
}

/// Its answer; [`with_reference`] makes a page of it.
fn refusal(
    status: StatusCode,
    code: &'static str,
    (title, content): (&'static str, &str),
) -> Response<Body> {
    let mut answer = answer::typed(status, "text/html; charset=utf-8", String::new());
    let content = content.to_owned();
    let refusal = Refusal {
        title,
        content,
        code,
    };
    answer.extensions_mut().insert(refusal);
    answer
}

/// Puts the reference into a page that refuses, and a line with it into the log; any other stays as it is.
pub(super) fn with_reference(mut answer: Response<Body>, id: &RequestId) -> Response<Body> {
    let Some(refusal) = answer.extensions_mut().remove::<Refusal>() else {
        return answer;
    };
    let Refusal {
        title,
        content,
        code,
    } = refusal;
    tracing::info!(request_id = id.as_str(), code, "a sign-in page refuses");
    let content = format!("{content}{}", reference(&format!("{code} · {id}")));
    // What the answer says besides stays: cookies that end, and when to come again.
    let (made, body) = page(answer.status(), title, &content).into_parts();
    *answer.body_mut() = body;
    answer.headers_mut().extend(made.headers);
    answer
}

/// What an administrator finds the refusal by.
fn reference(code: &str) -> String {
    format!("<p class=\"small\">Reference for an administrator: <code>{code}</code></p>")
}

/// A refusal as whoever browses reads it: the same for every cause of one status.
pub(crate) fn denied(deny: &Deny, request_id: Option<&str>) -> Response<Body> {
    let (title, content) = match deny.status() {
        401 | 403 => (
            "You may not open this",
            "<p>Your account has not been granted what this page takes, or a rule of your organization keeps \
             it from here. Ask an owner of the workspace for a role.</p>\
             <p>If you have another account that may, sign out first.</p>\
             <p><a class=\"button\" href=\"/.aeolus/sign-out\">Sign out</a></p>",
        ),
        404 => (
            "Nothing is served here",
            "<p>No deployment has this address. Check how it is written; if a link led you here, whoever \
             made it has to look at it.</p>",
        ),
        429 => (
            "Too many requests",
            "<p>Very much was asked from here just now. Wait a few seconds, then load the page again.</p>",
        ),
        503 => (
            "This can't be decided right now",
            "<p>The gate in front of this deployment is not able to let anybody in at the moment. Nothing is \
             wrong with your account: load the page again in a few seconds.</p>",
        ),
        400 => (
            "That request is malformed",
            "<p>Your browser sent something that can be read in two ways, so it was not passed on. Go back, \
             and try again; clearing this site's cookies may help.</p>",
        ),
        _ => (
            "That did not work",
            "<p>The request was not passed on. Go back, and try again.</p>",
        ),
    };
    let status = StatusCode::from_u16(deny.status()).unwrap_or(StatusCode::FORBIDDEN);
    let id = request_id.map(|id| reference(&escape(id)));
    let content = format!("{content}{}", id.unwrap_or_default());
    answer::advise(page(status, title, &content), deny)
}

/// There is no snapshot yet.
pub(super) fn not_ready() -> Response<Body> {
    unavailable(
        "sign_in_not_ready",
        "Not ready yet",
        "<p>This gate has not heard from its control plane yet. Try again in a moment.</p>",
    )
}

/// Control has let somebody in whom the snapshot in force refuses. Not sent on by itself: they would be sent to
/// control again, and from there to here.
pub(super) fn not_heard_of(next: &str) -> Response<Body> {
    let next = escape(next);
    unavailable(
        "sign_in_not_heard_of",
        "Almost there",
        &format!(
            "<p>You are signed in, but this gate has not heard so from its control plane yet.</p>\
             <p><a class=\"button\" href=\"{next}\">Go on</a></p>"
        ),
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
        "sign_in_needs_control",
        "Signing in is not possible right now",
        &format!(
            "<p>The control plane can't be reached. {since}</p>\
             <p>People and programs that are signed in already are not affected. \
             Try again in a few minutes.</p>"
        ),
    )
}

/// Somebody whom the provider knows and this plane doesn't, or no longer.
pub(super) fn unknown_here() -> Response<Body> {
    let content = "<p>The control plane can't be reached. Until it is back, only people can sign in whom this \
         plane knew at this identity provider before. Accounts with a password of their own have to \
         wait for the control plane.</p>\
         <p>Try again when it is back.</p>\
         <p><a class=\"button\" href=\"/.aeolus/sign-in\">Sign in again</a></p>";
    let title = "You can't sign in right now";
    refusal(
        StatusCode::FORBIDDEN,
        "sign_in_unknown_here",
        (title, content),
    )
}

/// The provider doesn't answer either.
pub(super) fn provider_is_away() -> Response<Body> {
    unavailable(
        "sign_in_provider_unreachable",
        "Signing in is not possible right now",
        "<p>The identity provider doesn't answer this gate, and the control plane can't be reached.</p>\
         <p>Try again in a minute.</p>\
         <p><a class=\"button\" href=\"/.aeolus/sign-in\">Sign in again</a></p>",
    )
}

/// The provider doesn't take this gate for the plane's client. Why is in the gate's log.
pub(super) fn client_refused() -> Response<Body> {
    unavailable(
        "sign_in_client_refused",
        "Signing in is not possible right now",
        "<p>The identity provider does not accept this gate, and the control plane can't be reached. \
         Trying again does not help: an administrator has to look at it.</p>\
         <p>People and programs that are signed in already are not affected.</p>",
    )
}

/// Where to sign in while control is away. Names are out of the signed snapshot, links are made of them
/// and of a path that is escaped twice: as a query, then as HTML.
pub(super) fn choose(ways: &[(String, String)]) -> Response<Body> {
    let ways = ways.iter().map(|(name, link)| {
        let (name, link) = (escape(name), escape(link));
        format!("<li><a class=\"button\" href=\"{link}\">Continue with {name}</a></li>")
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
    refusal(
        StatusCode::BAD_REQUEST,
        "sign_in_lost",
        ("That did not work", &content),
    )
}

/// Others come first: whoever is signed in already.
pub(super) fn busy() -> Response<Body> {
    unavailable(
        "sign_in_busy",
        "Busy right now",
        "<p>This gate has more to do than it can at the moment, and lets those work on who are signed in. Nothing \
         is wrong with your account: try again in half a minute.</p>\
         <p><a class=\"button\" href=\"/.aeolus/sign-in\">Sign in again</a></p>",
    )
}

fn unavailable(code: &'static str, title: &'static str, content: &str) -> Response<Body> {
    let mut answer = refusal(StatusCode::SERVICE_UNAVAILABLE, code, (title, content));
    let soon = HeaderValue::from_static("30");
    answer.headers_mut().insert(RETRY_AFTER, soon);
    answer
}

/// A sign-in or sign-out came to nothing. Never a redirect: it could go round in circles.
pub(super) fn failed(why: &str) -> Response<Body> {
    let content = format!(
        "<p>{why}</p><p><a class=\"button\" href=\"/.aeolus/sign-in\">Sign in again</a></p>"
    );
    refusal(
        StatusCode::BAD_REQUEST,
        "sign_in_failed",
        ("That did not work", &content),
    )
}

/// Asks before signing out.
pub(super) fn confirm_sign_out() -> Response<Body> {
    page(
        StatusCode::OK,
        "Sign out?",
        "<p>This ends your session at this deployment.</p>\
         <form method=\"post\" action=\"/.aeolus/sign-out\"><button>Sign out</button></form>",
    )
}

/// Signed out. `issuer` is out of the signed snapshot; it is escaped all the same.
pub(super) fn signed_out(issuer: &str) -> Response<Body> {
    let issuer = escape(issuer);
    page(
        StatusCode::OK,
        "You are signed out",
        &format!(
            "<p>Your session at this deployment is over.</p>\
             <p><a class=\"button\" href=\"/.aeolus/sign-in\">Sign in again</a></p>\
             <p class=\"small\"><a href=\"{issuer}/logout\">Sign out everywhere</a></p>"
        ),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
