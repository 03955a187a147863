//! nginx's `auth_request`: 200, 401 and 403 mean something, everything else becomes its 500.

use std::net::IpAddr;

use aeolus_decide::{Access, Headers, Request};
use aeolus_model::DeploymentId;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::{forwarded_for, pairs};
use crate::body::{Body, whole};
use crate::gate::{Verdict, subject_id};

/// The question in a check. `None` if the proxy's configuration sends none: it then gets 403,
/// because a missing header must never be made up from another one.
pub fn parse(headers: &HeaderMap, pin: DeploymentId, peer: Option<IpAddr>) -> Option<Request<'_>> {
    let target = once(headers, "x-original-url")?;
    let method = once(headers, "x-original-method")?;
    // Absolute, so that it says the host as nginx chose it; the `Host` header here is the check's.
    if !target.starts_with(b"http://") && !target.starts_with(b"https://") {
        return None;
    }
    Some(Request {
        method,
        host: None,
        target,
        peer: forwarded_for(headers, peer),
        pin: Some(pin),
        headers: Headers::collect(pairs(headers)),
    })
}

fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    all.next().is_none().then(|| first.as_bytes())
}

/// The answer. On an allowance every identity header is there, empty where there is nothing to
/// say, so that none of a client's own can remain.
pub fn render(verdict: &Verdict, question: &HeaderMap) -> Response<Body> {
    let mut answer = Response::new(whole(""));
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let status = match verdict {
        Verdict::Allow(allowed, authorization) => {
            let nothing = || HeaderValue::from_static("");
            let (user, email, token) = match allowed.access() {
                Access::As(identity) => (
                    value(&subject_id(identity.subject)),
                    value(&identity.person.email),
                    authorization.clone().unwrap_or_else(nothing),
                ),
                Access::Anonymous => (nothing(), nothing(), nothing()),
                // The application checks the client's own credential: it goes on unchanged.
                Access::PassThrough => {
                    let own = question.get(AUTHORIZATION).cloned();
                    (nothing(), nothing(), own.unwrap_or_else(nothing))
                }
            };
            headers.insert(AUTHORIZATION, token);
            headers.insert("x-aeolus-user", user);
            headers.insert("x-aeolus-email", email);
            let deployment = value(&allowed.deployment().id.to_string());
            headers.insert("x-aeolus-deployment", deployment);
            StatusCode::OK
        }
        Verdict::SignIn(sign_in) => {
            headers.insert("x-auth-location", value(&sign_in.location()));
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            StatusCode::UNAUTHORIZED
        }
        Verdict::Deny(deny) => {
            if let Some(challenge) = deny.challenge() {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            match deny.status() {
                401 => StatusCode::UNAUTHORIZED,
                500 => StatusCode::INTERNAL_SERVER_ERROR,
                503 => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::FORBIDDEN,
            }
        }
    };
    *answer.status_mut() = status;
    answer
}

/// What can't be a header value is left empty: it must not become two headers.
fn value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
