//! §5 of the reference: the RFCs' rules, row by row.

use aeolus_scim::schema::{GROUP, RESOURCE_TYPES, USER, uri};
use aeolus_scim::{
    Condition, Conditions, Error, Filter, Limits, Patch, Path, Profile, Projection, Reason,
    Version, discovery,
};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn scim_r5_discovery_names_schemas_types_and_limits() {
    let ids: Vec<&str> = discovery::schemas().map(|schema| schema.id).collect();
    assert_eq!(ids, [uri::USER, ENTERPRISE, uri::GROUP]);
    let schema = discovery::schema(&uri::USER.to_lowercase())
        .unwrap()
        .to_json(BASE);
    assert_eq!(
        schema["meta"]["location"],
        format!("{BASE}/Schemas/{}", uri::USER)
    );
    let attribute = |name: &str| {
        let all = schema["attributes"].as_array().unwrap();
        all.iter().find(|row| row["name"] == name).unwrap()
    };
    let user_name = attribute("userName");
    assert_eq!(user_name["uniqueness"], "server");
    assert_eq!(
        (&user_name["required"], &user_name["caseExact"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(attribute("password")["returned"], "never");
    assert_eq!(attribute("groups")["mutability"], "readOnly");
    assert_eq!(
        attribute("emails")["subAttributes"][2]["canonicalValues"],
        json!(["work", "home", "other"])
    );
    assert_eq!(schema["attributes"].as_array().unwrap().len(), 21);
    let kind = discovery::resource_type("User").unwrap().to_json(BASE);
    assert_eq!(
        kind["schemaExtensions"],
        json!([{"schema": ENTERPRISE, "required": false}])
    );
    assert!(discovery::resource_type("Device").is_none());
    let config = discovery::service_provider_config(
        BASE,
        &Limits::DEFAULT,
        &[discovery::Authentication::Bearer],
        &[],
    );
    assert!(config.get("securityEvents").is_none());
    assert_eq!(config["pagination"]["cursorTimeout"], 3600);
    assert_eq!(config["filter"]["maxResults"], 1000);
    assert_eq!(config["authenticationSchemes"][0]["primary"], true);
    assert_eq!(config["changePassword"]["supported"], false);
}

#[test]
fn scim_r5_every_advertised_attribute_can_be_resolved_in_both_notations() {
    for kind in RESOURCE_TYPES {
        for schema in std::iter::once(kind.schema).chain(kind.extensions.iter().copied()) {
            for attribute in schema.attributes {
                let name = format!("{}:{}", schema.id, attribute.name);
                let target = kind.resolve(&name.to_uppercase()).unwrap();
                assert_eq!(target.attribute, attribute);
                for sub in attribute.sub_attributes {
                    assert_eq!(
                        kind.resolve(&format!("{name}.{}", sub.name))
                            .unwrap()
                            .leaf(),
                        sub
                    );
                }
            }
        }
    }
}

#[test]
fn scim_r5_precedence_is_not_then_and_then_or_from_left_to_right() {
    let resource = user(&json!({"title": "t"}));
    for (filter, expected) in [
        ("title eq \"t\" or title eq \"x\" and title eq \"y\"", true),
        (
            "(title eq \"t\" or title eq \"x\") and title eq \"y\"",
            false,
        ),
        ("not (title eq \"x\") and title eq \"t\"", true),
        (
            "not (title eq \"t\" and title eq \"t\") or title eq \"t\"",
            true,
        ),
        ("not(title eq \"x\" or title eq \"t\")", false),
        ("title eq \"y\" and title eq \"x\" or title eq \"t\"", true),
        ("TITLE EQ \"T\" AND NOT (title PR) OR Title Pr", true),
    ] {
        assert_eq!(finds(filter, &resource), expected, "{filter}");
    }
}

#[test]
fn scim_r5_operators_by_type() {
    let resource = user(&json!({
        "title": "Countess", "active": true, "externalId": "Ab",
        "emails": [{"value": "ada@work.example", "type": "work"}, {"value": "x@y", "type": "home"}],
    }));
    for (filter, expected) in [
        ("title co \"UNT\"", true),
        ("title sw \"c\"", true),
        ("title ew \"SS\"", true),
        ("title gt \"count\"", true),
        ("title le \"b\"", false),
        ("externalId sw \"a\"", false),
        ("title ne \"countess\"", false),
        ("nickName ne \"x\"", true),
        ("nickName eq null", true),
        ("title ne null", true),
        ("nickName pr", false),
        ("emails pr", true),
        ("name pr", false),
        ("active eq True", true),
        ("active eq \"False\"", false),
        ("active ne false", true),
        ("emails co \"work.example\"", true),
        ("emails.type eq \"HOME\"", true),
        ("emails.type ne \"work\"", true),
        ("emails[type eq \"work\" and value co \"@y\"]", false),
        ("emails[type eq \"home\" and not (value co \"work\")]", true),
        ("ims[type eq \"x\"]", false),
        ("meta.lastModified gt \"2026-11-30T13:00:00+01:00\"", true),
        ("meta.lastModified lt \"2026-11-30T12:30:00Z\"", false),
        ("meta.created le \"2026-11-30T12:00:00.000Z\"", true),
        ("meta.resourceType eq \"User\"", true),
        (
            "schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"",
            true,
        ),
        ("id eq \"R1\"", false),
    ] {
        assert_eq!(finds(filter, &resource), expected, "{filter}");
    }
}

#[test]
fn scim_r5_what_a_type_does_not_have_is_refused() {
    for filter in [
        "active gt true",
        "active co \"t\"",
        "x509Certificates.value gt 5",
        "title eq 5",
        "title eq true",
        "title co null",
        "meta.created gt \"yesterday\"",
        "meta.created co \"2026\"",
        "name eq \"Ada\"",
        "meta eq \"x\"",
        "title[value eq \"x\"]",
        "name[givenName eq \"x\"]",
        "emails[shoe eq \"x\"]",
        "emails[emails[type eq \"x\"]]",
        "emails[]",
        "emails[type eq \"x\"",
        "title eq \"x",
        "title eq \"\\q\"",
        "title eq \"x\" title eq \"y\"",
        "title eq \"x\" and",
        "and title eq \"x\"",
        "not title eq \"x\"",
        "title eq \"x\")",
        "(title eq \"x\"",
        "title eq \"x\"]",
        "title pr \"x\"",
        "urn:example:x:title eq \"x\"",
        "department eq \"x\"",
    ] {
        assert_eq!(refused(filter), Reason::InvalidFilter, "{filter}");
    }
}

#[test]
fn scim_r5_passwords_are_never_compared_nor_sorted_by() {
    for filter in [
        "password eq \"x\"",
        "password pr",
        "not (password sw \"a\")",
    ] {
        assert_eq!(refused(filter), Reason::InvalidFilter, "{filter}");
    }
    let sort = aeolus_scim::Sort::parse(&USER, Some("password"), None);
    assert_eq!(reason(sort), Reason::InvalidValue);
}

#[test]
fn scim_r5_patch_of_paths_as_the_rfc_has_them() {
    let strict = &Profile::STRICT;
    let resource = user(&json!({
        "name": {"givenName": "Ada", "familyName": "L"},
        "emails": [{"value": "a@w", "type": "work"}, {"value": "a@h", "type": "home"}],
    }));
    // Parts that aren't given stay (§3.5.2.1 and §3.5.2.3).
    for op in ["add", "replace"] {
        let operations = json!([{"op": op, "path": "name", "value": {"givenName": "A."}}]);
        assert_eq!(
            patched(strict, &resource, operations)["name"],
            json!({"givenName": "A.", "familyName": "L"})
        );
    }
    // A selected value is replaced as a whole, or added to.
    let operations =
        json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "b@w"}}]);
    assert_eq!(
        patched(strict, &resource, operations)["emails"][0],
        json!({"value": "b@w"})
    );
    let operations =
        json!([{"op": "add", "path": "emails[type eq \"work\"]", "value": {"display": "B"}}]);
    assert_eq!(
        patched(strict, &resource, operations)["emails"][0],
        json!({"value": "a@w", "type": "work", "display": "B"})
    );
    // A part of selected values, and of all values.
    let operations = json!([{"op": "remove", "path": "emails[type eq \"home\"].type"}]);
    assert_eq!(
        patched(strict, &resource, operations)["emails"][1],
        json!({"value": "a@h"})
    );
    let operations = json!([{"op": "replace", "path": "emails.display", "value": "E"}]);
    let after = patched(strict, &resource, operations);
    assert!(
        after["emails"]
            .as_array()
            .unwrap()
            .iter()
            .all(|email| email["display"] == "E")
    );
    // Whole lists, and the last value of one.
    let operations = json!([{"op": "replace", "path": "emails", "value": [{"value": "n@w"}]}]);
    assert_eq!(
        patched(strict, &resource, operations)["emails"],
        json!([{"value": "n@w"}])
    );
    let operations = json!([{"op": "remove", "path": "emails[value co \"@\"]"}]);
    assert!(
        patched(strict, &resource, operations)
            .get("emails")
            .is_none()
    );
    let operations = json!([{"op": "remove", "path": "name.givenName"}, {"op": "remove", "path": "name.familyName"}]);
    assert!(patched(strict, &resource, operations).get("name").is_none());
}

