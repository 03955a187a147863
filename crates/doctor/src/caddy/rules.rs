//! A `forward_auth`, and what has to be around it.

use crate::finding::{Guard, Rule};
use crate::guards::{IDENTITY, finds_hops, pinned, soon};
use crate::tree::{Directive, Spot, spots};

pub(super) struct Asked<'a> {
    pub(super) spot: &'a Spot<'a>,
}

impl<'a> Asked<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-CADDY-03",
                "the check's path does not name the deployment",
                "Only the host decides which deployment a request is for, and a client writes the host.",
                "uri /authz/caddy/ID?",
            ),
            |at| pinned(at.uri(), "caddy"),
        ),
        Rule::new(
            Guard::error(
                "DOC-CADDY-04",
                "headers that a client names in Connection are dropped after the check",
                "`Connection: close, Authorization` takes the identity out of an allowed request, or leaves Airflow to believe another one.",
                "@hop header_regexp Connection (?i)(authorization|cookie|host|x-) and respond @hop 400",
            ),
            guards_hops,
        ),
        Rule::new(
            Guard::error(
                "DOC-CADDY-05",
                "Authorization or an X-Aeolus header is not copied from the check's answer",
                "The client's own header of that name reaches Airflow as if the gate had written it.",
                "copy_headers Authorization X-Aeolus-User X-Aeolus-Email X-Aeolus-Deployment",
            ),
            |at| IDENTITY.iter().all(|name| at.copies(name)),
        ),
        Rule::new(
            Guard::warning(
                "DOC-CADDY-06",
                "the client's query reaches the check",
                "The gate does not read it, but its logs and whatever else sees the check do.",
                "uri /authz/caddy/ID? with the question mark at its end",
            ),
            |at| at.uri().contains('?'),
        ),
        Rule::new(
            Guard::warning(
                "DOC-CADDY-07",
                "the client's X-Forwarded-Uri or -Method reach Airflow",
                "Caddy writes them anew for the check only, so behind it a client's word stands where a proxy's should.",
                "request_header -X-Forwarded-Uri and request_header -X-Forwarded-Method",
            ),
            |at| {
                ["X-Forwarded-Uri", "X-Forwarded-Method"]
                    .iter()
                    .all(|name| at.removes(name))
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-CADDY-08",
                "header names with underscores are let through",
                "Before 2.11 Caddy passes them on, and Python reads X_Aeolus_User like X-Aeolus-User.",
                "request_header -X_*",
            ),
            |at| at.removes("X_Aeolus_User"),
        ),
        Rule::new(
            Guard::warning(
                "DOC-CADDY-09",
                "the check waits for ever",
                "A gate that hangs holds every request, instead of failing soon.",
                "transport http { dial_timeout 250ms … response_header_timeout 1s … } in forward_auth",
            ),
            |at| {
                ["dial_timeout", "response_header_timeout"]
                    .iter()
                    .all(|name| at.waits_shortly(name))
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-CADDY-10",
                "the gate's cookie reaches Airflow",
                "Whoever controls Airflow's code can use the sessions of those who visit it.",
                "header_up -Cookie in reverse_proxy",
            ),
            |at| {
                let mut proxies = at.spot.all("reverse_proxy");
                let drops = |line: &Directive| {
                    line.is("header_up") && line.arg(0).eq_ignore_ascii_case("-cookie")
                };
                proxies.all(|proxy| proxy.block.iter().any(drops)) || at.removes("Cookie")
            },
        ),
    ];

    fn own(&self, name: &str) -> impl Iterator<Item = &Directive> {
        self.spot
            .line
            .block
            .iter()
            .filter(move |line| line.is(name))
    }

    fn uri(&self) -> &str {
        self.own("uri").last().map_or("", |line| line.arg(0))
    }

    fn copies(&self, header: &str) -> bool {
        self.own("copy_headers").any(|line| {
            let named = line
                .args
                .iter()
                .chain(line.block.iter().map(|line| &line.name));
            named
                .into_iter()
                .any(|name| name.eq_ignore_ascii_case(header))
        })
    }

    /// Whether a header is taken out of every request.
    fn removes(&self, header: &str) -> bool {
        self.spot.all("request_header").any(|line| {
            let named = match line.args.as_slice() {
                [named] => named,
                [all, named] if all == "*" => named,
                _ => return false,
            };
            let named = named
                .strip_prefix('-')
                .unwrap_or_default()
                .to_ascii_lowercase();
            let header = header.to_ascii_lowercase();
            match named.strip_suffix('*') {
                Some(start) => !start.is_empty() && header.starts_with(start),
                None => named == header,
            }
        })
    }

    fn waits_shortly(&self, name: &str) -> bool {
        let inside = self.own("transport").flat_map(|line| line.block.iter());
        inside
            .filter(|line| line.is(name))
            .any(|line| soon(line.arg(0), 0))
    }
}

/// A matcher that finds such a `Connection`, and a refusal of what it finds.
fn guards_hops(at: &Asked<'_>) -> bool {
    if at.removes("Connection") {
        return true;
    }
    at.spot.around.iter().any(|(owner, block)| {
        block.iter().any(|line| {
            let refuses = match line.name.as_str() {
                "respond" | "error" => line
                    .args
                    .iter()
                    .any(|arg| arg.len() == 3 && arg.starts_with('4')),
                "abort" => true,
                _ => false,
            };
            // In a route the first that answers wins; elsewhere Caddy puts refusals first.
            let passed = |other: &Directive| other.is("reverse_proxy") && other.line < line.line;
            let too_late = *owner == "route" && block.iter().any(passed);
            refuses && !too_late && line.arg(0).starts_with('@') && finds(at.spot, line.arg(0))
        })
    })
}

fn finds(spot: &Spot<'_>, matcher: &str) -> bool {
    spot.all(matcher).any(|line| {
        let short = std::iter::once(line.args.as_slice());
        let mut tests = short.chain(line.block.iter().map(|test| test.args.as_slice()));
        let named = line.arg(0) == "header_regexp"
            || matches!(line.block.as_slice(), [only] if only.is("header_regexp"));
        named
            && tests.any(|words| {
                let connection = words
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case("connection"));
                let pattern = words.last().map_or("", String::as_str);
                connection && pattern.contains("(?i)") && finds_hops(pattern)
            })
    })
}

/// Every `reverse_proxy`.
pub(super) fn reverse_proxies(tree: &[Directive]) -> Vec<Spot<'_>> {
    spots(tree, |line| line.is("reverse_proxy"))
}

/// Where it passes requests on to.
pub(super) fn upstream(line: &Directive) -> &str {
    let mut args = line.args.iter().map(String::as_str);
    args.find(|arg| !arg.starts_with(['@', '/', '*']))
        .unwrap_or_default()
}
