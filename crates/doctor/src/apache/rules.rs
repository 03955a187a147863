//! A place where Apache asks the gate, and what has to be around it.

use crate::finding::{Guard, Rule};
use crate::guards::{IDENTITY, finds_hops, is_id};
use crate::tree::{Directive, Spot};

pub(super) struct Asked<'a> {
    pub(super) spot: &'a Spot<'a>,
}

impl<'a> Asked<'a> {
    pub(super) const RULES: &'a [Rule<Self>] = &[
        Rule::new(
            Guard::error(
                "DOC-APACHE-02",
                "the answer of the gate is not required",
                "A request that the gate refuses, or is not asked about, reaches Airflow.",
                "Require valid-user, and nothing else that may be enough",
            ),
            |at| {
                let required: Vec<_> = at.beside("Require").collect();
                let only = matches!(required.as_slice(), [line] if line.arg(0).eq_ignore_ascii_case("valid-user"));
                only && !at.says("Satisfy", "any")
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-APACHE-03",
                "the check does not name the deployment",
                "Only the host decides which deployment a request is for, and a client writes the host.",
                "SetEnvIf Request_URI \"^\" AEOLUS_DEPLOYMENT=ID",
            ),
            |at| {
                at.spot.all("SetEnvIf").any(|line| {
                    let pin = line.arg(2).strip_prefix("AEOLUS_DEPLOYMENT=");
                    line.arg(1) == "^" && pin.is_some_and(is_id)
                })
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-APACHE-04",
                "headers that a client names in Connection are dropped after the check",
                "`Connection: close, Authorization` takes the identity out of an allowed request, or leaves Airflow to believe another one.",
                "RewriteCond %{HTTP:Connection} \"(authorization|cookie|host|x-)\" [NC] and RewriteRule ^ - [R=400,L]",
            ),
            |at| {
                at.rewrites_away(|cond| {
                    cond.arg(0).eq_ignore_ascii_case("%{HTTP:Connection}")
                        && finds_hops(cond.arg(1))
                        && cond.arg(2).contains("NC")
                })
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-APACHE-05",
                "any upgrade that a client asks for is let in",
                "One allowed request with `Upgrade: h2c` opens a tunnel, and what is sent through it is never checked.",
                "RewriteCond %{HTTP:Upgrade} !^(websocket)?$ [NC] and RewriteRule ^ - [R=400,L]",
            ),
            |at| {
                at.rewrites_away(|cond| {
                    cond.arg(0).eq_ignore_ascii_case("%{HTTP:Upgrade}")
                        && matches!(cond.arg(1), "!^(websocket)?$" | "!^(|websocket)$")
                })
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-APACHE-06",
                "Authorization or an X-Aeolus header is not set from the check's answer",
                "The client's own header of that name reaches Airflow as if the gate had written it.",
                "RequestHeader set Authorization \"expr=%{reqenv:AEOLUS_TOKEN}\" and the same for X-Aeolus-User, -Email and -Deployment",
            ),
            |at| {
                IDENTITY.iter().all(|name| {
                    at.headers("set", name)
                        .any(|line| line.arg(2).starts_with("expr=%{reqenv:AEOLUS_"))
                })
            },
        ),
        Rule::new(
            Guard::error(
                "DOC-APACHE-07",
                "the check is not told of an upgrade",
                "Any website can open a websocket in the name of somebody who is signed in.",
                "SetEnvIf Upgrade \".+\" AEOLUS_UPGRADE=websocket",
            ),
            |at| {
                at.spot.all("SetEnvIf").any(|line| {
                    line.arg(0).eq_ignore_ascii_case("upgrade")
                        && line.arg(2) == "AEOLUS_UPGRADE=websocket"
                })
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-APACHE-08",
                "the check is not given Authorization",
                "API tokens are refused, because Apache keeps them to itself.",
                "CGIPassAuth On",
            ),
            |at| at.says("CGIPassAuth", "On"),
        ),
        Rule::new(
            Guard::warning(
                "DOC-APACHE-09",
                "requests that break the grammar of HTTP, TRACE, or paths that Apache changes are let in",
                "What Apache, the gate and Airflow read is not one and the same request; only the gate's own care is left.",
                "HttpProtocolOptions Strict, MergeSlashes Off, TraceEnable Off and AllowEncodedSlashes NoDecode",
            ),
            |at| {
                let wanted = [
                    ("HttpProtocolOptions", "Strict"),
                    ("MergeSlashes", "Off"),
                    ("TraceEnable", "Off"),
                    ("AllowEncodedSlashes", "NoDecode"),
                ];
                wanted.iter().all(|(name, value)| at.says(name, value))
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-APACHE-10",
                "the gate's cookie reaches Airflow",
                "Whoever controls Airflow's code can use the sessions of those who visit it.",
                "RequestHeader unset Cookie",
            ),
            |at| at.headers("unset", "Cookie").next().is_some(),
        ),
        Rule::new(
            Guard::warning(
                "DOC-APACHE-11",
                "header names with underscores are let through",
                "Python reads X_Aeolus_User like X-Aeolus-User, so a client's word stands beside the gate's.",
                "RequestHeader unset X_Aeolus_User and the same for X_Aeolus_Email and X_Aeolus_Deployment",
            ),
            |at| {
                let mut aliases = ["X_Aeolus_User", "X_Aeolus_Email", "X_Aeolus_Deployment"].iter();
                aliases.all(|name| at.headers("unset", name).next().is_some())
            },
        ),
        Rule::new(
            Guard::warning(
                "DOC-APACHE-12",
                "Apache writes paths anew before it passes them on",
                "Airflow sees another path than the gate was asked about.",
                "ProxyPass \"/\" \"http://127.0.0.1:8080/\" nocanon",
            ),
            |at| {
                at.spot
                    .all("ProxyPass")
                    .all(|line| line.args.iter().any(|arg| arg == "nocanon"))
            },
        ),
    ];

    /// Directives of its own section.
    fn beside(&self, name: &str) -> impl Iterator<Item = &'a Directive> {
        let own = self.spot.around.first().map_or(&[][..], |(_, block)| block);
        own.iter().filter(move |line| line.is(name))
    }

    /// Whether the nearest directive of this name says so.
    fn says(&self, name: &str, value: &str) -> bool {
        let nearest = self.spot.all(name).next();
        nearest.is_some_and(|line| line.arg(0).eq_ignore_ascii_case(value))
    }

    fn headers(&self, action: &str, name: &str) -> impl Iterator<Item = &'a Directive> {
        self.beside("RequestHeader").filter(move |line| {
            line.arg(0).eq_ignore_ascii_case(action) && line.arg(1).eq_ignore_ascii_case(name)
        })
    }

    /// Whether a rule refuses every request for which this one condition holds. Rules of the main
    /// server do not count in a virtual host.
    fn rewrites_away(&self, finds: fn(&Directive) -> bool) -> bool {
        let blocks = self.spot.around.iter();
        let own = blocks.filter(|(owner, _)| !owner.is_empty() || self.spot.around.len() < 3);
        own.into_iter().any(|(_, block)| {
            let on = |line: &Directive| {
                line.is("RewriteEngine") && line.arg(0).eq_ignore_ascii_case("on")
            };
            block.iter().any(on) && refused(block, finds)
        })
    }
}

fn refused(block: &[Directive], finds: fn(&Directive) -> bool) -> bool {
    let mut conditions = Vec::new();
    for line in block {
        if line.is("RewriteCond") {
            conditions.push(line);
        } else if line.is("RewriteRule") {
            let flags = line.arg(2);
            let refuses = flags.contains("R=4") || flags.contains("[F");
            if matches!(conditions.as_slice(), [only] if refuses && line.arg(0) == "^" && finds(only))
            {
                return true;
            }
            conditions.clear();
        }
    }
    false
}