#[test]
fn scim_r5_a_whole_extension_by_its_urn() {
    let resource = user(&json!({ENTERPRISE: {"department": "D"}}));
    for op in ["add", "replace"] {
        let operations = json!([{"op": op, "path": ENTERPRISE, "value": {"costCenter": "C"}}]);
        let after = patched(&Profile::STRICT, &resource, operations);
        assert_eq!(
            after[ENTERPRISE],
            json!({"costCenter": "C", "department": "D"})
        );
    }
    let operations = json!([{"op": "remove", "path": ENTERPRISE}]);
    let after = patch(&Profile::STRICT, &resource, operations).unwrap();
    assert_eq!(after.resource.schemas().collect::<Vec<_>>(), [uri::USER]);
    let operations = json!([{"op": "replace", "value": {ENTERPRISE: {"department": null}}}]);
    assert!(
        patched(&Profile::STRICT, &resource, operations)
            .get(ENTERPRISE)
            .is_none()
    );
}

#[test]
fn scim_r5_adding_what_is_there_changes_nothing_and_one_value_is_primary() {
    let resource = with_emails();
    let there = json!([{"op": "add", "path": "emails", "value": [{"type": "home", "value": "ada@home.example"}]}]);
    assert!(!patch(&Profile::STRICT, &resource, there).unwrap().changed);
    let operations =
        json!([{"op": "add", "path": "emails", "value": {"value": "n@x", "primary": true}}]);
    let after = patched(&Profile::STRICT, &resource, operations);
    let primaries: Vec<&Value> = after["emails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|email| &email["primary"])
        .collect();
    assert_eq!(primaries, [&json!(false), &json!(null), &json!(true)]);
    let operations =
        json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}]);
    let after = patched(&Profile::STRICT, &resource, operations);
    assert_eq!(
        (
            &after["emails"][0]["primary"],
            &after["emails"][1]["primary"]
        ),
        (&json!(false), &json!(true))
    );
}

