//! §4 of the reference and attack A17: what is refused before it costs, by counting the work and not the time.

use aeolus_scim::schema::{USER, uri};
use aeolus_scim::{Filter, Patch, Profile, Projection, Reason, json};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn a17_filters_are_limited_in_length_depth_and_terms() {
    let nested = |depth| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&USER, &nested(32), &LIMITS).is_ok());
    assert_eq!(refused(&nested(33)), Reason::InvalidFilter);
    assert_eq!(refused(&"not (".repeat(800)), Reason::InvalidFilter);
    assert_eq!(
        refused(&format!("{}emails[type pr]", "(".repeat(32))),
        Reason::InvalidFilter
    );
    let terms = |count| vec!["title pr"; count].join(" or ");
    assert!(Filter::parse(&USER, &terms(100), &LIMITS).is_ok());
    assert_eq!(refused(&terms(101)), Reason::InvalidFilter);
    assert_eq!(
        refused(&format!("title eq \"{}\"", "x".repeat(4096))),
        Reason::InvalidFilter
    );
    // Depth is how deep, not how many.
    assert!(Filter::parse(&USER, &vec!["(title pr)"; 60].join(" and "), &LIMITS).is_ok());
}

#[test]
fn a17_filters_of_an_attacker() {
    for filter in [
        "1 eq 1",
        "userName eq \"a\" or 1 eq 1",
        "' or ''='",
        "userName eq \"a\"; drop table users",
        "userName eq \"a\" -- ",
    ] {
        assert_eq!(refused(filter), Reason::InvalidFilter, "{filter}");
    }
    // Wildcards of another language are letters here.
    assert!(!finds("userName co \"%\"", &user(&json!({}))));
    assert!(finds(
        "title eq \"' or 1=1 --\"",
        &user(&json!({"title": "' or 1=1 --"}))
    ));
}

#[test]
fn fifty_thousand_values_are_refused_before_any_is_read() {
    // Values that would be refused for another reason, were they read.
    let values: Vec<Value> = vec![json!(5); 50_000];
    for operation in [
        json!({"op": "add", "path": "members", "value": values}),
        json!({"op": "add", "value": {"members": values}}),
        json!({"op": "remove", "path": "members", "value": values}),
    ] {
        let refused = patch(&Profile::MICROSOFT, &group(), json!([operation]));
        assert_eq!(reason(refused), Reason::TooMany);
    }
    let body = json!({"schemas": [uri::GROUP], "displayName": "g", "members": values});
    assert_eq!(
        reason(read(&aeolus_scim::schema::GROUP, &Profile::OKTA, body)),
        Reason::TooMany
    );
    // Split over operations as well.
    let operations: Vec<Value> = (0..201)
        .map(|_| json!({"op": "add", "path": "members", "value": vec![5; 100]}))
        .collect();
    assert_eq!(
        reason(patch(&Profile::OKTA, &group(), json!(operations))),
        Reason::TooMany
    );
}

#[test]
fn five_thousand_operations_and_no_more() {
    let operations = |count| {
        json!(vec![
            json!({"op": "replace", "path": "title", "value": "x"});
            count
        ])
    };
    assert!(patch(&Profile::OKTA, &user(&json!({})), operations(5_000)).is_ok());
    assert_eq!(
        reason(patch(&Profile::OKTA, &user(&json!({})), operations(5_001))),
        Reason::TooMany
    );
}

#[test]
fn two_thousand_removals_cost_as_many_steps() {
    let operations: Vec<Value> = (0..2_000)
        .map(|n| json!({"op": "remove", "path": format!("members[value eq \"u{n}\"]")}))
        .collect();
    let after = patch(&Profile::MICROSOFT, &group(), json!(operations)).unwrap();
    assert_eq!(after.members.removed().count(), 2_000);
    assert_eq!(after.work, 4_001);
}

