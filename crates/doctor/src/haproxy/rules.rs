//! A frontend that asks the gate, and the action by which it does.

use super::conditions::{condition, only_pages, refuses};
use crate::finding::{Guard, Rule};
use crate::guards::{IDENTITY, finds_hops, is_id};
use crate::tree::Directive;

pub(super) struct Asked<'a> {
    pub(super) front: &'a Directive,
    pub(super) check: &'a Directive,
}

/// What a status other than an allowance's looks like in a condition.
const NOT_ALLOWED: &str = " !{ var(txn.aeolus_status) -m int 200 } ";

impl<'a> Asked<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-HAPROXY-04",
                "the check does not name the deployment",
                "Only the host decides which deployment a request is for, and a client writes the host.",
                "http-request lua.aeolus_check 127.0.0.1:8810 ID if !aeolus_pages",
            ),
            |at| at.check.args.iter().any(|arg| is_id(arg)),
        ),
        Rule::new(
            Guard::error(
                "DOC-HAPROXY-05",
                "some requests are not asked about",
                "What the condition of the check excepts, beyond the gate's own pages, reaches Airflow without a decision.",
                "acl aeolus_pages path_beg /.aeolus/ and no other condition than if !aeolus_pages",
            ),
            |at| only_pages(at.front, &condition(at.check)),
        ),
        Rule::new(
            Guard::error(
                "DOC-HAPROXY-06",
                "what the gate does not allow is not refused",
                "A refusal, or a gate that does not answer, lets the request through to Airflow.",
                "http-request deny deny_status 503 if !aeolus_pages !{ var(txn.aeolus_status) -m int 200 }",
            ),
            |at| at.last_refusal().is_some(),
        ),
        Rule::new(
            Guard::error(
                "DOC-HAPROXY-07",
                "headers that a client names in Connection are dropped behind HAProxy",
                "`Connection: close, Authorization` makes the next hop take the identity out of an allowed request.",
                "http-request deny deny_status 400 if { req.fhdr(connection) -m reg -i (authorization|cookie|host|x-) }",
            ),
            |at| {
                at.refused(|test| {
                    let connection = test.contains("hdr(connection) ");
                    connection && test.contains(" -m reg -i ") && finds_hops(test)
                })
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-HAPROXY-08",
                "any upgrade that a client asks for is passed on",
                "One allowed request with `Upgrade: h2c` opens a tunnel, and what is sent through it is never checked.",
                "http-request deny deny_status 400 if { req.fhdr(upgrade) -m found } !{ req.fhdr(upgrade) -m str -i websocket }",
            ),
            |at| {
                let deletes = |line: &Directive| {
                    line.arg(0) == "del-header" && line.arg(1).eq_ignore_ascii_case("upgrade")
                };
                at.front.block.iter().any(deletes)
                    || at.refused(|test| {
                        test.contains("hdr(upgrade) -m str -i websocket } ")
                            && test.contains(" !{ ")
                    })
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-HAPROXY-09",
                "a rule before the check ends the rules",
                "What `http-request allow` or a `return` finds is never decided about.",
                "the check, and the refusal behind it, before every http-request allow",
            ),
            |at| {
                let refusal = at.last_refusal().map_or(usize::MAX, |line| line.line);
                let allows = |line: &&Directive| line.is("http-request") && line.arg(0) == "allow";
                at.front
                    .block
                    .iter()
                    .filter(allows)
                    .all(|line| line.line > refusal)
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-HAPROXY-10",
                "a gate that does not answer looks like a refusal",
                "Programs give up for good instead of trying again.",
                "deny_status 503 in the refusal of whatever is not 200",
            ),
            |at| {
                at.last_refusal().is_none_or(|line| {
                    let statuses = line.args.iter().skip_while(|arg| *arg != "deny_status");
                    statuses
                        .into_iter()
                        .nth(1)
                        .is_some_and(|status| status.starts_with('5'))
                })
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-HAPROXY-11",
                "two Host headers are not refused here",
                "HAProxy, the gate and Airflow might each take another one of them.",
                "http-request deny deny_status 400 if { req.fhdr_cnt(host) gt 1 }",
            ),
            |at| at.refused(|test| test.contains("hdr_cnt(host) gt 1 ")),
        ),
        Rule::new(
            Guard::warning(
                "DOC-HAPROXY-12",
                "a request without a path is not refused here",
                "For `OPTIONS *` and CONNECT the check has no path to judge.",
                "http-request deny deny_status 400 if !{ path -m found }",
            ),
            |at| at.refused(|test| test.contains(" !{ path -m found } ")),
        ),
        Rule::new(
            Guard::warning(
                "DOC-HAPROXY-13",
                "a raw # in a path is not refused here",
                "HAProxy and Airflow read such a path differently; only the gate's refusal is left.",
                "http-request deny deny_status 400 if { pathq -m sub \"#\" }",
            ),
            |at| {
                at.refused(|test| {
                    test.contains("path -m sub # ") || test.contains("pathq -m sub # ")
                })
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-HAPROXY-14",
                "the client's X-Forwarded or X-Aeolus headers are not deleted",
                "Where the gate says nothing, and on the gate's own pages, a client's word stands where a proxy's should.",
                "http-request del-header X-Forwarded- -m beg and http-request del-header X-Aeolus- -m beg",
            ),
            |at| at.deletes("X-Forwarded-Uri") && at.deletes("X-Aeolus-User"),
        ),
        Rule::new(
            Guard::warning(
                "DOC-HAPROXY-15",
                "header names with underscores are let through",
                "Python reads X_Aeolus_User like X-Aeolus-User, so a client's word stands beside the gate's.",
                "http-request del-header X_ -m beg",
            ),
            |at| at.deletes("X_Aeolus_User"),
        ),
        Rule::new(
            Guard::warning(
                "DOC-HAPROXY-16",
                "the gate's cookie reaches Airflow",
                "Whoever controls Airflow's code can use the sessions of those who visit it.",
                "http-request del-header Cookie if !aeolus_pages",
            ),
            |at| at.deletes("Cookie"),
        ),
    ];

    /// Whether a rule refuses what such a condition finds.
    fn refused(&self, finds: fn(&str) -> bool) -> bool {
        let mut refusals = self.front.block.iter().filter(|line| refuses(line));
        refusals.any(|line| finds(&condition(line)))
    }

    /// The refusal of whatever the gate did not allow.
    fn last_refusal(&self) -> Option<&'a Directive> {
        self.front.block.iter().find(|line| {
            let condition = condition(line);
            let others = condition.replace(NOT_ALLOWED, " ");
            let whole = condition.contains(NOT_ALLOWED) && only_pages(self.front, &others);
            refuses(line) && line.line > self.check.line && whole
        })
    }

    fn deletes(&self, header: &str) -> bool {
        let header = header.to_ascii_lowercase();
        self.front.block.iter().any(|line| {
            let named = line.arg(1).to_ascii_lowercase();
            let by_start = line.arg(2) == "-m" && line.arg(3) == "beg" && !named.is_empty();
            line.is("http-request")
                && line.arg(0) == "del-header"
                && only_pages(self.front, &condition(line))
                && (named == header || (by_start && header.starts_with(&named)))
        })
    }
}

/// The script that defines the action. It is a program and only searched for what it must contain.
pub(super) struct Script<'a> {
    pub(super) text: &'a str,
}

impl<'a> Script<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-HAPROXY-17",
                "the action does not set Authorization and every X-Aeolus header",
                "The client's own header of that name reaches Airflow as if the gate had written it.",
                "local IDENTITY = { \"authorization\", \"x-aeolus-user\", \"x-aeolus-email\", \"x-aeolus-deployment\" }",
            ),
            |at| {
                at.code().any(|line| {
                    let line = line.to_ascii_lowercase();
                    IDENTITY
                        .iter()
                        .all(|name| line.contains(&format!("\"{name}\"")))
                })
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-HAPROXY-18",
                "the action waits as long as HAProxy waits for a server",
                "A gate that hangs holds every request, instead of failing soon.",
                "timeout = 1000 in the call of core.httpclient()",
            ),
            |at| {
                at.code()
                    .any(|line| line.replace(' ', "").contains("timeout="))
            },
        ),
    ];

    fn code(&self) -> impl Iterator<Item = &'a str> {
        let lines = self.text.lines();
        lines.map(|line| line.split("--").next().unwrap_or_default())
    }
}
