//! How an nginx asks that was configured for the original, at `/v1/authorization` (rows I1–I4).
//!
//! Gates answer it, and control does where there is none: both read the same question by this, and
//! give their answers the same status and names.

use std::net::IpAddr;

use aeolus_model::DeploymentId;

use crate::decision::Deny;
use crate::path::Target;
use crate::request::{Headers, Once, Request};

/// Where it is asked.
pub const PATH: &str = "/v1/authorization";

/// The absolute URL. It is made of nginx's `$uri`, which is decoded and folded, and inside a check
/// names the check itself: of its path, only what it contradicts counts.
const X_ORIGINAL_URL: &str = "x-original-url";

/// What the application gets: path and query.
const X_AUTH_REQUEST_REDIRECT: &str = "x-auth-request-redirect";

const X_ORIGINAL_METHOD: &str = "x-original-method";

/// The deployment. The original names none; who wants to can.
const X_AUTH_DEPLOYMENT: &str = "x-auth-deployment";

/// The header of an answer with who it is, as the original calls it (row I2).
pub const USERNAME: &str = "username";

/// The header of an answer with their e-mail address, as the original calls it.
pub const EMAIL: &str = "email";

/// How the locations of checks are named, by hand and by ingress-nginx (`/_external-auth-…`).
const CHECK: &[u8] = b"/_";

/// The question in such a check, whose headers are `all`, in lower case, of a client at `peer`. None
/// where the proxy's configuration sends none or the client has changed it: host and path have to be
/// there both, and what they say of the path has to be the same.
pub fn question<'a>(
    all: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    peer: Option<IpAddr>,
) -> Option<Request<'a>> {
    let [mut url, mut redirect, mut method, mut deployment] = [Once::Absent; 4];
    let headers = Headers::collect(all.into_iter().inspect(|(name, value)| {
        let line = match *name {
            X_ORIGINAL_URL => &mut url,
            X_AUTH_REQUEST_REDIRECT => &mut redirect,
            X_ORIGINAL_METHOD => &mut method,
            X_AUTH_DEPLOYMENT => &mut deployment,
            _ => return,
        };
        line.add(value);
    }));
    let (host, folded) = split(one(url)?)?;
    let target = one(redirect)?;
    if !agree(target, folded) {
        return None;
    }
    let pin = match deployment {
        Once::Absent => None,
        named => Some(id(one(named)?)?),
    };
    Some(Request {
        method: one(method)?,
        host: Some(host),
        target,
        peer,
        pin,
        parent_cookie: None,
        headers,
    })
}

/// The status of a refusal: nginx hands on 401 and 403 to its client and makes its own 500 of the
/// others.
pub const fn status(deny: &Deny) -> u16 {
    match deny.status() {
        kept @ (401 | 500 | 503) => kept,
        _ => 403,
    }
}

const fn one(line: Once<'_>) -> Option<&[u8]> {
    match line {
        Once::One(value) => Some(value),
        Once::Absent | Once::Many => None,
    }
}

fn id(text: &[u8]) -> Option<DeploymentId> {
    str::from_utf8(text).ok()?.parse().ok()
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
