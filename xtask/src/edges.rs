//! Which of our crates may depend on which, and what the gate must never link.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repo::{Repo, run};

/// Every crate and the crates of ours it may name. Each row is complete: what a crate reaches through
/// another one is listed too. `ARCHITECTURE.md` draws the same.
const ALLOWED: &[(&str, &[&str])] = &[
    ("aeolus-model", &[]),
    ("aeolus-doctor", &[]),
    ("aeolus-scim", &[]),
    ("aeolus-tls", &["api", "pki", "keys", "model"]),
    ("aeolus-api", &["model"]),
    ("aeolus-keys", &["model"]),
    ("aeolus-store", &["keys", "model"]),
    ("aeolus-oidc", &["keys", "model"]),
    ("aeolus-pki", &["keys", "model"]),
    ("aeolus-snapshot", &["keys", "model"]),
    ("aeolus-decide", &["snapshot", "keys", "model"]),
    ("aeolus-acme", &["pki", "tls", "api", "keys", "model"]),
    ("aeolus-kube", &["api", "pki", "keys", "model"]),
    (
        "aeolus-gate",
        &[
            "decide", "snapshot", "oidc", "pki", "keys", "model", "api", "tls",
        ],
    ),
    (
        "aeolus-control",
        &[
            "store", "scim", "oidc", "pki", "snapshot", "decide", "keys", "model", "api", "tls",
        ],
    ),
    (
        "aeolus-cli",
        &[
            "control", "gate", "acme", "doctor", "kube", "store", "scim", "oidc", "pki",
            "snapshot", "decide", "keys", "model", "api", "tls",
        ],
    ),
    (TESTKIT, &["keys", "model"]),
    (
        "aeolus-bench",
        &[
            "gate", "decide", "store", "snapshot", "api", "keys", "model",
        ],
    ),
    (
        "aeolus-fuzz",
        &[
            "gate", "doctor", "decide", "scim", "snapshot", "oidc", "kube", "pki", "api", "keys",
            "model",
        ],
    ),
    ("xtask", &[]),
];

/// Parts for tests: any crate may use it for its tests, none for its product.
const TESTKIT: &str = "aeolus-testkit";

/// The gate decides from memory. These, or a crate whose name starts with one of them and a dash,
/// would bring a database, a cluster client or page templates into its process.
const NOT_IN_GATE: &[&str] = &["sqlx", "libsqlite3-sys", "kube", "k8s-openapi", "askama"];

pub(crate) fn check(repo: &Repo) -> Result<Vec<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--format-version", "1"])
        .current_dir(&repo.root);
    let metadata = serde_json::from_slice(&run(&mut cargo)?)?;
    let mut problems = undeclared_edges(&metadata)?;
    problems.extend(gate_links(&metadata)?);
    Ok(problems)
}

fn undeclared_edges(metadata: &Value) -> Result<Vec<String>> {
    let packages = members(metadata)?;
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|package| text(package, "name"))
        .collect::<Result<_>>()?;
    let mut problems = Vec::new();
    for package in packages {
        let from = text(package, "name")?;
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == from) else {
            problems.push(format!(
                "{from} is not in the table of xtask/src/edges.rs: add what it may depend on there \
                 and in ARCHITECTURE.md."
            ));
            continue;
        };
        for dependency in list(package, "dependencies")? {
            let to = text(dependency, "name")?;
            let short = to.strip_prefix("aeolus-").unwrap_or(to);
            let for_tests = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            let fine =
                !ours.contains(to) || allowed.contains(&short) || (for_tests && to == TESTKIT);
            if !fine {
                problems.push(format!(
                    "{from} depends on {to}: it may use {}.",
                    names(allowed)
                ));
            }
        }
    }
    Ok(problems)
}

fn names(allowed: &[&str]) -> String {
    if allowed.is_empty() {
        "no crate of ours".to_owned()
    } else {
        allowed.join(", ")
    }
}

/// Follows the resolved graph, without dependencies that exist for tests only.
fn gate_links(metadata: &Value) -> Result<Vec<String>> {
    let Some(gate) = members(metadata)?
        .into_iter()
        .find(|package| is_named(package, "aeolus-gate"))
    else {
        return Ok(Vec::new());
    };
    let names: BTreeMap<&str, &str> = list(metadata, "packages")?
        .iter()
        .map(|package| Ok((text(package, "id")?, text(package, "name")?)))
        .collect::<Result<_>>()?;
    let resolve = metadata
        .get("resolve")
        .context("metadata without a resolved graph")?;
    let nodes: BTreeMap<&str, &Value> = list(resolve, "nodes")?
        .iter()
        .map(|node| Ok((text(node, "id")?, node)))
        .collect::<Result<_>>()?;

    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![(text(gate, "id")?, "aeolus-gate".to_owned())];
    while let Some((id, path)) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let name = names.get(id).context("a node without a package")?;
        if NOT_IN_GATE
            .iter()
            .any(|banned| is_or_belongs_to(name, banned))
        {
            problems.push(format!("The gate links {name} ({path}): it must not."));
            continue;
        }
        for dependency in list(nodes.get(id).context("a package without a node")?, "deps")? {
            if is_linked(dependency)? {
                let next = text(dependency, "pkg")?;
                let name = names.get(next).context("an edge to an unknown package")?;
                open.push((next, format!("{path} > {name}")));
            }
        }
    }
    Ok(problems)
}

fn is_or_belongs_to(name: &str, banned: &str) -> bool {
    name.strip_prefix(banned)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn is_linked(dependency: &Value) -> Result<bool> {
    Ok(list(dependency, "dep_kinds")?
        .iter()
        .any(|kind| kind.get("kind").is_none_or(Value::is_null)))
}

fn members(metadata: &Value) -> Result<Vec<&Value>> {
    let ids: BTreeSet<&str> = list(metadata, "workspace_members")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let is_member = |package: &&Value| {
        package
            .get("id")
            .and_then(Value::as_str)
            .is_some_and(|id| ids.contains(id))
    };
    Ok(list(metadata, "packages")?
        .iter()
        .filter(is_member)
        .collect())
}

fn is_named(package: &Value, name: &str) -> bool {
    package.get("name").and_then(Value::as_str) == Some(name)
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value
        .get(key)
        .and_then(Value::as_array)
        .with_context(|| format!("metadata without {key}"))
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value
        .get(key)
        .and_then(Value::as_str)
        .with_context(|| format!("metadata without {key}"))
}

#[cfg(test)]
mod tests;
