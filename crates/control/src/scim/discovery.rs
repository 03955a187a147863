//! What this server can do (RFC 7644 §4): nobody changes it.

use aeolus_scim::discovery::{self, Authentication};
use aeolus_scim::schema::{ResourceType, Schema};
use aeolus_scim::{Error, Event, ListResponse, Page, Query, Reason};
use axum::extract::{Path, RawQuery};
use serde_json::Value;

use super::answer::{Answer, ScimFailure};
use super::caller::Caller;
use super::{KINDS, LIMITS};

/// `GET /ServiceProviderConfig`.
pub(crate) async fn provider_config(caller: Caller) -> Answer {
    // What the client that most come with speaks is the preferred one.
    let mut ways = [
        Authentication::Bearer,
        Authentication::Basic,
        Authentication::ClientCredentials,
    ];
    if caller.profile.name == aeolus_scim::Profile::OKTA.name {
        ways.swap(0, 1);
    }
    let events: &[Event] = if caller.tells { &Event::ALL } else { &[] };
    Answer::of(discovery::service_provider_config(
        &caller.base,
        &LIMITS,
        &ways,
        events,
    ))
}

/// `GET /ResourceTypes`.
pub(crate) async fn resource_types(
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Answer, ScimFailure> {
    let all = KINDS.iter().map(|kind| kind.to_json(&caller.base));
    listed(query.as_deref(), all.collect())
}

/// `GET /ResourceTypes/{id}`.
pub(crate) async fn resource_type(
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Answer, ScimFailure> {
    let found = KINDS
        .iter()
        .find(|kind| kind.name.eq_ignore_ascii_case(&id));
    let found = found.ok_or_else(|| none("resource type"))?;
    Ok(Answer::of(found.to_json(&caller.base)))
}

/// `GET /Schemas`.
pub(crate) async fn schemas(
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Answer, ScimFailure> {
    let all = KINDS.into_iter().flat_map(schemas_of);
    listed(
        query.as_deref(),
        all.map(|schema| schema.to_json(&caller.base)).collect(),
    )
}

/// `GET /Schemas/{id}`.
pub(crate) async fn schema(
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Answer, ScimFailure> {
    let mut all = KINDS.into_iter().flat_map(schemas_of);
    let found = all.find(|schema| schema.id.eq_ignore_ascii_case(&id));
    let found = found.ok_or_else(|| none("schema"))?;
    Ok(Answer::of(found.to_json(&caller.base)))
}

fn schemas_of(kind: &'static ResourceType) -> impl Iterator<Item = &'static Schema> {
    std::iter::once(kind.schema).chain(kind.extensions.iter().copied())
}

/// All of them. A filter would be ignored, and a client would take what comes for what it asked for (RFC 7644 §4).
fn listed(query: Option<&str>, all: Vec<Value>) -> Result<Answer, ScimFailure> {
    let query = query.unwrap_or_default();
    let is_filter = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case("filter")
    };
    Query::from_url(query)?;
    if query.split('&').any(is_filter) {
        return Err(Error::new(Reason::Forbidden, "These lists are not filtered.").into());
    }
    Ok(Answer::of(
        ListResponse {
            total: all.len() as u64,
            page: Page::Index {
                start: 1,
                count: LIMITS.page_default,
            },
            resources: all,
            next_cursor: None,
        }
        .into_json(),
    ))
}

fn none(what: &str) -> Error {
    Error::new(Reason::NotFound, format!("There is no such {what}."))
}
