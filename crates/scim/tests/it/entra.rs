//! §2 of the reference: what Microsoft Entra ID sends.

use aeolus_scim::schema::{GROUP, USER, uri};
use aeolus_scim::{Filter, Key, Lookup, Profile, Query, Reason};
use serde_json::json;

use crate::support::*;

const MICROSOFT: &Profile = &Profile::MICROSOFT;

fn one(key: Key, value: &str) -> Vec<Vec<Lookup>> {
    let value = value.to_owned();
    vec![vec![Lookup { key, value }]]
}

#[test]
fn entra_matching_filters_are_lookups() {
    for (filter, key, value) in [
        ("userName eq \"Ada@B.c\"", Key::UserName, "ada@b.c"),
        ("externalId eq \"Ada\"", Key::ExternalId, "Ada"),
        ("EXTERNALID EQ \"Ada\"", Key::ExternalId, "Ada"),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"a\"",
            Key::UserName,
            "a",
        ),
        ("id eq \"R1\"", Key::Id, "R1"),
    ] {
        let found = lookups(&USER, filter).unwrap();
        assert_eq!(
            (found.alternatives, found.exact),
            (one(key, value), true),
            "{filter}"
        );
    }
    let found = lookups(&USER, "emails[type eq \"work\"].value eq \"A@b\"").unwrap();
    assert_eq!(
        (found.alternatives, found.exact),
        (one(Key::Email, "a@b"), false)
    );
    let found = lookups(&GROUP, "displayName eq \"Ops\"").unwrap();
    assert_eq!(
        (found.alternatives, found.exact),
        (one(Key::DisplayName, "ops"), true)
    );
}

#[test]
fn entra_reference_probe_is_answered_by_two_lookups() {
    let found = lookups(&GROUP, "id eq \"g\" and members eq \"u\"").unwrap();
    let keys: Vec<Key> = found.alternatives[0]
        .iter()
        .map(|lookup| lookup.key)
        .collect();
    assert_eq!((keys, found.exact), (vec![Key::Id, Key::Member], true));
    assert!(finds("id eq \"r1\" and members eq \"u1\"", &group()));
    assert!(!finds(
        "id eq \"r1\" and members[value eq \"u2\"]",
        &group()
    ));
    let filter = Filter::parse(&GROUP, "members.value eq \"u\"", &LIMITS).unwrap();
    assert!(filter.uses("members"));
    assert!(!filter.uses("displayName"));
}

#[test]
fn entra_selection_with_a_part_behind_it_is_a_filter_on_one_value() {
    let resource = with_emails();
    assert!(finds(
        "emails[type eq \"work\"].value eq \"ADA@work.example\"",
        &resource
    ));
    assert!(!finds(
        "emails[type eq \"home\"].value eq \"ada@work.example\"",
        &resource
    ));
    assert_eq!(
        refused("emails[type eq \"work\"] eq \"x\""),
        Reason::InvalidFilter
    );
}

#[test]
fn entra_unquoted_value_is_refused_and_never_matches_nothing() {
    assert_eq!(refused("externalId eq jyoung"), Reason::InvalidFilter);
    assert_eq!(refused("userName eq 'ada'"), Reason::InvalidFilter);
}

#[test]
fn entra_test_connection_asks_for_a_name_nobody_has() {
    let query =
        "filter=userName+eq+%22f6e3c0a2-5a7f-4f0c-9d3e-0a3c1f0d9e11%22&aadOptscim062020=true";
    let search = Query::from_url(query).unwrap().on(&USER, &LIMITS).unwrap();
    assert!(!search.filter.unwrap().matches(&whole(&user(&json!({})))));
}

#[test]
fn entra_default_mapping_is_kept_as_sent() {
    let body = json!({
        "schemas": [uri::USER, ENTERPRISE],
        "externalId": "jyoung",
        "userName": "jyoung@testuser.com",
        "active": true,
        "addresses": [{"primary": false, "type": "work", "country": "Sri Lanka", "postalCode": "04025"}],
        "displayName": "Joy Young",
        "emails": [{"type": "work", "value": "jyoung@Contoso.com", "primary": true}],
        "name": {"familyName": "Young", "formatted": "Joy Young", "givenName": "Joy"},
        "phoneNumbers": [{"type": "work", "value": "+1 (425) 555-0100"}, {"type": "fax", "value": "00"}],
        "preferredLanguage": "xh",
        ENTERPRISE: {"department": "Sales", "employeeNumber": "007", "manager": {"value": "m1"}},
    });
    let resource = read(&USER, MICROSOFT, body.clone()).unwrap().resource;
    assert_eq!(resource.emails(), ["jyoung@Contoso.com"]);
    let mut kept = json!(resource.tree());
    kept["schemas"] = body["schemas"].clone();
    assert_eq!(kept, body);
}

#[test]
fn entra_disables_without_its_flag_and_with_it() {
    let resource = user(&json!({"active": true}));
    for operations in [
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
        json!([{"op": "replace", "value": {"active": false}}]),
        json!([{"op": "Replace", "path": "active", "value": [{"$ref": null, "value": "False"}]}]),
    ] {
        assert_eq!(patched(MICROSOFT, &resource, operations)["active"], false);
    }
}

