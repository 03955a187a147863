//! A location with all that it inherits.

use std::fmt;

use crate::tree::Directive;

/// A location, and the blocks around it.
pub(crate) struct Scope<'a> {
    pub(crate) location: &'a Directive,
    /// The number of its server.
    pub(crate) server: usize,
    /// Blocks, its own first.
    chain: Vec<&'a [Directive]>,
}

/// Every location of every server.
pub(crate) fn locations(tree: &[Directive]) -> Vec<Scope<'_>> {
    let mut found = Vec::new();
    let mut servers = 0;
    look(tree, &[], &mut servers, &mut found);
    found
}

fn look<'a>(
    block: &'a [Directive],
    outer: &[&'a [Directive]],
    servers: &mut usize,
    found: &mut Vec<Scope<'a>>,
) {
    let mut around = vec![block];
    around.extend(outer);
    for directive in block {
        match directive.name.as_str() {
            "server" => *servers = servers.saturating_add(1),
            "location" => {
                let mut chain = vec![directive.block.as_slice()];
                chain.extend(&around);
                found.push(Scope {
                    location: directive,
                    server: *servers,
                    chain,
                });
            }
            _ => {}
        }
        look(&directive.block, &around, servers, found);
    }
}

impl<'a> Scope<'a> {
    /// All directives of this name of the nearest block that has one: nginx inherits lists as a
    /// whole or not at all.
    pub(crate) fn many(&self, name: &str) -> Vec<&'a Directive> {
        let levels = self.chain.iter().map(|block| -> Vec<&'a Directive> {
            block.iter().filter(|line| line.name == name).collect()
        });
        levels
            .into_iter()
            .find(|all| !all.is_empty())
            .unwrap_or_default()
    }

    /// The directive of this name in effect.
    pub(crate) fn one(&self, name: &str) -> Option<&'a Directive> {
        self.many(name).last().copied()
    }

    /// The first argument of the directive in effect; empty if there is none.
    pub(crate) fn value(&self, name: &str) -> &'a str {
        self.one(name).map_or("", |line| line.arg(0))
    }

    /// What a header is set to on the way on.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        let set = self.many("proxy_set_header");
        let set = set
            .into_iter()
            .rfind(|line| line.arg(0).eq_ignore_ascii_case(name));
        set.map(|line| line.arg(1))
    }

    /// Every directive around and in it, nearest first.
    pub(crate) fn around(&self, name: &str) -> impl Iterator<Item = &'a Directive> {
        let all = self.chain.iter().flat_map(|block| block.iter());
        all.filter(move |line| line.name == name)
    }

    /// Where it passes requests on to; `proxy_pass` is not inherited.
    pub(crate) fn passes(&self) -> Option<&'a str> {
        let own = self.location.block.iter();
        let pass = own.rev().find(|line| line.name == "proxy_pass")?;
        let behind = pass.arg(0).split_once("://")?.1;
        behind.split('/').next()
    }

    /// Whether the gate is asked about its requests.
    pub(crate) fn asks(&self) -> bool {
        self.one("auth_request")
            .is_some_and(|line| line.arg(0) != "off")
    }

    /// Whether it passes on what the gate was asked about.
    pub(crate) fn is_guarded(&self) -> bool {
        self.asks() && self.passes().is_some() && !self.passes_check()
    }

    /// Whether it is where another location of its server asks.
    pub(crate) fn is_check(&self, server: &[&Self]) -> bool {
        let mut asked = server.iter().map(|other| other.value("auth_request"));
        self.passes_check() || asked.any(|uri| uri == self.uri())
    }

    fn passes_check(&self) -> bool {
        let mut own = self.location.block.iter();
        own.any(|line| line.name == "proxy_pass" && line.arg(0).contains("/authz/"))
    }

    /// The path it is for.
    pub(crate) fn uri(&self) -> &'a str {
        self.location.args.last().map_or("", String::as_str)
    }
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.location.args.join(" ");
        write!(f, "line {}: location {words}", self.location.line)
    }
}
