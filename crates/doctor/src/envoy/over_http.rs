//! What the form over HTTP has to name, header by header.

use serde_json::Value;

use crate::finding::{Guard, Rule};
use crate::guards::{IDENTITY, pinned};
use crate::yaml::{at, items, text};

pub(super) struct OverHttp<'a> {
    pub(super) filter: &'a Value,
}

/// What the decision narrows by: without it more is allowed.
const NARROWS: [&str; 5] = [
    "upgrade",
    "x-forwarded-for",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// What the decision allows by: without it less is allowed.
const ALLOWS: [&str; 6] = [
    "cookie",
    "origin",
    "accept",
    "x-requested-with",
    "sec-fetch-site",
    "sec-fetch-mode",
];

impl<'a> OverHttp<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-ENVOY-20",
                "the check's path does not name the deployment",
                "Only the host decides which deployment a request is for, and a client writes the host.",
                "path_prefix: /authz/envoy/ID",
            ),
            |at| pinned(text(at.filter, "http_service.path_prefix"), "envoy"),
        ),
        Rule::new(
            Guard::error(
                "DOC-ENVOY-21",
                "the check is not told of an upgrade, an overridden method or the client's address",
                "A websocket of another website, or a method that a header hides, is judged as a harmless request.",
                "allowed_headers: {patterns: [{exact: upgrade}, {exact: x-forwarded-for}, {prefix: x-http-method}, {exact: x-method-override}, …]}",
            ),
            |at| NARROWS.iter().all(|name| allows(at.asked(), name)),
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-22",
                "the check is not told the cookie, or how a browser came to ask",
                "People who are signed in are sent to sign in again, or what they change is refused.",
                "allowed_headers: {patterns: [{exact: cookie}, {exact: origin}, {exact: accept}, {exact: x-requested-with}, {prefix: sec-fetch-}, …]}",
            ),
            |at| ALLOWS.iter().all(|name| allows(at.asked(), name)),
        ),
        Rule::new(
            Guard::error(
                "DOC-ENVOY-23",
                "Authorization or an X-Aeolus header is not taken from the check's answer",
                "The client's own header of that name reaches Airflow as if the gate had written it.",
                "allowed_upstream_headers: {patterns: [{exact: authorization}, {prefix: x-aeolus-}]}",
            ),
            |http| {
                let taken = at(
                    http.filter,
                    "http_service.authorization_response.allowed_upstream_headers",
                );
                IDENTITY.iter().all(|name| allows(taken, name))
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-ENVOY-24",
                "the way to sign in, or the challenge, is not handed on",
                "A browser is not sent to sign in, and a program is not told what to send.",
                "allowed_client_headers: {patterns: [{exact: location}, {exact: www-authenticate}, …]}",
            ),
            |http| {
                let handed = at(
                    http.filter,
                    "http_service.authorization_response.allowed_client_headers",
                );
                // Without a list Envoy hands on everything.
                handed.is_null()
                    || ["location", "www-authenticate"]
                        .iter()
                        .all(|name| allows(handed, name))
            },
        ),
    ];

    /// The headers that the check is told; older configurations have them in another place.
    fn asked(&self) -> &'a Value {
        let now = at(self.filter, "allowed_headers");
        if now.is_null() {
            at(
                self.filter,
                "http_service.authorization_request.allowed_headers",
            )
        } else {
            now
        }
    }
}

/// Whether one of a list's patterns takes a header in.
fn allows(list: &Value, header: &str) -> bool {
    items(list, "patterns").iter().any(|pattern| {
        let is = |kind: &str, test: fn(&str, &str) -> bool| {
            let wanted = text(pattern, kind).to_ascii_lowercase();
            !wanted.is_empty() && test(header, &wanted)
        };
        is("exact", |header, wanted| header == wanted)
            || is("prefix", |header, wanted| header.starts_with(wanted))
            || is("suffix", |header, wanted| header.ends_with(wanted))
            || is("contains", |header, wanted| header.contains(wanted))
    })
}
