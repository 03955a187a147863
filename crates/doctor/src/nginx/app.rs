//! A location that passes requests on to Airflow after the check.

use super::scope::Scope;
use crate::finding::{Guard, Rule};
use crate::guards::IDENTITY;
use crate::tree::Directive;

pub(crate) struct App<'a> {
    pub(crate) tree: &'a [Directive],
    pub(crate) scope: &'a Scope<'a>,
    /// Every location of its server.
    pub(crate) server: &'a [&'a Scope<'a>],
}

impl<'a> App<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-NGINX-16",
                "Authorization or an X-Aeolus header is not set from the check's answer",
                "The client's own header of that name reaches Airflow as if the gate had written it.",
                "auth_request_set $aeolus_authorization $upstream_http_authorization; proxy_set_header Authorization $aeolus_authorization; and the same for X-Aeolus-User, -Email and -Deployment",
            ),
            |at| IDENTITY.iter().all(|name| from_the_check(at, name)),
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-17",
                "any upgrade that a client asks for is passed on",
                "One allowed request with `Upgrade: h2c` opens a tunnel, and what is sent through it is never checked.",
                "map $http_upgrade $aeolus_upgrade { default \"\"; websocket websocket; } and proxy_set_header Upgrade $aeolus_upgrade;",
            ),
            |at| {
                let upgrade = at.scope.header("Upgrade").unwrap_or_default();
                upgrade.is_empty()
                    || upgrade.eq_ignore_ascii_case("websocket")
                    || only_websocket(at, upgrade)
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-18",
                "the client's Connection is passed on",
                "A client that names Authorization there makes the next hop drop the identity, or opens an upgrade of its own.",
                "map $http_upgrade $aeolus_connection { default \"\"; websocket upgrade; } and proxy_set_header Connection $aeolus_connection;",
            ),
            |at| at.scope.header("Connection") != Some("$http_connection"),
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-19",
                "a refusal is turned into something else",
                "What the gate refuses is answered as a success, or by Airflow after all.",
                "error_page 401 = @aeolus_sign_in; with a location that only redirects or returns 401",
            ),
            refusals_stay,
        ),
        Rule::new(
            Guard::error(
                "DOC-NGINX-20",
                "one success is enough: satisfy any",
                "A client that passes any other rule of the location is never decided about.",
                "satisfy all;",
            ),
            |at| at.scope.value("satisfy") != "any",
        ),
        Rule::new(
            Guard::warning(
                "DOC-NGINX-21",
                "a raw # or \\ in a path is not refused here",
                "nginx and Airflow read such a path differently; the gate refuses it, but nginx makes a 500 of that.",
                "map $request_uri $aeolus_bad_target { default 0; \"~#\" 1; \"~\\\\\\\\\" 1; } and if ($aeolus_bad_target) { return 400; }",
            ),
            refuses_ambiguity,
        ),
        Rule::new(
            Guard::warning(
                "DOC-NGINX-22",
                "the gate's cookie reaches Airflow",
                "Whoever controls Airflow's code can use the sessions of those who visit it.",
                "proxy_set_header Cookie \"\";",
            ),
            |at| at.scope.header("Cookie") == Some(""),
        ),
        Rule::new(
            Guard::warning(
                "DOC-NGINX-23",
                "header names with underscores are let through",
                "Python reads X_Aeolus_User like X-Aeolus-User, so a client's word stands beside the gate's.",
                "underscores_in_headers off;",
            ),
            |at| at.scope.value("underscores_in_headers") != "on",
        ),
    ];
}

/// Whether a header is set from a variable that holds the check's header of the same name.
fn from_the_check(at: &App<'_>, name: &str) -> bool {
    let wanted = format!("$upstream_http_{}", name.replace('-', "_"));
    let sets = at.scope.many("auth_request_set");
    at.scope.header(name).is_some_and(|variable| {
        let mut sets = sets.iter();
        sets.any(|set| set.arg(0) == variable && set.arg(1).eq_ignore_ascii_case(&wanted))
    })
}

/// Whether a variable is mapped from the upgrade asked for and is `websocket` or nothing.
fn only_websocket(at: &App<'_>, variable: &str) -> bool {
    maps(at.tree, variable).any(|map| {
        let mut values = map.block.iter();
        map.arg(0) == "$http_upgrade" && values.all(|line| matches!(line.arg(0), "" | "websocket"))
    })
}

fn maps<'a>(tree: &'a [Directive], variable: &str) -> impl Iterator<Item = &'a Directive> {
    let inner = tree.iter().filter(|line| line.name == "http");
    let all = tree.iter().chain(inner.flat_map(|http| http.block.iter()));
    all.filter(move |line| line.name == "map" && line.arg(1) == variable)
}

/// `error_page` must not give a refusal a status of success, nor hand it to what answers with one.
fn refusals_stay(at: &App<'_>) -> bool {
    at.scope.many("error_page").iter().all(|page| {
        let refusal = page
            .args
            .iter()
            .any(|code| matches!(code.as_str(), "401" | "403" | "500"));
        let success = page.args.iter().any(|code| code.starts_with("=2"));
        let target = page.args.last().map_or("", String::as_str);
        let named = at.server.iter().find(|other| other.uri() == target);
        let answers = named.is_some_and(|other| {
            let returns = |line: &Directive| line.name == "return" && line.arg(0).starts_with('2');
            other.passes() == at.scope.passes() || other.location.block.iter().any(returns)
        });
        !refusal || !(success || answers)
    })
}

/// Whether paths with `#` and with a backslash end at this nginx.
fn refuses_ambiguity(at: &App<'_>) -> bool {
    let refusals: Vec<_> = at
        .scope
        .around("if")
        .filter(|test| {
            let mut inside = test.block.iter();
            inside.any(|line| line.name == "return" && line.arg(0).starts_with('4'))
        })
        .collect();
    ["#", "\\"].iter().all(|sign| refusals.iter().any(|test| {
        let words = test.args.join(" ");
        let variable = words.trim_matches(['(', ')', ' ']);
        let direct = variable.starts_with("$request_uri ~") && variable.contains(sign);
        direct || maps(at.tree, variable).any(|map| {
            let mut tests = map.block.iter();
            map.arg(0) == "$request_uri" && tests.any(|line| {
                line.name.starts_with('~') && line.name.contains(sign) && !matches!(line.arg(0), "" | "0")
                    // `\x21` in a range is a code, not a backslash to be found.
                    && (*sign != "\\" || line.name.contains("\\\\"))
            })
        })
    }))
}
