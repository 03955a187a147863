//! Telling from a text which proxy it is for.

use crate::tree::spots;
use crate::yaml::{at, yaml};
use crate::{Kind, parse};

/// Whether a text is for one proxy.
type Test = fn(&str) -> bool;

/// The proxy a configuration is for; none if it could be anything.
pub fn detect(text: &str) -> Option<Kind> {
    let known: [(Kind, Test); 6] = [
        (Kind::Envoy, is_envoy),
        (Kind::Traefik, is_traefik),
        (Kind::Nginx, is_nginx),
        (Kind::Haproxy, is_haproxy),
        (Kind::Apache, is_apache),
        (Kind::Caddy, is_caddy),
    ];
    let found = known.into_iter().find(|(_, is)| is(text));
    found.map(|(kind, _)| kind)
}

fn has_one(text: &str, paths: &[&str]) -> bool {
    yaml(text).is_ok_and(|value| paths.iter().any(|path| !at(&value, path).is_null()))
}

fn is_envoy(text: &str) -> bool {
    has_one(
        text,
        &["static_resources", "dynamic_resources", "resources"],
    )
}

fn is_traefik(text: &str) -> bool {
    has_one(text, &["entryPoints", "http.routers", "http.middlewares"])
}

fn is_haproxy(text: &str) -> bool {
    parse::haproxy(text).is_ok_and(|tree| {
        tree.iter().any(|line| {
            matches!(
                line.name.as_str(),
                "frontend" | "backend" | "listen" | "defaults"
            ) && !line.args.iter().any(|arg| arg == "{")
        })
    })
}

fn is_apache(text: &str) -> bool {
    parse::apache(text).is_ok_and(|tree| {
        let known = spots(&tree, |line| {
            [
                "VirtualHost",
                "Location",
                "LocationMatch",
                "LoadModule",
                "ProxyPass",
            ]
            .iter()
            .any(|name| line.is(name))
        });
        !known.is_empty()
    })
}

fn is_nginx(text: &str) -> bool {
    parse::nginx(text).is_ok_and(|tree| {
        tree.iter().any(|line| {
            matches!(
                line.name.as_str(),
                "server" | "http" | "location" | "map" | "upstream"
            )
        })
    })
}

fn is_caddy(text: &str) -> bool {
    parse::caddy(text).is_ok_and(|tree| {
        !spots(&tree, |line| {
            line.is("reverse_proxy") || line.is("forward_auth")
        })
        .is_empty()
    })
}
