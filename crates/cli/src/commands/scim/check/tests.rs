use std::collections::BTreeSet;

use aeolus_keys::SystemRng;
use serde_json::Value;

use super::judge::filled;
use super::step::Expect;
use super::*;

const PROFILES: [ScimProfile; 3] = [
    ScimProfile::Okta,
    ScimProfile::Microsoft,
    ScimProfile::Strict,
];

/// What is in braces.
fn names(text: &str, found: &mut BTreeSet<String>) {
    let parts = text
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'));
    found.extend(parts.map(|(name, _)| name.to_owned()));
}

fn in_json(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => names(text, found),
        Value::Array(items) => items.iter().for_each(|item| in_json(item, found)),
        Value::Object(members) => members.values().for_each(|member| in_json(member, found)),
        _ => {}
    }
}

#[test]
fn every_sequence_is_whole() {
    for profile in PROFILES {
        let mut known: BTreeSet<String> = values(&SystemRng).into_keys().collect();
        let mut codes = BTreeSet::new();
        for step in sequence(profile) {
            assert!(codes.insert(step.code), "{} twice", step.code);
            assert!(
                !step.what.is_empty() && !step.means.is_empty(),
                "{}",
                step.code
            );
            let status = |expect: &Expect| matches!(expect, Expect::Status(_));
            assert!(step.expect.iter().any(status), "{}", step.code);
            let mut used = BTreeSet::new();
            names(step.ask.path, &mut used);
            if !step.ask.body.is_empty() {
                let body: Value = serde_json::from_str(step.ask.body).unwrap();
                in_json(&body, &mut used);
            }
            known.extend(step.keep.map(|keep| keep.name.to_owned()));
            for expect in step.expect {
                if let Expect::Is(_, text) | Expect::Holds(_, text) | Expect::Misses(_, text) =
                    expect
                {
                    names(text, &mut used);
                }
            }
            assert!(used.is_subset(&known), "{}: {used:?}", step.code);
            assert_eq!(
                step.ask.method == "POST" && !step.ask.path.ends_with(".search"),
                step.keep.is_some_and(|keep| keep.made),
                "{}",
                step.code
            );
        }
    }
}

#[test]
fn oktas_test_has_its_twelve_requests_and_entras_list_is_there() {
    let count = |profile, start: &str| {
        sequence(profile)
            .filter(|step| step.code.starts_with(start))
            .count()
    };
    assert_eq!(count(ScimProfile::Okta, "OKTA-SPEC-"), 12);
    assert!(count(ScimProfile::Microsoft, "ENTRA-") > 40);
}

#[test]
fn everything_is_called_by_a_name_that_is_unmistakable() {
    let values = values(&SystemRng);
    for name in [
        "login",
        "first login",
        "renamed",
        "group name",
        "group name 2",
        "external",
    ] {
        let value = filled(&format!("{{{name}}}"), &values).unwrap();
        assert!(value.starts_with("aeolus-check-"), "{value}");
    }
    let guid = &values["guid"];
    let lengths: Vec<usize> = guid.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{guid}");
}

#[test]
fn scim_a_profile_is_the_connections_and_else_follows_from_the_provider() {
    let shown = |kind: &str, profile: Option<&str>| {
        let mut shown = serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001",
            "name": "idp",
            "type": kind,
            "origin": "document",
            "sessionTokens": false,
        });
        if let Some(profile) = profile {
            shown["scimProfile"] = profile.into();
        }
        profile_of(&serde_json::from_value(shown).unwrap())
    };
    assert_eq!(shown("okta", None), ScimProfile::Okta);
    assert_eq!(shown("microsoft", None), ScimProfile::Microsoft);
    for other in ["google", "custom", "adfs"] {
        assert_eq!(shown(other, None), ScimProfile::Strict);
        assert_eq!(shown(other, Some("okta")), ScimProfile::Okta);
    }
    assert_eq!(shown("okta", Some("microsoft")), ScimProfile::Microsoft);
    assert_eq!(shown("microsoft", Some("strict")), ScimProfile::Strict);
}
