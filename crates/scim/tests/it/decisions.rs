//! §0 of the reference: what both clients may always do.

use aeolus_scim::schema::{GROUP, USER, uri};
use aeolus_scim::{Profile, Query, Reason};
use serde_json::json;

use crate::support::*;

#[test]
fn scim_decision_2_operations_are_taken_in_any_case_by_every_profile() {
    for profile in PROFILES {
        for op in ["replace", "Replace", "REPLACE"] {
            let operations = json!([{"op": op, "path": "displayName", "value": "Ada"}]);
            assert_eq!(
                patched(profile, &user(&json!({})), operations)["displayName"],
                "Ada"
            );
        }
        let operations = json!([{"op": "move", "path": "displayName", "value": "Ada"}]);
        assert_eq!(
            reason(patch(profile, &user(&json!({})), operations)),
            Reason::InvalidSyntax
        );
    }
}

#[test]
fn scim_decision_2_booleans_as_text_become_booleans_also_within_lists() {
    for profile in PROFILES {
        let body = json!({
            "schemas": [uri::USER], "userName": "a", "active": "False",
            "roles": [{"value": "r", "primary": "True"}],
        });
        let resource = read(&USER, profile, body).unwrap().resource;
        assert!(!resource.active());
        assert_eq!(resource.tree()["active"], false);
        assert_eq!(resource.tree()["roles"][0]["primary"], true);
        let operations = json!([{"op": "Replace", "path": "active", "value": "True"}]);
        assert_eq!(patched(profile, &resource, operations)["active"], true);
        let operations = json!([{"op": "Replace", "path": "active", "value": "yes"}]);
        assert_eq!(
            reason(patch(profile, &resource, operations)),
            Reason::InvalidValue
        );
    }
}

#[test]
fn scim_decision_2_null_and_empty_text_unassign() {
    let resource =
        user(&json!({"title": "Countess", "nickName": "A", "name": {"givenName": "Ada"}}));
    for profile in PROFILES {
        for nothing in [json!(null), json!("")] {
            let operations = json!([
                {"op": "replace", "value": {"title": nothing, "name.givenName": nothing}},
                {"op": "replace", "path": "nickName", "value": nothing},
            ]);
            let after = patched(profile, &resource, operations);
            assert_eq!(after, json!({"userName": "Ada@Example.com"}));
        }
        let body = json!({
            "schemas": [uri::USER], "userName": "a", "title": null, "nickName": "", "emails": [],
            "name": {"givenName": ""},
        });
        let tree = read(&USER, profile, body).unwrap().resource.into_tree();
        assert_eq!(tree.len(), 1);
    }
}

#[test]
fn scim_decision_2_keys_of_a_value_without_path_may_be_dotted_urns_and_selections() {
    let operations = json!([{"op": "replace", "value": {
        "name.familyName": "Lovelace",
        "Emails[type eq \"work\"].value": "new@work.example",
        "urn:ietf:params:scim:schemas:core:2.0:User:nickName": "Ada",
        format!("{ENTERPRISE}:department"): "Analysis",
        format!("{ENTERPRISE}:manager.value"): "m1",
    }}]);
    for profile in PROFILES {
        let after = patched(profile, &with_emails(), operations.clone());
        assert_eq!(after["name"], json!({"familyName": "Lovelace"}));
        assert_eq!(after["emails"][0]["value"], "new@work.example");
        assert_eq!(after["emails"][1]["value"], "ada@home.example");
        assert_eq!(after["nickName"], "Ada");
        assert_eq!(
            after[ENTERPRISE],
            json!({"department": "Analysis", "manager": {"value": "m1"}})
        );
    }
}

#[test]
fn scim_decision_2_what_only_the_server_writes_is_ignored_in_bodies_and_refused_as_a_path() {
    for profile in PROFILES {
        let body = json!({
            "schemas": [uri::USER], "userName": "a", "id": "mine", "meta": {"version": "x"},
            "groups": [{"value": "g"}],
        });
        let resource = read(&USER, profile, body.clone()).unwrap().resource;
        assert_eq!(resource.tree().len(), 1);
        let after = patch(
            profile,
            &resource,
            json!([{"op": "replace", "value": body}]),
        )
        .unwrap();
        assert!(!after.changed);
        for path in [
            "id",
            "meta.version",
            "groups",
            "groups[value eq \"g\"]",
            "schemas",
        ] {
            let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
            assert_eq!(
                reason(patch(profile, &resource, operations)),
                Reason::Mutability,
                "{path}"
            );
        }
    }
}

#[test]
fn scim_decision_2_unknown_schemas_and_attributes_are_ignored() {
    for profile in PROFILES {
        let body = json!({
            "schemas": [uri::USER, "urn:example:Custom"], "userName": "a",
            "urn:example:Custom": {"x": 1}, "shoeSize": 43,
        });
        let resource = read(&USER, profile, body.clone()).unwrap().resource;
        assert_eq!(resource.schemas().collect::<Vec<_>>(), [uri::USER]);
        let mut value = body;
        value["urn:example:Custom:2.0:User:x.y"] = json!("z");
        let after = patch(profile, &resource, json!([{"op": "add", "value": value}])).unwrap();
        assert!(!after.changed);
    }
}

