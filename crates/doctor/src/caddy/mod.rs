//! Caddy with `forward_auth`.

mod rules;

use std::collections::BTreeMap;

use self::rules::{Asked, reverse_proxies, upstream};
use crate::Beside;
use crate::finding::{Examined, Guard};
use crate::parse;
use crate::tree::{Includes, Malformed, spots};

const ASKS: Guard = Guard::error(
    "DOC-CADDY-01",
    "no forward_auth asks the gate",
    "Whatever Caddy passes on reaches Airflow without a decision.",
    "forward_auth 127.0.0.1:8810 { uri /authz/caddy/ID? … }, as in deploy/caddy/Caddyfile",
);
const ALL_ASK: Guard = Guard::error(
    "DOC-CADDY-02",
    "a reverse_proxy to the same Airflow has no forward_auth before it",
    "Its requests reach Airflow without a decision.",
    "forward_auth in the same block, before it",
);

pub(crate) fn examine(text: &str, beside: &dyn Beside) -> Result<Examined, Malformed> {
    let mut examined = Examined::default();
    let tree = parse::caddy(text)?;
    let named = tree.iter().filter_map(|line| {
        let name = line.name.strip_prefix('(')?.strip_suffix(')')?;
        Some((name.to_owned(), line.block.clone()))
    });
    let includes = Includes {
        names: &["import"],
        parse: parse::caddy,
        beside,
        snippets: named.collect::<BTreeMap<_, _>>(),
    };
    // What a snippet lacks may be around the place that imports it.
    let sites = tree.into_iter().filter(|line| !line.name.starts_with('('));
    let tree = includes.follow(sites.collect(), &mut examined.notes)?;
    let asked = spots(&tree, |line| line.is("forward_auth"));
    if asked.is_empty() {
        examined.find(ASKS, "every site");
    }
    for spot in &asked {
        let at = format!("line {}: forward_auth", spot.line.line);
        examined.judge(Asked::RULES, &Asked { spot }, &at);
    }
    let (guarded, open): (Vec<_>, Vec<_>) = reverse_proxies(&tree)
        .into_iter()
        .partition(|proxy| proxy.all("forward_auth").next().is_some());
    for proxy in open {
        if guarded
            .iter()
            .any(|other| upstream(other.line) == upstream(proxy.line))
        {
            let at = format!(
                "line {}: reverse_proxy {}",
                proxy.line.line,
                upstream(proxy.line)
            );
            examined.find(ALL_ASK, at);
        }
    }
    Ok(examined.sorted())
}
