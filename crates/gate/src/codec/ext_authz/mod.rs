//! Envoy's `ext_authz` over gRPC: the deployment is pinned by `context_extensions`, which no
//! client can write, and the answer says what to set and what to take away.

mod messages;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use aeolus_decide::{Allowed, Deny, Headers, Request, SignIn, forwarded_address};
use aeolus_model::DeploymentId;

pub use messages::{CheckRequest, CheckResponse};
use messages::{
    DeniedResponse, HeaderOption, HeaderValue, HttpRequest, HttpResponse, HttpStatus, OkResponse,
    RpcStatus,
};

use crate::gate::{Onward, Verdict};
use crate::observe::{Lines, Stamp};

/// The key of `context_extensions` that names the deployment.
const PIN: &str = "deployment";

/// `OVERWRITE_IF_EXISTS_OR_ADD`.
const OVERWRITE: i32 = 2;
/// `google.rpc.Code`s.
const OK: i32 = 0;
const PERMISSION_DENIED: i32 = 7;
const UNAUTHENTICATED: i32 = 16;

/// Every header that says who somebody is, to the application.
const IDENTITY: [&str; 4] = [
    "authorization",
    "x-aeolus-user",
    "x-aeolus-email",
    "x-aeolus-deployment",
];

/// The question in a check; none if the proxy's configuration pins no deployment or the request
/// has no HTTP in it. `query` and `fragment` are never read: the path has the query.
pub fn parse(check: &CheckRequest) -> Option<Request<'_>> {
    let attributes = check.attributes.as_ref()?;
    let http = attributes.request.as_ref()?.http.as_ref()?;
    let pin: DeploymentId = attributes.context_extensions.get(PIN)?.parse().ok()?;
    if http.host.is_empty() || http.method.is_empty() {
        return None;
    }
    let source = attributes.source.as_ref().and_then(|peer| {
        let socket = peer.address.as_ref()?.socket.as_ref()?;
        socket.address.parse().ok()
    });
    Some(Request {
        method: http.method.as_bytes(),
        host: Some(http.host.as_bytes()),
        target: http.path.as_bytes(),
        peer: forwarded_for(http).or(source),
        pin: Some(pin),
        parent_cookie: None,
        headers: Headers::collect(lines(http)),
    })
}

/// Each header with its name; the raw lines where the filter sends them.
fn lines(http: &HttpRequest) -> impl Iterator<Item = (&str, &[u8])> {
    let raw = http.header_map.iter().flat_map(|map| &map.headers);
    let raw = raw.map(|header| (header.key.as_str(), bytes(header)));
    let joined = http.headers.iter();
    let joined = joined.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let joined = joined.filter(|_| http.header_map.is_none());
    raw.chain(joined)
}

fn bytes(header: &HeaderValue) -> &[u8] {
    if header.raw_value.is_empty() {
        header.value.as_bytes()
    } else {
        &header.raw_value
    }
}

/// The address that Envoy itself wrote: the last.
fn forwarded_for(http: &HttpRequest) -> Option<IpAddr> {
    let mut written = lines(http).filter(|(name, _)| *name == "x-forwarded-for");
    let (_, last) = written.by_ref().last()?;
    forwarded_address(last.rsplit(|byte| *byte == b',').next()?)
}

impl Lines for CheckRequest {
    fn line(&self, name: &'static str) -> Option<&[u8]> {
        let http = self.attributes.as_ref()?.request.as_ref()?.http.as_ref()?;
        let mut found = lines(http).filter(|(has, _)| *has == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }
}

/// Puts the stamp on an answer: Envoy shows it to the client in either case.
pub fn stamp(answer: &mut CheckResponse, stamp: &Stamp) {
    let headers = match &mut answer.http {
        Some(HttpResponse::Ok(ok)) => &mut ok.response_headers_to_add,
        Some(HttpResponse::Denied(denied)) => &mut denied.headers,
        None => return,
    };
    headers.extend(stamp.headers().filter_map(|(name, value)| {
        let value = value.to_str().ok()?.to_owned();
        Some(set(name.as_str(), value))
    }));
}

/// The answer to a check: the only way in which one is made.
pub fn render(verdict: &Verdict, check: &CheckRequest) -> CheckResponse {
    match verdict {
        Verdict::Allow(allowed, onward) => allow(allowed, onward, check),
        Verdict::SignIn(sign_in) => to_sign_in(sign_in),
        Verdict::Deny(deny) => denied(deny),
    }
}

/// Sets what there is to say and takes away the rest, so that none of a client's own can remain:
/// Envoy keeps a header that the answer does not name.
fn allow(allowed: &Allowed, onward: &Onward, check: &CheckRequest) -> CheckResponse {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let deployment = || allowed.deployment().id.to_string();
    let said = match onward {
        Onward::As(presented) => [
            text(&presented.authorization),
            text(&presented.user),
            text(&presented.email),
            text(&presented.deployment),
        ],
        // The application checks the client's own credential: it goes on unchanged.
        Onward::PassThrough => {
            let own = own_credential(check).unwrap_or_default();
            [own.to_owned(), String::new(), String::new(), deployment()]
        }
        Onward::Anonymous => [String::new(), String::new(), String::new(), deployment()],
    };
    let (mut headers, mut headers_to_remove) = (Vec::new(), Vec::new());
    for (name, value) in IDENTITY.into_iter().zip(said) {
        if value.is_empty() {
            headers_to_remove.push(name.to_owned());
        } else {
            headers.push(set(name, value));
        }
    }
    CheckResponse {
        status: Some(RpcStatus { code: OK }),
        http: Some(HttpResponse::Ok(OkResponse {
            headers,
            headers_to_remove,
            response_headers_to_add: Vec::new(),
        })),
    }
}

fn own_credential(check: &CheckRequest) -> Option<&str> {
    let http = check.attributes.as_ref()?.request.as_ref()?.http.as_ref()?;
    let mut own = lines(http).filter(|(name, _)| *name == "authorization");
    str::from_utf8(own.next()?.1).ok()
}

fn to_sign_in(sign_in: &SignIn) -> CheckResponse {
    refusal(
        302,
        vec![set("location", sign_in.location())],
        String::new(),
    )
}

fn denied(deny: &Deny) -> CheckResponse {
    let mut headers = vec![set("content-type", "text/plain; charset=utf-8".to_owned())];
    headers.extend(
        deny.challenge()
            .map(|c| set("www-authenticate", c.to_owned())),
    );
    headers.extend(
        deny.retry_after()
            .map(|s| set("retry-after", s.to_string())),
    );
    refusal(deny.status(), headers, format!("{}\n", deny.text()))
}

fn refusal(status: u16, mut headers: Vec<HeaderOption>, body: String) -> CheckResponse {
    headers.push(set("cache-control", "no-store".to_owned()));
    let code = if status == 401 {
        UNAUTHENTICATED
    } else {
        PERMISSION_DENIED
    };
    CheckResponse {
        status: Some(RpcStatus { code }),
        http: Some(HttpResponse::Denied(DeniedResponse {
            status: Some(HttpStatus {
                code: i32::from(status),
            }),
            headers,
            body,
        })),
    }
}

fn set(name: &str, value: String) -> HeaderOption {
    HeaderOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            value,
            raw_value: Vec::new(),
        }),
        append_action: OVERWRITE,
    }
}
