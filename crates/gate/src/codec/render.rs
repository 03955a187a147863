//! From a verdict to the answer that a proxy understands.

use aeolus_decide::{Allowed, Deny, SignIn, original};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::Dialect;
use crate::body::{Body, whole};
use crate::exchange::value;
use crate::gate::{Onward, Verdict};

const X_AEOLUS_USER: HeaderName = HeaderName::from_static("x-aeolus-user");
const X_AEOLUS_EMAIL: HeaderName = HeaderName::from_static("x-aeolus-email");
const X_AEOLUS_DEPLOYMENT: HeaderName = HeaderName::from_static("x-aeolus-deployment");
const USERNAME: HeaderName = HeaderName::from_static(original::USERNAME);
const EMAIL: HeaderName = HeaderName::from_static(original::EMAIL);
const X_AUTH_LOCATION: HeaderName = HeaderName::from_static("x-auth-location");

/// The answer to a check. `question` has the headers of the check.
pub fn render(dialect: Dialect, verdict: &Verdict, question: &HeaderMap) -> Response<Body> {
    let mut answer = match (verdict, dialect) {
        (Verdict::Allow(allowed, onward), _) => allow(allowed, onward, question),
        (Verdict::SignIn(sign_in), Dialect::Nginx | Dialect::Authorization) => {
            nginx_sign_in(sign_in)
        }
        (Verdict::Deny(deny), Dialect::Nginx | Dialect::Authorization) => nginx_deny(deny),
        (Verdict::SignIn(sign_in), _) => relayed_sign_in(sign_in),
        (Verdict::Deny(deny), _) => relayed_deny(deny),
    };
    if let (Verdict::Allow(..), Dialect::Authorization) = (verdict, dialect) {
        name_as_the_original(answer.headers_mut());
    }
    let no_store = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(CACHE_CONTROL, no_store);
    answer
}

/// 200 and nothing else: some proxies take any other success for a denial. Every identity header
/// is there, empty where there is nothing to say, so that none of a client's own can remain. No
/// other header is: some proxies hand all of them to the application.
fn allow(allowed: &Allowed, onward: &Onward, question: &HeaderMap) -> Response<Body> {
    let mut answer = Response::new(whole(""));
    let headers = answer.headers_mut();
    headers.reserve(5);
    if let Onward::As(presented) = onward {
        headers.insert(AUTHORIZATION, presented.authorization.clone());
        headers.insert(X_AEOLUS_USER, presented.user.clone());
        headers.insert(X_AEOLUS_EMAIL, presented.email.clone());
        headers.insert(X_AEOLUS_DEPLOYMENT, presented.deployment.clone());
        return answer;
    }
    let nothing = || HeaderValue::from_static("");
    let own = match onward {
        // The application checks the client's own credential: it goes on unchanged.
        Onward::PassThrough => question.get(AUTHORIZATION).cloned(),
        Onward::Anonymous | Onward::As(_) => None,
    };
    headers.insert(AUTHORIZATION, own.unwrap_or_else(nothing));
    headers.insert(X_AEOLUS_USER, nothing());
    headers.insert(X_AEOLUS_EMAIL, nothing());
    let deployment = value(&allowed.deployment().id.to_string());
    headers.insert(X_AEOLUS_DEPLOYMENT, deployment);
    answer
}

/// The names under which the original says who it is (row I2).
fn name_as_the_original(headers: &mut HeaderMap) {
    for (own, theirs) in [(X_AEOLUS_USER, USERNAME), (X_AEOLUS_EMAIL, EMAIL)] {
        if let Some(value) = headers.get(own).cloned() {
            headers.insert(theirs, value);
        }
    }
}

/// nginx shows its client only 401 and 403; the configuration turns the location into a redirect.
fn nginx_sign_in(sign_in: &SignIn) -> Response<Body> {
    let mut answer = status(StatusCode::UNAUTHORIZED);
    let headers = answer.headers_mut();
    headers.insert(X_AUTH_LOCATION, value(&sign_in.location()));
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

fn nginx_deny(deny: &Deny) -> Response<Body> {
    let code = StatusCode::from_u16(original::status(deny));
    let mut answer = status(code.unwrap_or(StatusCode::FORBIDDEN));
    let headers = answer.headers_mut();
    challenge(deny, headers);
    // nginx shows its client no 429 of a check. It goes as a 403 from which the configuration can
    // make one again, because only this 403 says when to come back.
    if deny.status() == 429
        && let Some(seconds) = deny.retry_after()
    {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// The others relay the whole answer.
fn relayed_sign_in(sign_in: &SignIn) -> Response<Body> {
    let mut answer = status(StatusCode::FOUND);
    let location = value(&sign_in.location());
    answer.headers_mut().insert(LOCATION, location);
    answer
}

fn relayed_deny(deny: &Deny) -> Response<Body> {
    let code = StatusCode::from_u16(deny.status()).unwrap_or(StatusCode::FORBIDDEN);
    let mut answer = Response::new(whole(format!("{}\n", deny.text())));
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, text);
    challenge(deny, headers);
    if let Some(seconds) = deny.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn challenge(deny: &Deny, headers: &mut HeaderMap) {
    if let Some(challenge) = deny.challenge() {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
}

fn status(code: StatusCode) -> Response<Body> {
    let mut answer = Response::new(whole(""));
    *answer.status_mut() = code;
    answer
}
