//! Real workspaces in temporary folders, read through the real `cargo metadata`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::*;
use crate::repo::fixture;

/// One crate: name, dependencies, dev-dependencies.
type Crate<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

fn check_workspace(crates: &[Crate<'_>]) -> Vec<String> {
    let (folder, repo) = fixture::repo(&[(
        "Cargo.toml",
        "[workspace]\nmembers = [\"*\"]\nresolver = \"3\"\n",
    )]);
    for (name, normal, dev) in crates {
        write_crate(&folder.path().join(name), name, normal, dev);
    }
    check(&repo).unwrap()
}

fn write_crate(folder: &Path, name: &str, normal: &[&str], dev: &[&str]) {
    let mut manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
    for (table, dependencies) in [("dependencies", normal), ("dev-dependencies", dev)] {
        writeln!(manifest, "[{table}]").unwrap();
        for dependency in dependencies {
            writeln!(manifest, "{dependency} = {{ path = \"../{dependency}\" }}").unwrap();
        }
    }
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
}

#[test]
fn declared_edges_pass() {
    let problems = check_workspace(&[
        ("aeolus-model", &[], &["aeolus-testkit"]),
        ("aeolus-keys", &["aeolus-model"], &["aeolus-testkit"]),
        ("aeolus-gate", &["aeolus-keys", "aeolus-model"], &[]),
        ("aeolus-testkit", &[], &[]),
    ]);
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn other_edges_are_named() {
    let problems = check_workspace(&[
        ("aeolus-model", &["aeolus-tls"], &[]),
        ("aeolus-tls", &[], &[]),
        ("aeolus-gate", &["aeolus-store"], &[]),
        ("aeolus-store", &[], &["aeolus-tls"]),
    ]);
    assert_eq!(
        problems,
        [
            "aeolus-gate depends on aeolus-store: it may use decide, snapshot, oidc, pki, keys, model, api, tls.",
            "aeolus-model depends on aeolus-tls: it may use no crate of ours.",
            "aeolus-store depends on aeolus-tls: it may use keys, model.",
        ]
    );
}

#[test]
fn testkit_is_for_tests_only() {
    let problems = check_workspace(&[
        ("aeolus-store", &["aeolus-testkit"], &[]),
        ("aeolus-testkit", &[], &[]),
    ]);
    assert_eq!(
        problems,
        ["aeolus-store depends on aeolus-testkit: it may use keys, model."]
    );
}

#[test]
fn unknown_crate_asks_for_a_row() {
    let problems = check_workspace(&[("aeolus-extras", &[], &[])]);
    assert_eq!(problems.len(), 1);
    assert!(
        problems
            .iter()
            .all(|line| line.starts_with("aeolus-extras is not in the table"))
    );
}

#[test]
fn gate_must_not_reach_a_database_or_templates() {
    // Stand-ins with the real names: what counts is the resolved graph, however long the path.
    let mut problems = check_workspace(&[
        ("aeolus-gate", &["aeolus-tls"], &["kube-client"]),
        ("aeolus-tls", &["middle"], &[]),
        ("middle", &["sqlx-core", "sqlxtra"], &["askama"]),
        ("sqlx-core", &[], &[]),
        ("sqlxtra", &[], &[]),
        ("askama", &[], &[]),
        ("kube-client", &[], &[]),
    ]);
    problems.retain(|line| line.starts_with("The gate"));
    assert_eq!(
        problems,
        ["The gate links sqlx-core (aeolus-gate > aeolus-tls > middle > sqlx-core): it must not."]
    );
}
