//! §3 of the reference: what Okta sends.

use aeolus_scim::schema::{GROUP, USER, uri};
use aeolus_scim::{ListResponse, Member, Page, Profile, Projection, Query, Version};
use serde_json::json;

use crate::support::*;

const OKTA: &Profile = &Profile::OKTA;

fn ids(members: &[Member]) -> Vec<&str> {
    members.iter().map(|member| member.value.as_str()).collect()
}

#[test]
fn okta_user_is_taken_and_its_password_is_kept_nowhere() {
    let body = json!({
        "schemas": [uri::USER],
        "userName": "test.user@okta.local",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
        "displayName": "Test User", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [], "password": "1mz050nq", "active": true,
    });
    let resource = read(&USER, OKTA, body).unwrap().resource;
    assert!(!format!("{resource:?}").contains("1mz050nq"));
    assert!(!resource.tree().contains_key("groups"));
    let operations = json!([
        {"op": "replace", "value": {"password": "1mz050nq"}},
        {"op": "replace", "path": "password", "value": "1mz050nq"},
    ]);
    assert!(!patch(OKTA, &resource, operations).unwrap().changed);
}

#[test]
fn okta_answers_have_what_the_spec_test_looks_at() {
    let resource = user(&json!({
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "a@b", "type": "work"}], "active": true,
    }));
    let version = Version::new(3);
    let answer = resource.to_json(&record(&version), None, &Projection::default());
    let page = Query::from_url("count=1&startIndex=1")
        .unwrap()
        .page(&LIMITS)
        .unwrap();
    let list = ListResponse {
        resources: vec![answer],
        total: 1,
        page,
        next_cursor: None,
    };
    let list = list.into_json();
    assert_eq!(list["schemas"], json!([uri::LIST_RESPONSE]));
    for name in ["itemsPerPage", "startIndex", "totalResults"] {
        assert_eq!(list[name], 1);
    }
    let first = &list["Resources"][0];
    assert_eq!(first["id"], "r1");
    assert_eq!(first["active"], true);
    assert_eq!(first["emails"][0]["value"], "a@b");
    assert_eq!(first["schemas"], json!([uri::USER]));
    assert_eq!(
        first["meta"]["location"],
        format!("{BASE}{}/r1", USER.endpoint)
    );
    assert_eq!(first["meta"]["version"], "W/\"3\"");
}

#[test]
fn okta_empty_list_is_there() {
    let list = ListResponse {
        resources: vec![],
        total: 0,
        page: Page::Index {
            start: 1,
            count: 100,
        },
        next_cursor: None,
    };
    assert_eq!(
        list.into_json(),
        json!({"schemas": [uri::LIST_RESPONSE], "totalResults": 0, "itemsPerPage": 0, "startIndex": 1, "Resources": []})
    );
}

#[test]
fn okta_redundant_rename_changes_nothing() {
    let operations =
        json!([{"op": "replace", "value": {"id": "r1", "displayName": "Airflow Ops"}}]);
    let after = patch(OKTA, &group(), operations).unwrap();
    assert!(!after.changed);
    assert!(after.members.is_empty());
}

#[test]
fn scim_k16_members_removed_and_added_in_one_request_in_its_order() {
    let operations = json!([
        {"op": "remove", "path": "members[value eq \"u1\"]"},
        {"op": "add", "path": "members", "value": [{"value": "u2", "display": "Two"}, {"value": "u1", "display": "One"}]},
        {"op": "remove", "path": "members[value eq \"u2\"]"},
        {"op": "add", "path": "members", "value": {"value": "u3"}},
        {"op": "replace", "value": {"id": "r1", "displayName": "Airflow Ops"}},
    ]);
    let after = patch(OKTA, &group(), operations).unwrap();
    let added: Vec<Member> = after.members.added().cloned().collect();
    assert_eq!(ids(&added), ["u1", "u3"]);
    assert_eq!(after.members.removed().collect::<Vec<_>>(), ["u2"]);
    assert!(!after.changed);
}

#[test]
fn okta_full_push_replaces_and_what_follows_counts_on_top() {
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "gone"}]},
        {"op": "replace", "path": "members", "value": [{"value": "u1"}, {"value": "u2"}, {"value": "u1"}]},
        {"op": "remove", "path": "members[value eq \"u2\"]"},
    ]);
    let after = patch(OKTA, &group(), operations).unwrap();
    assert!(after.members.replaces());
    let added: Vec<Member> = after.members.added().cloned().collect();
    assert_eq!(ids(&added), ["u1"]);
    assert_eq!(after.members.removed().count(), 0);
    for operations in [
        json!([{"op": "remove", "path": "members"}]),
        json!([{"op": "replace", "path": "members", "value": []}]),
        json!([{"op": "replace", "value": {"members": null}}]),
    ] {
        let after = patch(OKTA, &group(), operations).unwrap();
        assert!(after.members.replaces());
        assert_eq!(after.members.added().count(), 0);
    }
}

#[test]
fn okta_wizard_puts_a_group_with_all_members_and_with_none_said() {
    let of = |members: serde_json::Value| json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": members});
    let document = read(
        &GROUP,
        OKTA,
        of(json!([{"value": "u1", "display": "x"}, {"value": "u1"}])),
    )
    .unwrap();
    assert_eq!(ids(&document.members.unwrap()), ["u1"]);
    assert_eq!(document.resource.tree().len(), 1);
    let document = read(
        &GROUP,
        OKTA,
        json!({"schemas": [uri::GROUP], "displayName": "Ops"}),
    )
    .unwrap();
    assert_eq!(document.members, None);
    let document = read(&GROUP, OKTA, of(json!(null))).unwrap();
    assert_eq!(document.members, Some(vec![]));
}

#[test]
fn okta_imports_by_hundreds() {
    for (query, start, count) in [
        ("startIndex=1&count=100", 1, 100),
        ("startIndex=101&count=100", 101, 100),
        ("", 1, 100),
        ("startIndex=0&count=-3", 1, 0),
        ("startIndex=-9&count=99999", 1, 1000),
        ("count=0", 1, 0),
    ] {
        let page = Query::from_url(query).unwrap().page(&LIMITS).unwrap();
        assert_eq!(page, Page::Index { start, count }, "{query}");
    }
}
