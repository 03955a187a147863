//! §4 of the reference: what others got wrong, by its number there.

use aeolus_scim::schema::{GROUP, USER, uri};
use aeolus_scim::{Link, MemberKind, Profile, Projection, Reason, Version};
use serde_json::json;

use crate::support::*;

#[test]
fn scim_p1_removal_of_a_selected_member_comes_out_as_a_removal() {
    for profile in PROFILES {
        let operations = json!([{"op": "remove", "path": "members[value eq \"u\\\"1\"]"}]);
        let after = patch(profile, &group(), operations).unwrap();
        assert_eq!(after.members.removed().collect::<Vec<_>>(), ["u\"1"]);
    }
}

#[test]
fn scim_p1_a_selection_of_members_that_needs_the_list_is_refused() {
    for selection in [
        "type eq \"User\"",
        "value ne \"u\"",
        "not (value eq \"u\")",
        "value eq \"u\" and value eq \"v\"",
        "value pr",
    ] {
        let operations = json!([{"op": "remove", "path": format!("members[{selection}]")}]);
        let refused = patch(&Profile::MICROSOFT, &group(), operations);
        assert_eq!(reason(refused), Reason::InvalidFilter, "{selection}");
    }
    for (op, path) in [
        ("replace", "members[value eq \"u\"].value"),
        ("replace", "members[value eq \"u\"]"),
        ("remove", "members.value"),
    ] {
        let operations = json!([{"op": op, "path": path, "value": {"value": "v"}}]);
        let refused = patch(&Profile::STRICT, &group(), operations);
        assert_eq!(reason(refused), Reason::Mutability, "{path}");
    }
}

#[test]
fn scim_p3_p4_p5_a_filter_is_answered_or_refused() {
    for filter in [
        "shoeSize eq 43",
        "userName is \"a\"",
        "userName",
        "eq",
        "",
        "groups",
        "userName eq",
        "1 eq 1",
    ] {
        assert_eq!(refused(filter), Reason::InvalidFilter, "{filter}");
    }
    assert!(!finds("displayName eq \"Other\"", &group()));
}

#[test]
fn scim_p6_type_and_primary_of_an_address_are_kept() {
    let version = Version::new(1);
    let answer = with_emails().to_json(&record(&version), None, &Projection::default());
    assert_eq!(
        answer["emails"][0],
        json!({"value": "ada@work.example", "type": "work", "primary": true})
    );
}

#[test]
fn scim_p8_p10_nothing_is_cut() {
    let members: Vec<_> = (0..20_000)
        .map(|n| json!({"value": format!("u{n}")}))
        .collect();
    let operations = json!([{"op": "add", "path": "members", "value": members}]);
    let after = patch(&Profile::OKTA, &group(), operations).unwrap();
    assert_eq!(after.members.added().count(), 20_000);
    let body = json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": members});
    assert_eq!(
        read(&GROUP, &Profile::OKTA, body)
            .unwrap()
            .members
            .unwrap()
            .len(),
        20_000
    );
}

#[test]
fn scim_p14_ids_that_clients_send_mean_nothing() {
    let body = json!({"schemas": [uri::USER], "userName": "a", "id": "r2"});
    let resource = read(&USER, &Profile::MICROSOFT, body).unwrap().resource;
    let version = Version::new(1);
    assert_eq!(
        resource.to_json(&record(&version), None, &Projection::default())["id"],
        "r1"
    );
}

#[test]
fn scim_p15_no_key_is_kept_as_it_is_written_and_a_manager_is_in_one_place() {
    let operations = json!([{"op": "replace", "value": {
        "emails[type eq \"work\"].value": "x@y",
        format!("{ENTERPRISE}:manager"): "m1",
        "manager": "m2",
    }}]);
    let after = patched(&Profile::MICROSOFT, &user(&json!({})), operations);
    let names: Vec<&String> = after.as_object().unwrap().keys().collect();
    assert_eq!(names, ["emails", ENTERPRISE, "userName"]);
}