#[test]
fn scim_decision_2_plus_and_percent_20_are_spaces_and_unknown_parameters_mean_nothing() {
    for text in [
        "filter=userName+eq+%22ada%40example.com%22",
        "aadOptscim062020&filter=userName%20eq%20%22ada%40example.com%22",
        "aadOptscim062020=true&Filter=userName eq \"ada@example.com\"&x=%20",
    ] {
        let search = Query::from_url(text).unwrap().on(&USER, &LIMITS).unwrap();
        assert!(
            search.filter.unwrap().matches(&whole(&user(&json!({})))),
            "{text}"
        );
    }
    for broken in ["filter=%2", "filter=%zz", "filter=%ff", "filter=a&filter=b"] {
        assert_eq!(
            reason(Query::from_url(broken)),
            Reason::InvalidValue,
            "{broken}"
        );
    }
}

#[test]
fn scim_decision_3_a_selection_without_match_makes_the_value_for_microsoft_alone() {
    let resource = user(&json!({}));
    for op in ["Add", "Replace"] {
        let operations = json!([
            {"op": op, "path": "emails[type eq \"work\"].value", "value": "a@b"},
            {"op": op, "path": "roles[primary eq \"True\"].value", "value": "admin"},
        ]);
        let after = patched(&Profile::MICROSOFT, &resource, operations.clone());
        assert_eq!(after["emails"], json!([{"type": "work", "value": "a@b"}]));
        assert_eq!(after["roles"], json!([{"primary": true, "value": "admin"}]));
        for profile in [&Profile::OKTA, &Profile::STRICT] {
            assert_eq!(
                reason(patch(profile, &resource, operations.clone())),
                Reason::NoTarget
            );
        }
    }
    // What a filter says beyond equality can't be made.
    let operations =
        json!([{"op": "add", "path": "emails[type ne \"work\"].value", "value": "a@b"}]);
    assert_eq!(
        reason(patch(&Profile::MICROSOFT, &resource, operations)),
        Reason::NoTarget
    );
    // Clearing what isn't there makes nothing.
    let operations =
        json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": ""}]);
    assert!(
        !patch(&Profile::MICROSOFT, &resource, operations)
            .unwrap()
            .changed
    );
}

#[test]
fn scim_decision_3_remove_with_values_removes_only_those_for_microsoft_and_never_all() {
    let operations = json!([{"op": "Remove", "path": "members", "value": [{"value": "u1"}]}]);
    let after = patch(&Profile::MICROSOFT, &group(), operations.clone()).unwrap();
    assert_eq!(after.members.removed().collect::<Vec<_>>(), ["u1"]);
    assert!(!after.members.replaces());
    for profile in [&Profile::OKTA, &Profile::STRICT] {
        assert_eq!(
            reason(patch(profile, &group(), operations.clone())),
            Reason::InvalidValue
        );
    }
    let operations =
        json!([{"op": "Remove", "path": "emails", "value": [{"value": "ada@home.example"}]}]);
    let after = patched(&Profile::MICROSOFT, &with_emails(), operations);
    assert_eq!(after["emails"].as_array().unwrap().len(), 1);
    assert_eq!(after["emails"][0]["type"], "work");
}

#[test]
fn scim_decision_3_a_manager_is_taken_in_all_forms_from_microsoft() {
    let path = format!("{ENTERPRISE}:manager");
    let of = |value: serde_json::Value| json!([{"op": "Add", "path": path, "value": value}]);
    let resource = user(&json!({ENTERPRISE: {"manager": {"value": "old", "$ref": "x/old"}}}));
    for value in [
        json!("m1"),
        json!({"value": "m1"}),
        json!([{"value": "m1"}]),
        json!(["m1"]),
    ] {
        let after = patched(&Profile::MICROSOFT, &resource, of(value.clone()));
        assert_eq!(
            after[ENTERPRISE]["manager"],
            json!({"value": "m1"}),
            "{value}"
        );
    }
    for nothing in [json!(""), json!(null)] {
        let after = patched(&Profile::MICROSOFT, &resource, of(nothing));
        assert!(after.get(ENTERPRISE).is_none());
    }
    let strict = patch(&Profile::STRICT, &resource, of(json!("m1")));
    assert_eq!(reason(strict), Reason::InvalidValue);
}

#[test]
fn scim_decision_5_names_are_kept_in_their_case_and_looked_up_without() {
    let resource = user(&json!({"externalId": "00uA"}));
    assert_eq!(resource.user_name(), Some("Ada@Example.com"));
    assert_eq!(resource.name_key().unwrap(), "ada@example.com");
    assert!(finds("userName eq \"ADA@example.COM\"", &resource));
    assert!(finds("externalId eq \"00uA\"", &resource));
    assert!(!finds("externalId eq \"00ua\"", &resource));
    assert!(finds("displayName eq \"airflow ops\"", &group()));
    assert_eq!(group().name_key().unwrap(), "airflow ops");
}

#[test]
fn scim_decision_6_only_an_explicit_false_is_inactive() {
    assert!(user(&json!({})).active());
    assert!(!user(&json!({"active": false})).active());
}

#[test]
fn scim_decision_1_schemas_have_to_agree_in_the_strict_profile_only() {
    let body = json!({"schemas": [uri::GROUP], "userName": "a"});
    assert_eq!(
        reason(read(&USER, &Profile::STRICT, body.clone())),
        Reason::InvalidSyntax
    );
    assert!(read(&USER, &Profile::MICROSOFT, body).is_ok());
    let error = read(&GROUP, &Profile::STRICT, json!({"schemas": [uri::GROUP]})).unwrap_err();
    assert_eq!(error.reason, Reason::InvalidValue);
}