#[test]
fn twenty_thousand_members_cost_as_many_steps() {
    let members: Vec<Value> = (0..20_000)
        .map(|n| json!({"value": n.to_string()}))
        .collect();
    let operations = json!([{"op": "replace", "path": "members", "value": members}]);
    let after = patch(&Profile::OKTA, &group(), operations).unwrap();
    assert_eq!(after.work, 20_002);
}

#[test]
fn work_that_multiplies_is_refused() {
    let emails: Vec<Value> = (0..500)
        .map(|n| json!({"value": format!("{n}@{}", "x".repeat(500))}))
        .collect();
    let resource = user(&json!({"emails": emails}));
    let many = |operation: Value| json!(vec![operation; 5_000]);
    for operation in [
        json!({"op": "remove", "path": "emails[value co \"y\"]"}),
        json!({"op": "add", "path": "emails", "value": {"value": format!("0@{}", "x".repeat(500))}}),
        json!({"op": "remove", "path": "emails", "value": {"value": "y"}}),
        json!({"op": "replace", "path": "emails.display", "value": "x".repeat(500)}),
    ] {
        let refused = patch(&Profile::MICROSOFT, &resource, many(operation));
        assert_eq!(reason(refused), Reason::TooMany);
    }
}

#[test]
fn texts_and_resources_are_limited() {
    let long = "x".repeat(64 * 1024 + 1);
    let body = json!({"schemas": [uri::USER], "userName": "a", "title": long});
    assert_eq!(
        reason(read(&USER, &Profile::STRICT, body)),
        Reason::InvalidValue
    );
    let emails: Vec<Value> = (0..501).map(|n| json!({"value": n.to_string()})).collect();
    let body = json!({"schemas": [uri::USER], "userName": "a", "emails": emails});
    assert_eq!(reason(read(&USER, &Profile::STRICT, body)), Reason::TooMany);
    let emails: Vec<Value> = (0..500)
        .map(|n| json!({"value": format!("{n}{}", "x".repeat(3_000))}))
        .collect();
    let body = json!({"schemas": [uri::USER], "userName": "a", "emails": emails});
    assert_eq!(
        reason(read(&USER, &Profile::STRICT, body)),
        Reason::InvalidValue
    );
    let operations = json!([{"op": "replace", "path": "emails", "value": emails}]);
    assert_eq!(
        reason(patch(&Profile::STRICT, &user(&json!({})), operations)),
        Reason::InvalidValue
    );
    let names = vec!["a"; 201].join(",");
    assert_eq!(
        reason(Projection::parse(&USER, Some(&names), None, &LIMITS)),
        Reason::InvalidValue
    );
}

#[test]
fn texts_with_signs_of_other_languages_are_kept_and_not_repeated_in_errors() {
    let odd = "a\r\nSet-Cookie: x=1,<b>=cmd|'/c'\u{202e}\u{200b}";
    let resource = user(&json!({"displayName": odd}));
    assert_eq!(resource.display_name(), Some(odd));
    let operations = json!([{"op": format!("x{odd}{}", "y".repeat(1_000)), "path": "title"}]);
    let error = patch(&Profile::STRICT, &resource, operations).unwrap_err();
    assert!(!error.detail.contains(['\r', '\n']));
    assert!(error.detail.len() < 200);
}

#[test]
fn a_body_is_read_within_limits_or_not_at_all() {
    for body in [&b"{"[..], b"\xff", b"{\"a\":1}x", b""] {
        let error = json::parse(body, &LIMITS).unwrap_err();
        assert_eq!(error.reason, Reason::InvalidSyntax);
    }
    let deep = format!("{{\"Operations\":{}{}}}", "[".repeat(64), "]".repeat(64));
    assert!(json::parse(deep.as_bytes(), &LIMITS).is_err());
    for body in [json!(null), json!("x"), json!([1])] {
        assert_eq!(
            reason(read(&USER, &Profile::MICROSOFT, body.clone())),
            Reason::InvalidSyntax
        );
        assert_eq!(
            reason(Patch::read(&USER, body, rules(&Profile::MICROSOFT))),
            Reason::InvalidSyntax
        );
    }
}