#[test]
fn scim_p16_names_in_answers_are_the_schemas_own() {
    let body = json!({"schemas": [uri::USER], "USERNAME": "a", "Name": {"GIVENname": "A"}, ENTERPRISE.to_uppercase(): {"Department": "D"}});
    let tree = read(&USER, &Profile::MICROSOFT, body)
        .unwrap()
        .resource
        .into_tree();
    assert_eq!(
        json!(tree),
        json!({"userName": "a", "name": {"givenName": "A"}, ENTERPRISE: {"department": "D"}})
    );
    let version = Version::new(1);
    let answer = group().to_json(&record(&version), None, &Projection::default());
    assert_eq!(answer["meta"]["resourceType"], "Group");
    assert_eq!(answer["meta"]["lastModified"], "2026-11-30T12:30:00Z");
}

#[test]
fn scim_p16_one_name_in_two_spellings_is_refused() {
    let body = json!({"schemas": [uri::USER], "userName": "a", "username": "b"});
    assert_eq!(
        reason(read(&USER, &Profile::STRICT, body)),
        Reason::InvalidSyntax
    );
    let operations = json!([{"op": "replace", "value": {"active": true, "Active": false}}]);
    assert_eq!(
        reason(patch(&Profile::STRICT, &user(&json!({})), operations)),
        Reason::InvalidSyntax
    );
}

#[test]
fn scim_p19_a22_one_bad_operation_leaves_everything_as_it_was() {
    let before = with_emails();
    let copy = before.clone();
    for bad in [
        json!({"op": "replace", "path": "active", "value": "maybe"}),
        json!({"op": "replace", "path": "nowhere", "value": "x"}),
        json!({"op": "remove"}),
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "replace", "path": "userName", "value": ""}),
        json!({"op": "add", "path": "title"}),
    ] {
        let operations = json!([{"op": "replace", "path": "title", "value": "x"}, bad]);
        assert!(
            patch(&Profile::MICROSOFT, &before, operations).is_err(),
            "{bad}"
        );
        assert_eq!(before, copy);
    }
}

#[test]
fn scim_p21_a_name_may_change_its_case() {
    let operations = json!([{"op": "replace", "path": "userName", "value": "ada@example.com"}]);
    let before = user(&json!({}));
    let after = patch(&Profile::OKTA, &before, operations).unwrap();
    assert!(after.changed);
    assert_eq!(after.resource.name_key(), before.name_key());
}

#[test]
fn scim_p22_the_last_name_in_one_patch_counts() {
    let operations = json!([
        {"op": "replace", "path": "userName", "value": "taken"},
        {"op": "replace", "path": "userName", "value": "free"},
    ]);
    let after = patch(&Profile::OKTA, &user(&json!({})), operations).unwrap();
    assert_eq!(after.resource.user_name(), Some("free"));
}

#[test]
fn scim_p24_members_say_where_they_are() {
    let links = [
        Link {
            value: "u1".to_owned(),
            kind: MemberKind::User,
            display: Some("Ada".to_owned()),
        },
        Link {
            value: "g2".to_owned(),
            kind: MemberKind::Group,
            display: None,
        },
    ];
    let version = Version::new(1);
    let answer = group().to_json(&record(&version), Some(&links), &Projection::default());
    assert_eq!(
        answer["members"],
        json!([
            {"value": "u1", "$ref": format!("{BASE}{}/u1", USER.endpoint), "type": "User", "display": "Ada"},
            {"value": "g2", "$ref": format!("{BASE}{}/g2", GROUP.endpoint), "type": "Group"},
        ])
    );
    // What a client says of a member is read from its link as well.
    let member = json!({"$ref": format!("{BASE}{}/g2", GROUP.endpoint)});
    let operations = json!([{"op": "add", "path": "members", "value": [member]}]);
    let after = patch(&Profile::STRICT, &group(), operations).unwrap();
    let member = after.members.added().next().unwrap();
    assert_eq!(
        (member.value.as_str(), member.kind),
        ("g2", Some(MemberKind::Group))
    );
}
