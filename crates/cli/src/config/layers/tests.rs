//! Which layer wins, and what is said about layers that are wrong.

use std::fmt::Write as _;
use std::io::Write as _;

use super::*;

/// A file, variables and flags.
type Layers<'a> = (
    Option<&'a str>,
    &'a [(&'a str, &'a str)],
    &'a [(&'static str, &'static str, &'a str)],
);

fn load(
    file: Option<&str>,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &'static str, &str)],
) -> Result<Effective, String> {
    let temporary = file.map(|text| {
        let mut temporary = tempfile::NamedTempFile::new().unwrap();
        temporary.write_all(text.as_bytes()).unwrap();
        temporary
    });
    let path = temporary.as_ref().map(|file| file.path().to_owned());
    let flag = |(name, path, value): &(&'static str, &'static str, &str)| Flag {
        name,
        path,
        value: (*value).to_owned(),
    };
    let sources = Sources {
        file: path.as_deref(),
        environment: &Environment::of(environment),
        flags: flags.iter().map(flag).collect(),
    };
    sources.load().map_err(|failure| {
        let text = failure.render();
        match &path {
            Some(path) => text.replace(&path.display().to_string(), "FILE"),
            None => text,
        }
    })
}

fn origin(effective: &Effective, path: &str) -> String {
    let text = effective.values[path].1.to_string();
    text.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let file = "control:\n  listen: 127.0.0.1:1\n";
    let env = [("CONTROL__LISTEN", "127.0.0.1:2")];
    let flag = [("--listen", "control.listen", "127.0.0.1:3")];
    let table: [(Layers<'_>, &str); 5] = [
        ((None, &[], &[]), "127.0.0.1:8800"),
        ((Some(file), &[], &[]), "127.0.0.1:1"),
        ((Some(file), &env, &[]), "127.0.0.1:2"),
        ((Some(file), &env, &flag), "127.0.0.1:3"),
        ((None, &[], &flag), "127.0.0.1:3"),
    ];
    for ((file, env, flags), expected) in table {
        let effective = load(file, env, flags).unwrap();
        assert_eq!(effective.config.control.listen.to_string(), expected);
    }
    let all = load(Some(file), &env, &flag).unwrap();
    assert_eq!(origin(&all, "control.listen"), "flag --listen");
    let two = load(Some(file), &env, &[]).unwrap();
    assert_eq!(
        origin(&two, "control.listen"),
        "environment CONTROL__LISTEN"
    );
    let one = load(Some(file), &[], &[]).unwrap();
    assert!(origin(&one, "control.listen").ends_with(":2"));
    assert_eq!(origin(&one, "control.metrics"), "default");
}

#[test]
fn every_kind_of_value_can_come_from_the_environment() {
    let env = [
        ("CONTROL__TRUSTED_HOPS", "2"),
        ("CONTROL__METRICS", "off"),
        ("CONTROL__SESSION__ACCESS_LIFE", "90s"),
        ("GATE__CHECKS", "127.0.0.1:1, unix:/run/a.sock"),
        ("KEYS__MASTER_KEY__FILE", "/k"),
        ("DATABASE__URL", "sqlite:x.db"),
        ("OBSERVABILITY__LOG_FORMAT", "json"),
        ("PATH", "/bin"),
        ("UNRELATED__THING", "x"),
    ];
    let config = load(None, &env, &[]).unwrap().config;
    assert_eq!(config.control.trusted_hops, 2);
    assert_eq!(config.control.metrics, None);
    assert_eq!(config.control.session.access_life.as_secs(), 90);
    assert_eq!(config.gate.checks.len(), 2);
    assert_eq!(
        serde_json::to_value(&config.keys.master_key).unwrap(),
        serde_json::json!({"file": "/k"})
    );
}

#[test]
fn a_secret_is_replaced_as_a_whole() {
    let file = "keys:\n  masterKey: {file: /a}\n";
    let env = [("KEYS__MASTER_KEY", "value")];
    let config = load(Some(file), &env, &[]).unwrap().config;
    let json = serde_json::to_value(&config.keys.master_key).unwrap();
    assert_eq!(json, serde_json::json!("value"));
    let file = "keys:\n  masterKey: value\n";
    let env = [("KEYS__MASTER_KEY__ENV", "X")];
    let config = load(Some(file), &env, &[]).unwrap().config;
    let json = serde_json::to_value(&config.keys.master_key).unwrap();
    assert_eq!(json, serde_json::json!({"env": "X"}));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let file = "control:\n  lisen: 127.0.0.1:1\n  trustedHops: -1\ncompat:\n  x: 1\n";
    let env = [
        ("GATE__CHEKS", "127.0.0.1:1"),
        ("CONTROL__TRUSTED_HOPS", "x"),
    ];
    let error = load(Some(file), &env, &[]).unwrap_err();
    insta::assert_snapshot!(error);
}

#[test]
fn a_wrong_value_names_its_layer() {
    for (env, flags) in [
        (vec![("GATE__CHECKS", "localhost")], vec![]),
        (vec![], vec![("--checks", "gate.checks", "localhost")]),
    ] {
        let error = load(None, &env, &flags).unwrap_err();
        assert!(error.contains("CFG-0004"), "{error}");
        assert!(error.contains("gate.checks"), "{error}");
        assert!(error.contains("not an address to listen on"), "{error}");
    }
}

#[test]
fn every_default_is_pinned() {
    let effective = load(None, &[], &[]).unwrap();
    let mut text = String::new();
    for leaf in leaves(&Shape::of::<Config>()) {
        let value = effective.values.get(&leaf.path);
        let shown = value.map_or_else(|| "(none)".to_owned(), |(value, _)| value.to_string());
        writeln!(text, "{} = {shown}", leaf.path).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_share_is_a_number_from_0_to_1_in_every_layer() {
    let file = "observability: {allowSample: 0.25}\n";
    let share = |loaded: Result<Effective, String>| -> f64 {
        loaded.unwrap().config.observability.allow_sample.into()
    };
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(share(load(None, &[], &[])), 0.001));
    assert!(close(share(load(Some(file), &[], &[])), 0.25));
    let variable = [("OBSERVABILITY__ALLOW_SAMPLE", "1")];
    assert!(close(share(load(Some(file), &variable, &[])), 1.0));
    let file = "observability: {allowSample: 2}\n";
    let wrong = load(Some(file), &[], &[]).err().unwrap();
    assert!(wrong.contains("a number from 0 to 1"), "{wrong}");
    let variable = [("OBSERVABILITY__ALLOW_SAMPLE", "often")];
    let wrong = load(None, &variable, &[]).err().unwrap();
    assert!(wrong.contains("a number from 0 to 1"), "{wrong}");
}

/// Permissions have dots, as the paths of keys do: such a mapping is one value.
#[test]
fn a_mapping_of_names_comes_from_a_file_or_as_json_from_the_environment() {
    let one = |push| {
        format!(
            "{{\"DEPLOYMENT_EDITOR\":{{\"permissions\":{{\"deployment.images.push\":{push}}}}}}}"
        )
    };
    let file = format!("control:\n  roles: {}\n", one(false));
    let read = |effective: &Effective| serde_json::to_string(&effective.config.control.roles);
    let from_file = load(Some(&file), &[], &[]).unwrap();
    assert_eq!(read(&from_file).unwrap(), one(false));
    assert!(origin(&from_file, "control.roles").ends_with(":2"));
    let env = one(true);
    let above = load(Some(&file), &[("CONTROL__ROLES", &env)], &[]).unwrap();
    assert_eq!(read(&above).unwrap(), one(true));
    let wrong = load(None, &[("CONTROL__ROLES", "all")], &[]).unwrap_err();
    assert!(wrong.contains("not a JSON object"), "{wrong}");
}

#[test]
fn an_optional_section_with_nothing_in_it_is_there_with_every_default() {
    let registry = |file: &str, env: &[(&str, &str)]| {
        let effective = load(Some(file), env, &[]).unwrap();
        effective.config.compat.registry
    };
    let all = Some(crate::config::Registry::default());
    assert_eq!(registry("compat: {registry: {}}\n", &[]), all);
    for absent in ["compat: {}\n", "compat: {registry: null}\n"] {
        assert_eq!(registry(absent, &[]), None, "{absent}");
    }
    let env = [("COMPAT__REGISTRY__SERVICE", "images")];
    let named = registry("compat: {registry: {}}\n", &env).unwrap();
    assert_eq!(named.service, "images");
}
