//! One resource: `POST /Users`, and `GET`, `PUT`, `PATCH`, `DELETE` of `/Users/{id}`.

use aeolus_scim::{Budget, Condition, Conditions, Projection, Query};
use axum::extract::{Path, RawQuery};
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};

use super::answer::{Answer, ScimFailure};
use super::body::Body;
use super::caller::Caller;
use super::change::{self, Deed};
use super::kept::{Kept, Stored};
use super::{LIMITS, find};

/// A resource's path below the router's: the connection is the caller's.
type At = Path<(String, String)>;

/// Shows one.
pub(crate) async fn get<K: Kept>(
    caller: Caller,
    Path((_, id)): At,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Answer, ScimFailure> {
    let asked = asked::<K>(&query)?;
    let mut view = caller.app.store.read().await?;
    let connection = caller.connection.id;
    let mut found = K::load(&mut view, connection, &id).await?;
    let found = found.as_mut().ok_or_else(|| change::none::<K>(&id))?;
    match judged(&headers).judge(&found.version(), true) {
        Condition::Proceed => {}
        Condition::Stale => return Err(change::stale().into()),
        Condition::NotModified => {
            return Ok(Answer {
                status: StatusCode::NOT_MODIFIED,
                body: None,
                location: None,
                version: Some(found.version()),
            });
        }
    }
    if find::wants_links::<K>(&asked) {
        K::link(&mut view, connection, std::slice::from_mut(found)).await?;
    }
    Ok(shown(&caller, found, &asked, StatusCode::OK))
}

/// Makes one.
pub(crate) async fn create<K: Kept>(
    caller: Caller,
    query: RawQuery,
    Body(body): Body,
) -> Result<Answer, ScimFailure> {
    let asked = asked::<K>(&query)?;
    let mut budget = Budget::new(&LIMITS);
    change::create::<K>(&caller, body, &asked, &mut budget).await
}

/// Replaces one.
pub(crate) async fn replace<K: Kept>(
    caller: Caller,
    Path((_, id)): At,
    query: RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer, ScimFailure> {
    done::<K>(&caller, &id, (&query, &headers), Deed::Put(body)).await
}

/// Changes one.
pub(crate) async fn patch<K: Kept>(
    caller: Caller,
    Path((_, id)): At,
    query: RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer, ScimFailure> {
    done::<K>(&caller, &id, (&query, &headers), Deed::Patch(body)).await
}

/// Deletes one.
pub(crate) async fn delete<K: Kept>(
    caller: Caller,
    Path((_, id)): At,
    headers: HeaderMap,
) -> Result<Answer, ScimFailure> {
    done::<K>(&caller, &id, (&RawQuery(None), &headers), Deed::Delete).await
}

async fn done<K: Kept>(
    caller: &Caller,
    id: &str,
    (query, headers): (&RawQuery, &HeaderMap),
    deed: Deed,
) -> Result<Answer, ScimFailure> {
    let asked = asked::<K>(query)?;
    let mut budget = Budget::new(&LIMITS);
    let with = (&judged(headers), &asked);
    change::change::<K>(caller, id, deed, with, &mut budget).await
}

/// A resource as the answer to a request about it alone.
pub(super) fn shown(
    caller: &Caller,
    found: &Stored,
    asked: &Projection,
    status: StatusCode,
) -> Answer {
    let kind = found.resource.kind();
    Answer {
        status,
        body: Some(found.show(&caller.base, asked)),
        location: Some(aeolus_scim::location(&caller.base, kind, &found.id)),
        version: Some(found.version()),
    }
}

fn asked<K: Kept>(RawQuery(query): &RawQuery) -> Result<Projection, ScimFailure> {
    let query = Query::from_url(query.as_deref().unwrap_or_default())?;
    Ok(query.projection(K::KIND, &LIMITS)?)
}

fn judged(headers: &HeaderMap) -> Conditions<'_> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Conditions {
        if_match: value(IF_MATCH),
        if_none_match: value(IF_NONE_MATCH),
    }
}
