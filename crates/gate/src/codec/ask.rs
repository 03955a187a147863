//! From a check's bytes to the question in it.

use aeolus_decide::{Headers, Request, original};
use aeolus_model::DeploymentId;
use http::HeaderMap;
use http::header::{HOST, HeaderName};
use http::request::Parts;

use super::{Dialect, pairs};
use crate::forwarded::forwarded_for;

/// Where checks are asked.
pub const PREFIX: &str = "/authz/";

// Read once, by the compiler, and not for every request.
const X_ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
const X_ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");

/// A check, before its headers are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check<'a> {
    /// How it is asked.
    pub dialect: Dialect,
    /// The deployment that the proxy's configuration names; none if that is no id.
    pub deployment: Option<DeploymentId>,
    /// What follows in the path: the original path where the proxy appends it.
    rest: &'a str,
}

impl<'a> Check<'a> {
    /// The check a path asks for; none if it asks for none. The query is never looked at: Caddy
    /// and Envoy hand on the client's.
    pub fn of(path: &'a str) -> Option<Self> {
        if path == original::PATH {
            return Some(Self {
                dialect: Dialect::Authorization,
                deployment: None,
                rest: "",
            });
        }
        let (name, rest) = segment(path.strip_prefix(PREFIX)?)?;
        let dialect = Dialect::of(name)?;
        let (id, rest) = segment(rest.strip_prefix('/')?)?;
        Some(Self {
            dialect,
            deployment: id.parse().ok(),
            rest,
        })
    }
}

/// A path's first segment, and what follows with its slash.
fn segment(path: &str) -> Option<(&str, &str)> {
    let end = path.bytes().position(|byte| byte == b'/');
    path.split_at_checked(end.unwrap_or(path.len()))
}

/// The question in a check. `None` if the proxy's configuration sends none or the client has
/// changed it: a missing header is never made up from another one, and of two neither is chosen.
pub fn parse<'a>(check: Check<'a>, parts: &'a Parts) -> Option<Request<'a>> {
    let headers = &parts.headers;
    let (method, host, target) = match check.dialect {
        Dialect::Nginx => {
            // Absolute, so that it says the host as nginx chose it; `Host` is the check's own.
            let target = once(headers, &X_ORIGINAL_URL)?;
            let absolute = target.starts_with(b"http://") || target.starts_with(b"https://");
            if !absolute || !check.rest.is_empty() {
                return None;
            }
            (once(headers, &X_ORIGINAL_METHOD)?, None, target)
        }
        Dialect::Traefik | Dialect::Caddy | Dialect::Haproxy => {
            let target = once(headers, &X_FORWARDED_URI)?;
            if !check.rest.is_empty() {
                return None;
            }
            let host = once(headers, &X_FORWARDED_HOST)?;
            (once(headers, &X_FORWARDED_METHOD)?, Some(host), target)
        }
        Dialect::Envoy => {
            let path = parts.uri.path_and_query()?.as_str();
            // The path and the client's query, byte for byte, behind our own prefix.
            let behind = path.len().checked_sub(
                check.rest.len() + parts.uri.query().map_or(0, |query| query.len() + 1),
            )?;
            let target = path.get(behind..)?;
            let host = once(headers, &HOST)?;
            (
                parts.method.as_str().as_bytes(),
                Some(host),
                target.as_bytes(),
            )
        }
        Dialect::Authorization => {
            return original::question(pairs(headers), forwarded_for(headers));
        }
        // Not asked at a path: these have listeners of their own.
        Dialect::EnvoyGrpc | Dialect::Apache | Dialect::Proxy => return None,
    };
    Some(Request {
        method,
        host,
        target,
        peer: forwarded_for(headers),
        pin: Some(check.deployment?),
        parent_cookie: None,
        headers: Headers::collect(pairs(headers)),
    })
}

fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    all.next().is_none().then(|| first.as_bytes())
}
