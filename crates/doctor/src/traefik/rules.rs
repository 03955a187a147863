//! A router that asks the gate, and the middleware by which it does.

use serde_json::Value;

use super::routes::Router;
use crate::finding::{Guard, Rule};
use crate::guards::{IDENTITY, pinned};
use crate::yaml::{at, says, text, texts};

pub(super) struct Asked<'a> {
    pub(super) auth: &'a Value,
}

impl<'a> Asked<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-TRAEFIK-03",
                "the check's path does not name the deployment",
                "Only the host decides which deployment a request is for, and a client writes the host.",
                "address: http://127.0.0.1:8810/authz/traefik/ID",
            ),
            |at| pinned(text(at.auth, "address"), "traefik"),
        ),
        Rule::new(
            Guard::error(
                "DOC-TRAEFIK-04",
                "trustForwardHeader is not written as false",
                "A client's own X-Forwarded headers reach the check, and it is judged by a path or host of its choice.",
                "trustForwardHeader: false",
            ),
            |at| says(at.auth, "trustForwardHeader", false),
        ),
        Rule::new(
            Guard::error(
                "DOC-TRAEFIK-05",
                "Authorization or an X-Aeolus header is not taken from the check's answer",
                "The client's own header of that name reaches Airflow as if the gate had written it.",
                "authResponseHeaders: [Authorization, X-Aeolus-User, X-Aeolus-Email, X-Aeolus-Deployment]",
            ),
            |at| {
                IDENTITY.iter().all(|name| {
                    texts(at.auth, "authResponseHeaders")
                        .any(|listed| listed.eq_ignore_ascii_case(name))
                })
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-TRAEFIK-06",
                "the way to sign in is changed",
                "Traefik resolves the gate's redirect against the gate's own address, which no browser can reach.",
                "preserveLocationHeader: true",
            ),
            |at| says(at.auth, "preserveLocationHeader", true),
        ),
        Rule::new(
            Guard::warning(
                "DOC-TRAEFIK-07",
                "the check's answer may be of any size",
                "Traefik keeps all of it in memory for every request that is refused.",
                "maxResponseBodySize: 65536",
            ),
            |auth| {
                at(auth.auth, "maxResponseBodySize")
                    .as_i64()
                    .is_some_and(|size| size >= 0)
            },
        ),
    ];
}

pub(super) struct Guarded<'a> {
    pub(super) router: &'a Router<'a>,
    /// All routers that ask.
    pub(super) others: &'a [&'a Router<'a>],
}

impl<'a> Guarded<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-TRAEFIK-08",
                "the check is not told of an upgrade",
                "Traefik takes `Upgrade` out of the check, so any website can open a websocket in the name of somebody who is signed in.",
                "a router with && HeaderRegexp(`Upgrade`, `.+`) and a middleware before the check that sets X-Aeolus-Upgrade: websocket",
            ),
            |at| {
                at.others.iter().any(|other| {
                    let every = !other.rule.contains('&')
                        || other.rule.contains("HeaderRegexp(`Upgrade`, `.+`)");
                    other.service == at.router.service
                        && every
                        && other.sets("X-Aeolus-Upgrade") == Some(("websocket", true))
                })
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-TRAEFIK-09",
                "the gate's cookie reaches Airflow",
                "Whoever controls Airflow's code can use the sessions of those who visit it.",
                "headers: {customRequestHeaders: {Cookie: \"\"}} in a middleware behind the check",
            ),
            |at| at.router.sets("Cookie") == Some(("", false)),
        ),
    ];
}
