//! Apache's `mod_authnz_fcgi`: we are a FastCGI authorizer. What Apache knows of a request comes as
//! CGI variables; the deployment is pinned by one that only its configuration can set.

pub mod record;

use std::fmt::Write as _;

use aeolus_decide::{Allowed, Headers, Request};
use aeolus_model::DeploymentId;
use http::HeaderValue;

use crate::gate::{Onward, Verdict};
use crate::observe::{Lines, Stamp};

/// Set by `SetEnvIf` in the configuration. A client's headers all become `HTTP_…`.
const PIN: &[u8] = b"AEOLUS_DEPLOYMENT";

/// Names of the headers that matter, as CGI writes them. Apache leaves names with underscores out.
/// It drops `Upgrade` and `Connection` too: the configuration says the first in a variable of its own
/// and guards against the second.
const HEADERS: [(&[u8], &str); 11] = [
    (b"HTTP_AUTHORIZATION", "authorization"),
    (b"HTTP_COOKIE", "cookie"),
    (b"HTTP_ORIGIN", "origin"),
    (b"HTTP_SEC_FETCH_SITE", "sec-fetch-site"),
    (b"HTTP_SEC_FETCH_MODE", "sec-fetch-mode"),
    (b"HTTP_ACCEPT", "accept"),
    (b"HTTP_X_REQUESTED_WITH", "x-requested-with"),
    (b"HTTP_X_HTTP_METHOD_OVERRIDE", "x-http-method-override"),
    (b"HTTP_X_HTTP_METHOD", "x-http-method"),
    (b"HTTP_X_METHOD_OVERRIDE", "x-method-override"),
    (b"AEOLUS_UPGRADE", "x-aeolus-upgrade"),
];

/// The question in CGI variables; none if one is missing or there twice.
pub fn parse<'a>(params: &[(&'a [u8], &'a [u8])]) -> Option<Request<'a>> {
    let once = |wanted: &[u8]| {
        let mut found = params.iter().filter(|(name, _)| *name == wanted);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(*value)
    };
    let pin: DeploymentId = str::from_utf8(once(PIN)?).ok()?.parse().ok()?;
    let peer = once(b"REMOTE_ADDR").and_then(|address| str::from_utf8(address).ok());
    let headers = params.iter().filter_map(|(name, value)| {
        let (_, known) = HEADERS.iter().find(|(cgi, _)| cgi == name)?;
        Some((*known, *value))
    });
    Some(Request {
        method: once(b"REQUEST_METHOD")?,
        host: Some(once(b"HTTP_HOST")?),
        target: once(b"REQUEST_URI")?,
        peer: peer.and_then(|address| address.parse().ok()),
        pin: Some(pin),
        parent_cookie: None,
        headers: Headers::collect(headers),
    })
}

/// The variables, as the header lines they were made of.
#[derive(Clone, Copy)]
pub struct Params<'a>(pub &'a [(&'a [u8], &'a [u8])]);

impl Lines for Params<'_> {
    fn line(&self, name: &'static str) -> Option<&[u8]> {
        let is = |cgi: &[u8]| {
            let cgi = cgi.strip_prefix(b"HTTP_").unwrap_or_default();
            let same = |(a, b): (&u8, u8)| {
                *a == if b == b'-' {
                    b'_'
                } else {
                    b.to_ascii_uppercase()
                }
            };
            cgi.len() == name.len() && cgi.iter().zip(name.bytes()).all(same)
        };
        let mut found = self.0.iter().filter(|(cgi, _)| is(cgi));
        let (_, value) = found.next()?;
        found.next().is_none().then_some(*value)
    }
}

/// Puts the stamp on an answer; on an allowance as a variable, which the configuration may show.
pub fn stamp(answer: &mut String, stamp: &Stamp) {
    let Some((first, _)) = answer.split_once("\r\n") else {
        return;
    };
    let (at, allowed) = (first.len() + 2, first == "Status: 200");
    let mut lines = String::new();
    for (name, value) in stamp.headers() {
        let value = value.to_str().unwrap_or_default();
        let _ = if allowed {
            let variable = name.as_str().trim_start_matches("x-").to_ascii_uppercase();
            write!(
                lines,
                "Variable-{}: {value}\r\n",
                variable.replace('-', "_")
            )
        } else {
            write!(lines, "{name}: {value}\r\n")
        };
    }
    answer.insert_str(at, &lines);
}

/// The answer. Apache puts each `Variable-NAME` of a 200 into the request's environment, from where
/// the configuration sets the headers; any other answer is relayed whole.
pub fn render(verdict: &Verdict, params: &[(&[u8], &[u8])]) -> String {
    let mut out = String::new();
    match verdict {
        Verdict::Allow(allowed, onward) => allow(&mut out, allowed, onward, params),
        Verdict::SignIn(sign_in) => {
            head(&mut out, 302, &[("Location", &sign_in.location())]);
        }
        Verdict::Deny(deny) => {
            let retry_after = deny.retry_after().map(|seconds| seconds.to_string());
            let mut headers = vec![("Content-Type", "text/plain; charset=utf-8")];
            headers.extend(deny.challenge().map(|c| ("WWW-Authenticate", c)));
            headers.extend(retry_after.as_deref().map(|s| ("Retry-After", s)));
            head(&mut out, deny.status(), &headers);
            out.push_str(deny.text());
            out.push('\n');
        }
    }
    out
}

