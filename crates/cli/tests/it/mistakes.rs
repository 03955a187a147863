//! What goes wrong is said with its place, its meaning and its remedy; nothing is half-applied.

use std::net::TcpListener;
use std::path::Path;

use crate::program::{Ran, aeolus};

fn check(text: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.yaml");
    std::fs::write(&file, text).unwrap();
    let mut ran = aeolus(&["config", "check", file.to_str().unwrap()]);
    ran.err = ran.err.replace(&folder.path().display().to_string(), "");
    ran
}

/// `aeolus dev` on free ports over a folder.
fn dev(folder: &Path, control: &str, more: &[&str]) -> Ran {
    let folder = folder.to_str().unwrap();
    let base = [
        "dev",
        "--data",
        folder,
        "--control-addr",
        control,
        "--gate-addr",
        "127.0.0.1:0",
        "--proxy-addr",
        "127.0.0.1:0",
    ];
    aeolus(&[&base, more].concat())
}

#[track_caller]
fn says(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "no {word:?} in:\n{}", ran.err);
    }
}

#[test]
fn an_unknown_key_of_the_configuration_names_line_and_nearest() {
    let ran = check("control:\n  listn: 127.0.0.1:1\n");
    says(
        &ran,
        2,
        &["file.yaml:2:3", "`listn`", "did you mean `listen`?"],
    );
}

#[test]
fn an_unknown_key_of_a_fleet_names_line_and_nearest() {
    let ran = check("version: 1\nplanes:\n  - {name: a, authHst: x}\n");
    says(
        &ran,
        2,
        &["file.yaml:3:15", "`authHst`", "did you mean `authHost`?"],
    );
}

/// Where a built-in role or the name of an organization's own may stand.
#[test]
fn a_role_that_is_neither_built_in_nor_a_name_is_told_with_the_nearest() {
    let fleet = |role: &str| {
        format!(
            "version: 1\norganizations:\n  - name: acme\n    users:\n      - {{email: a@example.com, role: {role}}}\n"
        )
    };
    let ran = check(&fleet("ORGANIZATION_OWNR"));
    says(
        &ran,
        2,
        &["file.yaml:5:", "did you mean ORGANIZATION_OWNER?"],
    );
    let ran = check(&fleet("on-call"));
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_built_in_role_or_permission_that_is_none_names_line_and_nearest() {
    let roles = |role: &str, permission: &str| {
        format!(
            "control:\n  roles:\n    {role}:\n      permissions:\n        {permission}: false\n"
        )
    };
    let push = "deployment.images.push";
    for (text, words) in [
        (
            roles("DEPLOYMENT_EDITR", push),
            ["file.yaml:3:5", "did you mean `DEPLOYMENT_EDITOR`?"],
        ),
        (
            roles("DEPLOYMENT_EDITOR", "deployment.image.push"),
            ["file.yaml:5:9", "did you mean `deployment.images.push`?"],
        ),
        (
            roles("SYSTEM_ADMIN", "system.iam.update"),
            ["CFG-0012", "SYSTEM_ADMIN keeps system.iam.update"],
        ),
    ] {
        says(&check(&text), 2, &words);
    }
    let ran = check(&roles("WORKSPACE_EDITOR", push));
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// A request and a person are two questions.
#[test]
fn explain_is_asked_about_a_request_or_about_somebody() {
    let who = ["explain", "--subject", "a@example.com"];
    let beside = ["--resource", "acme", "--url", "https://a.example.com/"];
    for (args, word) in [
        (who.to_vec(), "--resource"),
        ([&who[..], &beside].concat(), "--url"),
        (vec!["explain", "--url", "https://a.example.com/"], "--data"),
    ] {
        let ran = aeolus(&args);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains(word), "no {word} in {}", ran.err);
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let ran = check("control:\n  listn: x\n  metrics: nowhere\n");
    says(&ran, 2, &["file.yaml:2:", "file.yaml:3:"]);
}

#[test]
fn a_fleet_with_a_mistake_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = folder.path().join("fleet.yaml");
    std::fs::write(&fleet, "version: 1\norganisations: []\n").unwrap();
    let data = folder.path().join("data");
    let ran = dev(&data, "127.0.0.1:0", &["--fleet", fleet.to_str().unwrap()]);
    says(
        &ran,
        2,
        &["fleet.yaml:2:1", "did you mean `organizations`?"],
    );
    assert!(!data.exists(), "something was made");
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = dev(&folder.path().join("data"), &address, &[]);
    says(&ran, 1, &["NET-0001", &address, "in use", "port 0"]);
}

#[test]
fn a_folder_that_can_not_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let ran = dev(&file.join("data"), "127.0.0.1:0", &[]);
    says(&ran, 1, &["FILE-0002", "file/data", "choose a place"]);
}

#[test]
fn a_damaged_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control");
    std::fs::create_dir(&control).unwrap();
    let database = control.join("aeolus.db");
    let bytes = vec![0x5a; 8192];
    std::fs::write(&database, &bytes).unwrap();
    let ran = dev(folder.path(), "127.0.0.1:0", &[]);
    says(&ran, 1, &["DB-CORRUPT", "damaged", "backup"]);
    assert_eq!(std::fs::read(&database).unwrap(), bytes);
}

#[test]
fn a_demonstration_without_an_airflow_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let airflow = folder.path().join("nothing");
    let data = folder.path().join("data");
    let ran = aeolus(&[
        "demo",
        "--airflow",
        airflow.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ]);
    says(&ran, 2, &["DEMO-0001", "make demo", "--airflow DIR"]);
    assert!(!data.exists(), "something was made");
}

#[test]
fn a_gate_that_never_joined_says_how_to_join() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gate");
    let ran = aeolus(&[
        "gate",
        "serve",
        "--data",
        data.to_str().unwrap(),
        "--metrics",
        "off",
    ]);
    says(&ran, 1, &["GATE-0003", "aeolus gate enroll"]);
}

#[test]
fn checks_for_other_machines_need_a_network_and_a_secret() {
    let ran = aeolus(&["gate", "serve", "--checks", "0.0.0.0:0", "--metrics", "off"]);
    says(
        &ran,
        1,
        &["GATE-0001", "gate.checksFrom", "gate.proxySecret"],
    );
}

#[test]
fn with_both_the_gate_goes_on_to_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (config, secret) = (folder.path().join("gate.yaml"), "s".repeat(32));
    let text = format!("gate:\n  checksFrom: [10.1.0.0/16]\n  proxySecret: {secret}\n");
    std::fs::write(&config, text).unwrap();
    let data = folder.path().join("data");
    let ran = aeolus(&[
        "gate",
        "serve",
        "--config",
        config.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "--checks",
        "0.0.0.0:0",
        "--metrics",
        "off",
    ]);
    says(&ran, 1, &["GATE-0003", "aeolus gate enroll"]);
}

#[test]
fn ending_sessions_says_which_ones() {
    says(&aeolus(&["session", "end"]), 2, &["--all", "--others"]);
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    for more in [
        ["--all", id],
        ["--others", "--user=ann@example.com"],
        ["--others", "--organization=acme"],
        ["--all", "--others"],
        [id, "--user=ann@example.com"],
    ] {
        let ran = aeolus(&[&["session", "end"], &more[..]].concat());
        says(&ran, 2, &["cannot be used with"]);
    }
}

#[test]
fn a_second_factor_of_nobody_is_not_reset_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("control.db").display());
    let verb = ["control", "reset-second-factor", "ann@example.com"];
    let ran = aeolus(&[&verb[..], &["--database", &database]].concat());
    says(&ran, 2, &["CLI-0014", "ann@example.com"]);
}
