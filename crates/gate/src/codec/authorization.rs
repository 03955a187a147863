//! `GET /v1/authorization`: how an nginx asks that was configured for the original (rows I1–I4).
//!
//! Its `X-Original-URL` is made of nginx's `$uri`, which is decoded and folded, and inside a check
//! names the check itself: never what the application gets. That is in `X-Auth-Request-Redirect`.
//! Both have to be there, and what they say of the path has to be the same.

use aeolus_decide::{Headers, Request, Target};
use aeolus_model::DeploymentId;
use http::HeaderMap;
use http::header::HeaderName;

use super::ask::{X_ORIGINAL_METHOD, X_ORIGINAL_URL, once};
use super::{forwarded_for, pairs};

/// Where it is asked.
pub(super) const PATH: &str = "/v1/authorization";

const X_AUTH_REQUEST_REDIRECT: HeaderName = HeaderName::from_static("x-auth-request-redirect");
const X_AUTH_DEPLOYMENT: HeaderName = HeaderName::from_static("x-auth-deployment");

/// How the locations of checks are named, by hand and by ingress-nginx (`/_external-auth-…`).
const CHECK: &[u8] = b"/_";

/// The question in such a check.
pub(super) fn parse(headers: &HeaderMap) -> Option<Request<'_>> {
    let (host, folded) = split(once(headers, &X_ORIGINAL_URL)?)?;
    let target = once(headers, &X_AUTH_REQUEST_REDIRECT)?;
    if !agree(target, folded) {
        return None;
    }
    // The original names no deployment; who wants to can.
    let pin = if headers.contains_key(&X_AUTH_DEPLOYMENT) {
        Some(named(headers)?)
    } else {
        None
    };
    Some(Request {
        method: once(headers, &X_ORIGINAL_METHOD)?,
        host: Some(host),
        target,
        peer: forwarded_for(headers),
        pin,
        parent_cookie: None,
        headers: Headers::collect(pairs(headers)),
    })
}

fn named(headers: &HeaderMap) -> Option<DeploymentId> {
    let id = str::from_utf8(once(headers, &X_AUTH_DEPLOYMENT)?).ok()?;
    id.parse().ok()
}

/// Authority and path of an absolute URL.
fn split(url: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = url
        .strip_prefix(b"https://")
        .or_else(|| url.strip_prefix(b"http://"))?;
    let path = rest.iter().position(|byte| *byte == b'/')?;
    rest.split_at_checked(path)
}

/// Whether a target is what nginx folded, or was not folded at all, or nginx named its check.
fn agree(target: &[u8], folded: &[u8]) -> bool {
    if target == folded || folded.starts_with(CHECK) {
        return true;
    }
    let Ok(target) = Target::parse(target) else {
        // Refused for what it is, with the reason that the decision finds.
        return true;
    };
    let decoded = target.decoded.as_bytes();
    decoded == folded || merged(decoded).eq(folded.iter().copied())
}

/// A path with each run of slashes as one, as nginx has it unless told otherwise.
fn merged(path: &[u8]) -> impl Iterator<Item = u8> {
    let before = std::iter::once(&0).chain(path);
    let pairs = before.zip(path);
    pairs.filter_map(|(before, byte)| (*before != b'/' || *byte != b'/').then_some(*byte))
}