/// Every identity variable is there, so that every header is set.
fn allow(out: &mut String, allowed: &Allowed, onward: &Onward, params: &[(&[u8], &[u8])]) {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let own = || {
        let own = params
            .iter()
            .find(|(name, _)| *name == b"HTTP_AUTHORIZATION");
        let own = own.and_then(|(_, value)| str::from_utf8(value).ok());
        own.unwrap_or_default().to_owned()
    };
    let (token, user, email) = match onward {
        Onward::As(said) => (
            text(&said.authorization),
            text(&said.user),
            text(&said.email),
        ),
        Onward::PassThrough => (own(), String::new(), String::new()),
        Onward::Anonymous => Default::default(),
    };
    let deployment = allowed.deployment().id.to_string();
    let headers = [
        ("Variable-AEOLUS_TOKEN", &*token),
        ("Variable-AEOLUS_USER", &user),
        ("Variable-AEOLUS_EMAIL", &email),
        ("Variable-AEOLUS_ID", &deployment),
    ];
    head(out, 200, &headers);
}

/// A status and headers. A value that would be two lines is left empty.
fn head(out: &mut String, status: u16, headers: &[(&str, &str)]) {
    let _ = write!(out, "Status: {status}\r\nCache-Control: no-store\r\n");
    for (name, value) in headers {
        let value = if value.contains(char::is_control) {
            ""
        } else {
            value
        };
        let _ = write!(out, "{name}: {value}\r\n");
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use aeolus_decide::{Deny, Once, Reason};

    use super::*;

    const ID: &str = "04040404-0404-0404-0404-040404040404";

    fn request() -> Vec<(&'static [u8], &'static [u8])> {
        vec![
            (b"AEOLUS_DEPLOYMENT", ID.as_bytes()),
            (b"REQUEST_METHOD", b"GET"),
            (b"REQUEST_URI", b"/api%2Fv2?x=1"),
            (b"HTTP_HOST", b"etl.test"),
            (b"REMOTE_ADDR", b"192.0.2.1"),
            (b"HTTP_COOKIE", b"a=\xff"),
            (b"QUERY_STRING", b"x=1"),
        ]
    }

    #[test]
    fn variables_become_the_question() {
        let all = request();
        let question = parse(&all).unwrap();
        assert_eq!(question.target, b"/api%2Fv2?x=1");
        assert_eq!(question.host, Some(&b"etl.test"[..]));
        assert_eq!(question.peer, "192.0.2.1".parse().ok());
        assert_eq!(question.headers.cookies, vec![b"a=\xff"]);
        assert_eq!(question.headers.authorization, Once::Absent);
    }

    #[test]
    fn a_variable_that_is_missing_or_there_twice_asks_nothing() {
        for at in 0..4 {
            let mut some = request();
            let one = some.remove(at);
            assert!(parse(&some).is_none(), "without {one:?}");
            some.extend([one, one]);
            assert!(parse(&some).is_none(), "{one:?} twice");
        }
    }

    #[test]
    fn a_header_of_the_client_is_never_the_pin() {
        let mut forged = request();
        forged[0].0 = b"HTTP_AEOLUS_DEPLOYMENT";
        assert!(parse(&forged).is_none());
    }

    #[test]
    fn the_stamp_is_a_header_of_a_refusal_and_a_variable_of_an_allowance() {
        let old = Stamp {
            request_id: crate::observe::RequestId::parse(b"a-1"),
            age: Some(std::time::Duration::from_secs(90)),
        };
        let mut refusal = render(&Verdict::Deny(Deny::because(Reason::Forbidden)), &[]);
        stamp(&mut refusal, &old);
        let head = "Status: 403\r\nx-aeolus-request-id: a-1\r\nx-aeolus-staleness: 90\r\nCache-";
        assert!(refusal.starts_with(head), "{refusal}");
        let mut allowance = String::from("Status: 200\r\n\r\n");
        let request_id = None;
        stamp(&mut allowance, &Stamp { request_id, ..old });
        assert_eq!(
            allowance,
            "Status: 200\r\nVariable-AEOLUS_STALENESS: 90\r\n\r\n"
        );
    }

    #[test]
    fn a_line_is_found_by_its_name_once() {
        let all: [(&[u8], &[u8]); 3] = [
            (b"HTTP_X_REQUEST_ID", b"a"),
            (b"HTTP_TRACEPARENT", b"b"),
            (b"HTTP_TRACEPARENT", b"c"),
        ];
        assert_eq!(Params(&all).line("x-request-id"), Some(&b"a"[..]));
        assert_eq!(Params(&all).line("traceparent"), None);
        assert_eq!(Params(&all).line("tracestate"), None);
    }

    #[test]
    fn fact_10_a_refusal_has_no_variable() {
        for reason in [Reason::Forbidden, Reason::TokenExpired, Reason::Stale] {
            let text = render(&Verdict::Deny(Deny::because(reason)), &[]);
            assert!(text.starts_with(&format!("Status: {}\r\n", reason.status())));
            assert!(!text.contains("Variable-"));
        }
    }

    #[test]
    fn row_86_a_value_never_becomes_two_lines() {
        let mut out = String::new();
        head(
            &mut out,
            302,
            &[("Location", "/a\r\nX-Aeolus-User: mallory")],
        );
        assert_eq!(
            out,
            "Status: 302\r\nCache-Control: no-store\r\nLocation: \r\n\r\n"
        );
    }
}
