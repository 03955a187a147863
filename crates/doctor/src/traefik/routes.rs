//! Routers with their middlewares.

use serde_json::Value;

use crate::yaml::{at, entries, text, texts};

/// How deep chains of middlewares may name others.
const CHAINS: usize = 4;

/// A router, and its middlewares in the order in which they act.
pub(super) struct Router<'a> {
    pub(super) name: &'a str,
    pub(super) rule: &'a str,
    pub(super) service: &'a str,
    middlewares: Vec<(&'a str, &'a Value)>,
}

pub(super) struct Routes<'a> {
    pub(super) routers: Vec<Router<'a>>,
}

impl<'a> Routes<'a> {
    /// The routers of a dynamic configuration; entry points have middlewares for all of theirs.
    pub(super) fn of(dynamic: &'a Value, fixed: &'a Value) -> Self {
        let routers = entries(dynamic, "http.routers").map(|(name, router)| {
            let mut middlewares = Vec::new();
            for (entry, point) in entries(fixed, "entryPoints") {
                let named: Vec<_> = texts(router, "entryPoints").collect();
                if named.is_empty() || named.contains(&entry) {
                    add(dynamic, at(point, "http"), &mut middlewares, 0);
                }
            }
            add(dynamic, router, &mut middlewares, 0);
            Router {
                name,
                rule: text(router, "rule"),
                service: text(router, "service"),
                middlewares,
            }
        });
        Self {
            routers: routers.collect(),
        }
    }
}

fn add<'a>(
    dynamic: &'a Value,
    owner: &'a Value,
    all: &mut Vec<(&'a str, &'a Value)>,
    depth: usize,
) {
    for name in texts(owner, "middlewares") {
        let bare = name.split('@').next().unwrap_or(name);
        let mut known = entries(dynamic, "http.middlewares");
        let Some((_, middleware)) = known.find(|(known, _)| *known == bare) else {
            continue;
        };
        let chain = at(middleware, "chain");
        if chain.is_null() {
            all.push((bare, middleware));
        } else if depth < CHAINS {
            add(dynamic, chain, all, depth.saturating_add(1));
        }
    }
}

impl<'a> Router<'a> {
    pub(super) fn forward_auths(&self) -> impl Iterator<Item = &(&'a str, &'a Value)> {
        let all = self.middlewares.iter();
        all.filter(|(_, middleware)| !at(middleware, "forwardAuth").is_null())
    }

    /// Whether the gate is asked about its requests.
    pub(super) fn asks(&self) -> bool {
        self.forward_auths().next().is_some()
    }

    /// What a header of a request is set to, and whether that is before the gate is asked.
    pub(super) fn sets(&self, header: &str) -> Option<(&'a str, bool)> {
        let mut asked = false;
        for (_, middleware) in &self.middlewares {
            asked |= !at(middleware, "forwardAuth").is_null();
            let mut set = entries(middleware, "headers.customRequestHeaders");
            if let Some((_, value)) = set.find(|(name, _)| name.eq_ignore_ascii_case(header)) {
                return Some((value.as_str()?, !asked));
            }
        }
        None
    }
}