#[test]
fn scim_r5_patch_errors_have_their_scim_types() {
    let resource = with_emails();
    for (operation, expected) in [
        (
            json!({"op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x"}),
            Reason::NoTarget,
        ),
        (json!({"op": "remove"}), Reason::NoTarget),
        (
            json!({"op": "remove", "path": "userName"}),
            Reason::Mutability,
        ),
        (
            json!({"op": "replace", "path": "id", "value": "x"}),
            Reason::Mutability,
        ),
        (
            json!({"op": "add", "path": "nowhere", "value": "x"}),
            Reason::InvalidPath,
        ),
        (
            json!({"op": "add", "path": "emails[type eq \"work\"].shoe", "value": "x"}),
            Reason::InvalidPath,
        ),
        (
            json!({"op": "add", "path": "emails[type eq \"work\"]x", "value": "x"}),
            Reason::InvalidPath,
        ),
        (
            json!({"op": "add", "path": "title[a]", "value": "x"}),
            Reason::InvalidPath,
        ),
        (
            json!({"op": "add", "path": ".", "value": "x"}),
            Reason::InvalidPath,
        ),
        (
            json!({"op": "add", "path": "emails[type is \"work\"]", "value": "x"}),
            Reason::InvalidFilter,
        ),
        (json!({"op": "add", "path": "title"}), Reason::InvalidValue),
        (
            json!({"op": "add", "path": "title", "value": 5}),
            Reason::InvalidValue,
        ),
        (json!({"op": "add", "value": "x"}), Reason::InvalidValue),
        (
            json!({"op": "add", "path": "title", "value": {"a": 1}}),
            Reason::InvalidValue,
        ),
        (
            json!({"path": "title", "value": "x"}),
            Reason::InvalidSyntax,
        ),
        (json!("add"), Reason::InvalidSyntax),
    ] {
        let refused = patch(&Profile::STRICT, &resource, json!([operation]));
        assert_eq!(reason(refused), expected, "{operation}");
    }
    for body in [
        json!([]),
        json!({}),
        json!({"Operations": {}}),
        json!({"schemas": ["x"], "Operations": []}),
    ] {
        assert_eq!(
            reason(Patch::read(&USER, body, rules(&Profile::STRICT))),
            Reason::InvalidSyntax
        );
    }
}

#[test]
fn scim_r5_removing_what_is_not_there_succeeds() {
    for path in [
        "title",
        "emails[type eq \"fax\"]",
        "emails[type eq \"fax\"].value",
        "name.givenName",
        ENTERPRISE,
    ] {
        let after = patch(
            &Profile::STRICT,
            &with_emails(),
            json!([{"op": "remove", "path": path}]),
        );
        assert!(!after.unwrap().changed, "{path}");
    }
}

