//! The requests.

use super::{Answer, Probe, Target};
use crate::finding::Guard;

/// A name that is nobody's (RFC 2606).
const OTHER: &str = "aeolus-doctor.invalid";

/// A deployment that is nobody's.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// A browser's request for a page: the gate sends it to sign in, which no application does.
fn page(target: &Target, path: &str, lines: &str) -> String {
    let path = format!("{}{path}", target.base);
    line(
        &format!("GET {path}"),
        &format!("Host: {}\r\n", target.host),
        lines,
    )
}

fn line(first: &str, host: &str, lines: &str) -> String {
    let close = if lines.contains("Connection:") {
        ""
    } else {
        "Connection: close\r\n"
    };
    format!(
        "{first} HTTP/1.1\r\n{host}User-Agent: aeolus-doctor\r\nAccept: text/html\r\n\
         Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n{lines}{close}\r\n"
    )
}

/// Everything that is tried, in this order.
pub const PROBES: &[Probe] = &[
    Probe {
        tries: "a page without a credential",
        guard: Guard::error(
            "DOC-PROBE-01",
            "a page without a credential is not sent to sign in",
            "The proxy does not ask the gate, or does something else with its answer.",
            "the check of deploy/ for this proxy; examine its file with --proxy FILE",
        ),
        request: |target| page(target, "/", ""),
        // A gate that can't be reached has a finding of its own.
        holds: |answer| answer.is_decided() || answer.status >= 500,
    },
    Probe {
        tries: "whether anything decides at all",
        guard: Guard::warning(
            "DOC-PROBE-02",
            "a page without a credential is answered with a failure",
            "Nothing gets past the proxy, but nobody gets in either: it can't reach the gate.",
            "the gate's check listener (8810) as the proxy's file names it, and aeolus gate serve behind it",
        ),
        request: |target| page(target, "/", ""),
        holds: |answer| answer.status < 500,
    },
    Probe {
        tries: "an absolute URL with another host than Host",
        guard: Guard::error(
            "DOC-PROBE-03",
            "the gate judges the host that a client writes, not the one the proxy goes by",
            "A client that writes one host in its request line and another in `Host` is judged as one deployment and served by another.",
            "proxy_set_header X-Original-URL $scheme://$host:$server_port$request_uri; ($host, never $http_host)",
        ),
        request: |target| {
            let first = format!("GET http://{OTHER}{}/", target.base);
            line(&first, &format!("Host: {}\r\n", target.host), "")
        },
        holds: |answer| !answer.is_decided(),
    },
    Probe {
        tries: "identity headers named in Connection",
        guard: Guard::error(
            "DOC-PROBE-04",
            "headers that a client names in Connection are dropped after the check",
            "`Connection: close, Authorization` takes the identity out of an allowed request, or leaves Airflow to believe another one.",
            "a refusal of such requests: @hop in deploy/caddy/Caddyfile, RewriteCond in deploy/apache/aeolus.conf",
        ),
        request: |target| {
            page(
                target,
                "/",
                "Connection: close, X-Aeolus-User, Authorization\r\n",
            )
        },
        // nginx, Traefik and Envoy are not harmed by it; HAProxy can't be told from its answers.
        holds: |answer| {
            answer.is_refused() && !(answer.is_decided() && answer.is_by(&["caddy", "apache"]))
        },
    },
    Probe {
        tries: "made-up identity headers",
        guard: Guard::error(
            "DOC-PROBE-05",
            "a request with made-up identity headers is let through",
            "Whoever writes X-Aeolus-User is taken for that person.",
            "the check of deploy/ for this proxy; examine its file with --proxy FILE",
        ),
        request: |target| {
            page(
                target,
                "/",
                "X-Aeolus-User: doctor\r\nX-Aeolus-Email: doctor@example.com\r\n",
            )
        },
        holds: Answer::is_refused,
    },
    Probe {
        tries: "another path in X-Forwarded-Uri and its like",
        guard: Guard::error(
            "DOC-PROBE-06",
            "a client's X-Forwarded-Uri or X-Original-URL decides",
            "Every page is reached by calling it a public one.",
            "the check's own X-Original-URL or X-Forwarded-Uri, and the client's taken out, as in deploy/",
        ),
        request: |target| {
            let public = format!("{}/static/x", target.base);
            let lines = format!(
                "X-Forwarded-Uri: {public}\r\nX-Original-URL: http://{}{public}\r\n\
                 X-Original-URI: {public}\r\nX-Rewrite-URL: {public}\r\nX-Forwarded-Method: OPTIONS\r\n",
                target.host
            );
            page(target, "/", &lines)
        },
        holds: Answer::is_refused,
    },
    Probe {
        tries: "aliases with underscores",
        guard: Guard::error(
            "DOC-PROBE-07",
            "a client's X_Forwarded_Uri or X_Aeolus_User decides",
            "Names with underscores are read like those with dashes.",
            "underscores_in_headers off; request_header -X_*; aliasHeadersStrategy: reject, as in deploy/",
        ),
        request: |target| {
            let lines = format!(
                "X_Aeolus_User: doctor\r\nX_Forwarded_Uri: {}/static/x\r\n",
                target.base
            );
            page(target, "/", &lines)
        },
        holds: Answer::is_refused,
    },
    Probe {
        tries: "dots behind a public path",
        guard: Guard::error(
            "DOC-PROBE-08",
            "/static/../ is taken for a public path",
            "Every page is reached through a public one.",
            "the path as it came, in the check as well as to Airflow, as in deploy/",
        ),
        request: |target| page(target, "/static/../home", ""),
        holds: Answer::is_refused,
    },
    Probe {
        tries: "encoded dots behind a public path",
        guard: Guard::error(
            "DOC-PROBE-09",
            "/static/%2e%2e/ is taken for a public path",
            "Every page is reached through a public one.",
            "the path as it came, in the check as well as to Airflow, as in deploy/",
        ),
        request: |target| page(target, "/static/%2e%2e/home", ""),
        holds: Answer::is_refused,
    },
    Probe {
        tries: "a path with two slashes",
        guard: Guard::error(
            "DOC-PROBE-10",
            "a path that begins with two slashes is let through",
            "It is taken for a host, or for no path at all.",
            "the path as it came, in the check as well as to Airflow, as in deploy/",
        ),
        request: |target| page(target, "//home", ""),
        holds: Answer::is_refused,
    },
    Probe {
        tries: "a fragment in the path",
        guard: Guard::error(
            "DOC-PROBE-11",
            "a path with a raw # is let through",
            "The proxy and Airflow read such a path differently.",
            "a refusal of such paths: $aeolus_bad_target in deploy/nginx/aeolus.conf",
        ),
        request: |target| page(target, "/home#/../static/x", ""),
        holds: Answer::is_refused,
    },
    Probe {
        tries: "two Host headers",
        guard: Guard::error(
            "DOC-PROBE-12",
            "two Host headers are let through",
            "The proxy, the gate and Airflow might each take another one of them.",
            "http-request deny deny_status 400 if { req.fhdr_cnt(host) gt 1 }, or a proxy that refuses them by itself",
        ),
        request: |target| {
            let hosts = format!("Host: {}\r\nHost: {OTHER}\r\n", target.host);
            line(&format!("GET {}/", target.base), &hosts, "")
        },
        holds: Answer::is_refused,
    },
    Probe {
        tries: "an h2c upgrade",
        guard: Guard::error(
            "DOC-PROBE-13",
            "an upgrade to h2c is let through",
            "One request opens a tunnel, and what is sent through it is never checked.",
            "an upgrade to a websocket only: map $http_upgrade $aeolus_upgrade { default \"\"; websocket websocket; }",
        ),
        request: |target| {
            page(
                target,
                "/",
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
            )
        },
        holds: Answer::is_refused,
    },
    Probe {
        tries: "OPTIONS *",
        guard: Guard::error(
            "DOC-PROBE-14",
            "OPTIONS * is let through",
            "A request without a path is not decided about.",
            "http-request deny deny_status 400 if !{ path -m found }, or a proxy that answers it by itself",
        ),
        request: |target| line("OPTIONS *", &format!("Host: {}\r\n", target.host), ""),
        // Some proxies answer it themselves, with nothing in it.
        holds: |answer| !(answer.is_success() && answer.has_body),
    },
    Probe {
        tries: "the gate's own pages",
        guard: Guard::warning(
            "DOC-PROBE-15",
            "the gate's own pages are not reached",
            "Nobody can sign in or out.",
            "/.aeolus/ passed on to the gate without a check, as in deploy/",
        ),
        request: |target| {
            line(
                "GET /.aeolus/session",
                &format!("Host: {}\r\n", target.host),
                "",
            )
        },
        holds: |answer| answer.status == 200 && answer.body.contains("signedIn"),
    },
    Probe {
        tries: "the gate's checks from outside",
        guard: Guard::error(
            "DOC-PROBE-16",
            "the gate's checks can be asked from outside",
            "Whoever may read a deployment can ask a check themselves and is answered with the token meant for Airflow.",
            "no way from outside to the gate but /.aeolus/",
        ),
        request: |target| {
            let lines = format!(
                "X-Original-URL: http://{0}/\r\nX-Original-Method: GET\r\nX-Forwarded-Uri: /\r\n\
                 X-Forwarded-Host: {0}\r\nX-Forwarded-Method: GET\r\n",
                target.host
            );
            let host = format!("Host: {}\r\n", target.host);
            line(&format!("GET /authz/nginx/{NOBODY}"), &host, &lines)
        },
        holds: not_a_check,
    },
    Probe {
        tries: "nginx's check from outside",
        guard: Guard::error(
            "DOC-PROBE-17",
            "the location of the check can be asked from outside",
            "Whoever may read a deployment can ask it themselves and is answered with the token meant for Airflow.",
            "internal; in location = /_aeolus_check",
        ),
        request: |target| {
            line(
                "GET /_aeolus_check",
                &format!("Host: {}\r\n", target.host),
                "",
            )
        },
        holds: not_a_check,
    },
];

/// A check's own answers have headers that no proxy relays for a page.
fn not_a_check(answer: &Answer) -> bool {
    let own = answer.header("x-auth-location").is_some();
    let refused_by_the_gate =
        answer.header("x-aeolus-request-id").is_some() && answer.status >= 402;
    answer.is_refused() && !own && !refused_by_the_gate
}
