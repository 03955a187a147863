//! The location in which nginx asks the gate.

use super::scope::Scope;
use crate::finding::{Guard, Rule};
use crate::guards::{is_id, pinned, soon};

pub(crate) struct Check<'a> {
    pub(crate) scope: &'a Scope<'a>,
    /// Whether Airflow is handed any upgrade at all.
    pub(crate) upgrades: bool,
}

const CLAIMS: [&str; 4] = [
    "X-Forwarded-Uri",
    "X-Forwarded-Host",
    "X-Forwarded-Method",
    "X-Forwarded-Proto",
];

impl<'a> Check<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-NGINX-04",
                "the check can be asked from outside",
                "Whoever may read the deployment can ask the check itself and is answered with the token meant for Airflow.",
                "internal;",
            ),
            |at| {
                at.scope
                    .location
                    .block
                    .iter()
                    .any(|line| line.name == "internal")
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-05",
                "the check's URL is not the one nginx chose the server by",
                "A client that writes one host in its request line and another in `Host` is judged as one deployment and served by another.",
                "proxy_set_header X-Original-URL $scheme://$host:$server_port$request_uri;",
            ),
            original_url,
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-06",
                "the check is not told the request's method",
                "A client can name a method of its choice, and a change is judged as if it only read.",
                "proxy_set_header X-Original-Method $request_method;",
            ),
            |at| at.scope.header("X-Original-Method") == Some("$request_method"),
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-07",
                "the check's path does not name the deployment",
                "Only the host decides which deployment a request is for, and a client writes the host.",
                "proxy_pass http://127.0.0.1:8810/authz/nginx/ID;",
            ),
            |at| pinned(at.scope.value("proxy_pass"), "nginx") || says_its_pin(at),
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-08",
                "the check is not told the client's address",
                "A client can name an address of its choice, and paths that are for the plane's own network only open to it.",
                "proxy_set_header X-Forwarded-For $remote_addr;",
            ),
            |at| {
                let ours = ["$remote_addr", "$proxy_add_x_forwarded_for"];
                at.scope
                    .header("X-Forwarded-For")
                    .is_some_and(|value| ours.contains(&value))
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-09",
                "the check is not told of an upgrade",
                "Any website can open a websocket in the name of somebody who is signed in.",
                "proxy_set_header Upgrade $http_upgrade;",
            ),
            |at| !at.upgrades || at.scope.header("Upgrade") == Some("$http_upgrade"),
        ),
        Rule::new(
            Guard::warning(
                "DOC-NGINX-10",
                "the client's X-Forwarded-Uri, -Host, -Method or -Proto reach the check",
                "The nginx dialect does not read them, so only the gate's own care stands between a client's word and the decision.",
                "proxy_set_header X-Forwarded-Uri \"\"; and the same for -Host, -Method and -Proto",
            ),
            |at| CLAIMS.iter().all(|name| at.scope.header(name) == Some("")),
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-11",
                "answers of the check are kept",
                "An allowance for one request is given to the next one, and outlives whatever is revoked.",
                "proxy_cache off;",
            ),
            |at| matches!(at.scope.value("proxy_cache"), "" | "off"),
        ),
        Rule::new(
            Guard::warning(
                "DOC-NGINX-12",
                "the check waits as long as nginx waits for anything: 60 s",
                "A gate that hangs holds every request, instead of failing soon.",
                "proxy_connect_timeout 250ms; proxy_read_timeout 1s;",
            ),
            |at| {
                ["proxy_connect_timeout", "proxy_read_timeout"]
                    .iter()
                    .all(|name| soon(at.scope.value(name), 1000))
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-NGINX-13",
                "the check's answer must fit into 4 KiB",
                "An answer with a long token becomes a 500.",
                "proxy_buffer_size 16k; proxy_buffers 8 16k;",
            ),
            |at| kibibytes(at.scope.value("proxy_buffer_size")) >= 8,
        ),
        Rule::new(
            Guard::warning(
                "DOC-NGINX-14",
                "the check announces a body that it does not bring",
                "The gate waits for it, and requests that change something fail.",
                "proxy_pass_request_body off; proxy_set_header Content-Length \"\";",
            ),
            |at| {
                at.scope.value("proxy_pass_request_body") == "off"
                    && at.scope.header("Content-Length") == Some("")
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-NGINX-15",
                "the check's Connection is not nginx's own",
                "Each check opens a connection anew, or what a client writes there makes the next hop drop headers.",
                "proxy_http_version 1.1; proxy_set_header Connection \"\";",
            ),
            |at| {
                at.scope
                    .header("Connection")
                    .is_some_and(|value| !value.contains('$'))
            },
        ),
    ];
}

/// `$scheme://$host[:port]$request_uri`, where the host may also be a constant: anything but what
/// the client wrote.
fn original_url(at: &Check<'_>) -> bool {
    let Some(url) = at.scope.header("X-Original-URL") else {
        return false;
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let host = rest.strip_suffix("$request_uri").or_else(|| {
        // Asked as the original asks, the path is in a header of its own.
        let path = at.scope.header("X-Auth-Request-Redirect") == Some("$request_uri");
        rest.strip_suffix("$uri")
            .filter(|_| path && asks_as_the_original(at))
    });
    let host = host.unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    let constant = |text: &str| !text.contains('$');
    matches!(scheme, "$scheme" | "http" | "https")
        && !host.is_empty()
        && (matches!(host, "$host" | "$server_name") || constant(host))
        && (port == "$server_port" || constant(port))
}

/// Whether it asks at `/v1/authorization`, whose path has no place for a deployment.
fn asks_as_the_original(at: &Check<'_>) -> bool {
    at.scope.value("proxy_pass").ends_with("/v1/authorization")
}

/// Whether it names the deployment in a header, or at least lets no client name one there.
fn says_its_pin(at: &Check<'_>) -> bool {
    let pin = at.scope.header("X-Auth-Deployment");
    asks_as_the_original(at) && pin.is_some_and(|pin| pin.is_empty() || is_id(pin))
}

fn kibibytes(size: &str) -> u64 {
    let size = size.to_ascii_lowercase();
    let number = size
        .trim_end_matches(['k', 'm'])
        .parse::<u64>()
        .unwrap_or(0);
    match size.chars().last() {
        Some('k') => number,
        Some('m') => number.saturating_mul(1024),
        _ => number / 1024,
    }
}