#[test]
fn scim_r5_errors_are_as_clients_read_them() {
    let error = Error::new(Reason::Uniqueness, "x");
    assert_eq!(
        error.to_json(),
        json!({"schemas": [uri::ERROR], "status": "409", "scimType": "uniqueness", "detail": "x"})
    );
    let error = Error::new(Reason::NotFound, "x");
    assert_eq!(
        error.to_json(),
        json!({"schemas": [uri::ERROR], "status": "404", "detail": "x"})
    );
}

#[test]
fn scim_r5_projection() {
    let resource = user(
        &json!({"title": "t", "name": {"givenName": "A", "familyName": "L"}, ENTERPRISE: {"department": "D"}}),
    );
    let shown = |attributes: Option<&str>, excluded: Option<&str>| {
        let asked = Projection::parse(&USER, attributes, excluded, &LIMITS).unwrap();
        let version = Version::new(1);
        let mut answer = resource.to_json(&record(&version), None, &asked);
        answer.as_object_mut().unwrap().remove("meta");
        answer
    };
    assert_eq!(
        shown(Some("userName, NAME.givenname,password"), None),
        json!({"schemas": [uri::USER], "id": "r1", "userName": "Ada@Example.com", "name": {"givenName": "A"}})
    );
    assert_eq!(
        shown(Some(ENTERPRISE), None),
        json!({"schemas": [uri::USER, ENTERPRISE], "id": "r1", ENTERPRISE: {"department": "D"}})
    );
    assert_eq!(
        shown(Some("nothing"), None),
        json!({"schemas": [uri::USER], "id": "r1"})
    );
    let without = format!("id,name.familyName,title,{ENTERPRISE}:department");
    assert_eq!(
        shown(None, Some(&without)),
        json!({"schemas": [uri::USER], "id": "r1", "userName": "Ada@Example.com", "name": {"givenName": "A"}})
    );
    let both = Projection::parse(&USER, Some("a"), Some("b"), &LIMITS);
    assert_eq!(reason(both), Reason::InvalidValue);
}

#[test]
fn scim_r5_conditions() {
    let version = Version::new(7);
    let judge = |if_match, if_none_match, reads| {
        Conditions {
            if_match,
            if_none_match,
        }
        .judge(&version, reads)
    };
    for (if_match, if_none_match, reads, expected) in [
        (None, None, false, Condition::Proceed),
        (Some("W/\"7\""), None, false, Condition::Proceed),
        (Some("\"7\""), None, false, Condition::Proceed),
        (Some("W/\"6\", W/\"7\""), None, false, Condition::Proceed),
        (Some("*"), None, false, Condition::Proceed),
        (Some("W/\"6\""), None, false, Condition::Stale),
        (Some(""), None, true, Condition::Stale),
        (Some("7"), None, false, Condition::Stale),
        (None, Some("W/\"7\""), true, Condition::NotModified),
        (None, Some("W/\"7\""), false, Condition::Stale),
        (None, Some("*"), false, Condition::Stale),
        (None, Some("W/\"6\""), true, Condition::Proceed),
    ] {
        assert_eq!(
            judge(if_match, if_none_match, reads),
            expected,
            "{if_match:?} {if_none_match:?}"
        );
    }
    assert_eq!(Reason::Stale.status(), (412, None));
}

#[test]
fn scim_r5_paths_and_filters_are_written_as_they_are_read() {
    for path in [
        "userName",
        "name.familyName",
        "emails[type eq \"work\"].value",
        "emails[type eq \"a\" and (value co \"b\" or not (primary eq true))]",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        ENTERPRISE,
    ] {
        let read = Path::parse(&USER, path, &LIMITS).unwrap();
        assert_eq!(read.to_string(), path);
    }
    for filter in [
        "userName eq \"a\\\"b\"",
        "title pr and (title eq \"a\" or title eq \"b\") and not (title eq null)",
        "emails[type eq \"work\" and value eq \"x\"] or meta.created gt \"2026-11-30T12:00:00Z\"",
    ] {
        assert_eq!(
            Filter::parse(&USER, filter, &LIMITS).unwrap().to_string(),
            filter
        );
    }
    let entra = Filter::parse(
        &USER,
        "emails[type eq \"a\" or type eq \"b\"].value eq \"x\"",
        &LIMITS,
    )
    .unwrap();
    assert_eq!(
        entra.to_string(),
        "emails[(type eq \"a\" or type eq \"b\") and value eq \"x\"]"
    );
    assert!(Filter::parse(&GROUP, "userName eq \"a\"", &LIMITS).is_err());
}
