//! Requests, short.

use aeolus_scim::schema::{GROUP, ResourceType, USER, uri};
use aeolus_scim::{
    Document, Error, Filter, Limits, Link, Lookups, MemberKind, Patch, Patched, Profile, Reason,
    Record, Resource, Rules, Version,
};
use serde_json::{Value, json};

pub(crate) const LIMITS: Limits = Limits::DEFAULT;
pub(crate) const ENTERPRISE: &str = uri::ENTERPRISE_USER;
pub(crate) const PROFILES: [&Profile; 3] = [&Profile::STRICT, &Profile::OKTA, &Profile::MICROSOFT];

pub(crate) fn rules(profile: &Profile) -> Rules<'_> {
    Rules {
        profile,
        limits: &LIMITS,
    }
}

pub(crate) fn read(
    kind: &'static ResourceType,
    profile: &Profile,
    body: Value,
) -> Result<Document, Error> {
    Document::read(kind, body, rules(profile))
}

/// A user with these attributes besides a name.
pub(crate) fn user(more: &Value) -> Resource {
    let mut body = json!({"schemas": [uri::USER, ENTERPRISE], "userName": "Ada@Example.com"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    read(&USER, &Profile::STRICT, body).unwrap().resource
}

pub(crate) fn group() -> Resource {
    let body = json!({"schemas": [uri::GROUP], "displayName": "Airflow Ops"});
    read(&GROUP, &Profile::STRICT, body).unwrap().resource
}

pub(crate) fn with_emails() -> Resource {
    user(&json!({"emails": [
        {"value": "ada@work.example", "type": "work", "primary": true},
        {"value": "ada@home.example", "type": "home"},
    ]}))
}

pub(crate) fn patch(
    profile: &Profile,
    resource: &Resource,
    operations: impl Into<Value>,
) -> Result<Patched, Error> {
    let operations: Value = operations.into();
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    Patch::read(resource.kind(), body, rules(profile))?.apply(resource)
}

pub(crate) fn patched(profile: &Profile, resource: &Resource, operations: Value) -> Value {
    let patched = patch(profile, resource, operations).unwrap();
    Value::Object(patched.resource.into_tree())
}

pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> Reason {
    result.unwrap_err().reason
}

pub(crate) fn finds(filter: &str, resource: &Resource) -> bool {
    let filter = Filter::parse(resource.kind(), filter, &LIMITS)
        .unwrap_or_else(|error| panic!("{filter}: {error}"));
    filter.matches(&whole(resource))
}

pub(crate) fn refused(filter: &str) -> Reason {
    match Filter::parse(&USER, filter, &LIMITS) {
        Ok(filter) => panic!("{filter} was taken"),
        Err(error) => error.reason,
    }
}

pub(crate) fn lookups(kind: &'static ResourceType, filter: &str) -> Option<Lookups> {
    Filter::parse(kind, filter, &LIMITS).unwrap().lookups()
}

pub(crate) const BASE: &str = "https://control.test/v1/scim/v2/okta";

/// With the server's part.
pub(crate) fn whole(resource: &Resource) -> serde_json::Map<String, Value> {
    let links = [Link {
        value: "u1".to_owned(),
        kind: MemberKind::User,
        display: None,
    }];
    let links = (resource.kind() == &GROUP).then_some(&links[..]);
    resource.whole(&record(&Version::new(3)), links)
}

pub(crate) fn record(version: &Version) -> Record<'_> {
    Record {
        id: "r1",
        base: BASE,
        created: "2026-11-30T12:00:00Z",
        last_modified: "2026-11-30T12:30:00Z",
        version,
    }
}