#[test]
fn entra_one_replace_with_all_kinds_of_keys() {
    let operations = json!([{"op": "replace", "value": {
        "displayName": "Pvlo",
        "emails[type eq \"work\"].value": "TestBcwqnm@test.microsoft.com",
        "phoneNumbers[type eq \"mobile\"].value": "84",
        "addresses[type eq \"work\"].formatted": "6 Main St",
        "name.givenName": "Gda",
        format!("{ENTERPRISE}:employeeNumber"): "OMTF",
        format!("{ENTERPRISE}:manager"): {"value": "m1"},
    }}]);
    let after = patched(MICROSOFT, &user(&json!({})), operations);
    assert_eq!(
        after["emails"],
        json!([{"type": "work", "value": "TestBcwqnm@test.microsoft.com"}])
    );
    assert_eq!(
        after["phoneNumbers"],
        json!([{"type": "mobile", "value": "84"}])
    );
    assert_eq!(
        after["addresses"],
        json!([{"type": "work", "formatted": "6 Main St"}])
    );
    assert_eq!(
        after[ENTERPRISE],
        json!({"employeeNumber": "OMTF", "manager": {"value": "m1"}})
    );
}

#[test]
fn entra_validator_replaces_attributes_name_and_manager() {
    let resource = with_emails();
    let replaced = patched(
        MICROSOFT,
        &resource,
        json!([
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x@y"},
            {"op": "replace", "path": "emails[type eq \"work\"].primary", "value": true},
            {"op": "replace", "value": {"userName": "new@b.c"}},
            {"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": "m1"},
        ]),
    );
    assert_eq!(
        replaced["emails"][0],
        json!({"type": "work", "value": "x@y", "primary": true})
    );
    assert_eq!(replaced["userName"], "new@b.c");
    assert_eq!(replaced[ENTERPRISE]["manager"]["value"], "m1");
    let after = read(&USER, MICROSOFT, {
        let mut body = replaced;
        body["schemas"] = json!([uri::USER]);
        body
    });
    let removal = json!([{"op": "remove", "path": format!("{ENTERPRISE}:manager")}]);
    let removed = patched(MICROSOFT, &after.unwrap().resource, removal);
    assert!(removed.get(ENTERPRISE).is_none());
}

#[test]
fn scim_e39_members_are_removed_by_value_list_and_by_selection() {
    for (operations, expected) in [
        (
            json!([{"op": "Remove", "path": "members", "value": [{"value": "u1"}, {"value": "u2"}]}]),
            vec!["u1", "u2"],
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"u1\"]"}]),
            vec!["u1"],
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"u1\" or value eq \"u2\"]"}]),
            vec!["u1", "u2"],
        ),
        (
            json!([{"op": "remove", "path": "Members[Value EQ \"u1\"]"}, {"op": "Remove", "path": "members[value eq \"u2\"]"}]),
            vec!["u1", "u2"],
        ),
    ] {
        let after = patch(MICROSOFT, &group(), operations.clone()).unwrap();
        assert_eq!(
            after.members.removed().collect::<Vec<_>>(),
            expected,
            "{operations}"
        );
        assert_eq!(after.members.added().count(), 0);
        assert!(!after.members.replaces());
        assert!(!after.changed);
    }
}

#[test]
fn scim_e35_e40_e48_sent_again_after_a_timeout_they_come_to_the_same() {
    let operations = json!([
        {"op": "Add", "path": "emails[type eq \"other\"].value", "value": "c@d"},
        {"op": "Add", "path": "emails", "value": [{"type": "x", "value": "e@f"}]},
        {"op": "Remove", "path": "emails[type eq \"home\"]"},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Remove", "path": "nickName"},
    ]);
    let once = patch(MICROSOFT, &with_emails(), operations.clone()).unwrap();
    let again = patch(MICROSOFT, &once.resource, operations).unwrap();
    assert!(once.changed);
    assert!(!again.changed);
    assert_eq!(again.resource, once.resource);
}

#[test]
fn entra_groups_are_made_empty_and_read_without_members() {
    let body =
        json!({"schemas": [uri::GROUP], "displayName": "Ops", "externalId": "0ce8", "members": []});
    let document = read(&GROUP, MICROSOFT, body).unwrap();
    assert_eq!(document.members, Some(vec![]));
    let query =
        Query::from_url("excludedAttributes=members&filter=displayName+eq+%22Ops%22").unwrap();
    let search = query.on(&GROUP, &LIMITS).unwrap();
    assert!(!search.projection.wants(&GROUP, "members"));
    assert!(search.projection.wants(&GROUP, "displayName"));
}

#[test]
fn entra_users_in_a_role_are_not_given_one_here() {
    // Attack A16: roles and entitlements are kept, and the engine gives them no meaning.
    let body =
        json!({"schemas": [uri::USER], "userName": "a", "roles": [{"value": "SYSTEM_ADMIN"}]});
    let resource = read(&USER, MICROSOFT, body).unwrap().resource;
    assert_eq!(resource.tree()["roles"][0]["value"], "SYSTEM_ADMIN");
}
