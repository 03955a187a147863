//! `POST /Bulk` (RFC 7644 §3.7): each operation is a transaction of its own, and all of them share one budget of work.

use std::collections::HashMap;

use aeolus_scim::bulk::{Bulk, Done, Method, Operation, Progress};
use aeolus_scim::schema::ResourceType;
use aeolus_scim::{Budget, Conditions, Error, Projection, Reason, location};
use serde_json::Value;

use super::answer::{Answer, ScimFailure};
use super::body::Body;
use super::caller::Caller;
use super::change::{self, Deed};
use super::kept::Kept;
use super::{KINDS, LIMITS, on_kind};

/// Does what is asked for, in the order in which it can be done.
pub(crate) async fn bulk(caller: Caller, Body(body): Body) -> Result<Answer, ScimFailure> {
    let bulk = Bulk::read(body, &LIMITS)?;
    // The request itself was counted as one.
    let more = bulk.operations.len().saturating_sub(1);
    caller.count(u32::try_from(more).unwrap_or(u32::MAX))?;
    let mut progress = Progress::new(&bulk);
    let mut budget = Budget::new(&LIMITS);
    let mut ids: HashMap<String, String> = HashMap::new();
    for step in bulk.plan() {
        if progress.stops() {
            break;
        }
        let Some(operation) = bulk.operations.get(step.at) else {
            continue;
        };
        let done = match step.possible {
            Ok(()) => one(&caller, operation, &mut ids, &mut budget).await,
            Err(error) => refused(None, error),
        };
        progress.note(step.at, &done);
    }
    Ok(Answer::of(progress.into_json()))
}

async fn one(
    caller: &Caller,
    operation: &Operation,
    ids: &mut HashMap<String, String>,
    budget: &mut Budget,
) -> Done {
    let operation = match operation.clone().resolved(ids) {
        Ok(operation) => operation,
        Err(error) => return refused(None, error),
    };
    let (kind, id) = match place(&operation) {
        Ok(place) => place,
        Err(error) => return refused(None, error),
    };
    let there = id.map(|id| location(&caller.base, kind, id));
    let Operation {
        method,
        bulk_id,
        data,
        version,
        ..
    } = &operation;
    let with = (*method, id, data.clone(), version.as_deref());
    let done = on_kind!(kind, K => run::<K>(caller, with, budget).await);
    match done {
        Ok(answer) => {
            let made = answer
                .location
                .as_deref()
                .and_then(|url| url.rsplit('/').next());
            if let (Method::Post, Some(bulk_id), Some(made)) = (method, bulk_id, made) {
                ids.insert(bulk_id.clone(), made.to_owned());
            }
            Done {
                location: answer.location.or(there),
                version: answer.version,
                outcome: Ok(answer.status.as_u16()),
            }
        }
        Err(failure) => refused(there, failure.into_error()),
    }
}

/// Which resource it is about.
fn place(operation: &Operation) -> Result<(&'static ResourceType, Option<&str>), Error> {
    let path = operation.path.strip_prefix('/').unwrap_or_default();
    let (endpoint, id) = match path.split_once('/') {
        Some((endpoint, id)) => (endpoint, Some(id)),
        None => (path, None),
    };
    let kind = KINDS
        .into_iter()
        .find(|kind| kind.endpoint.strip_prefix('/') == Some(endpoint));
    let none = || Error::new(Reason::NotFound, "There is no such endpoint.");
    let kind = kind.ok_or_else(none)?;
    let fits = (operation.method == Method::Post) == id.is_none();
    if !fits {
        let why = "This path has no such method.";
        return Err(Error::new(Reason::MethodNotAllowed, why));
    }
    Ok((kind, id))
}

async fn run<K: Kept>(
    caller: &Caller,
    (method, id, data, version): (Method, Option<&str>, Option<Value>, Option<&str>),
    budget: &mut Budget,
) -> Result<Answer, ScimFailure> {
    let asked = Projection::default();
    let no_data = || Error::new(Reason::InvalidSyntax, "The operation has no \"data\".");
    let id = id.unwrap_or_default();
    let deed = match method {
        Method::Post => {
            let data = data.ok_or_else(no_data)?;
            return change::create::<K>(caller, data, &asked, budget).await;
        }
        Method::Put => Deed::Put(data.ok_or_else(no_data)?),
        Method::Patch => Deed::Patch(data.ok_or_else(no_data)?),
        Method::Delete => Deed::Delete,
    };
    let conditions = Conditions {
        if_match: version,
        if_none_match: None,
    };
    change::change::<K>(caller, id, deed, (&conditions, &asked), budget).await
}

fn refused(location: Option<String>, error: Error) -> Done {
    Done {
        location,
        version: None,
        outcome: Err(error),
    }
}
