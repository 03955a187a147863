//! What changes a resource, whether it came alone or in a bulk request.

use aeolus_scim::{
    Budget, Condition, Conditions, Document, Error, Event, Patch, Projection, Reason, Rules,
};
use http::StatusCode;
use serde_json::Value;

use super::answer::{Answer, ScimFailure};
use super::caller::Caller;
use super::kept::{Change, Kept, Stored};
use super::one::shown;
use super::{LIMITS, events, find};

/// How often something is done again where somebody was faster.
const TRIES: usize = 8;

/// What is done to a resource that is there.
pub(super) enum Deed {
    Put(Value),
    Patch(Value),
    Delete,
}

/// The same, read.
enum Read<'a> {
    Put(Document),
    Patch(Patch<'a>),
    Delete,
}

/// Makes a resource.
pub(super) async fn create<K: Kept>(
    caller: &Caller,
    body: Value,
    asked: &Projection,
    budget: &mut Budget,
) -> Result<Answer, ScimFailure> {
    let document = Document::read(K::KIND, body, rules(caller))?;
    budget.charge(document.members.as_ref().map_or(1, Vec::len))?;
    let filled = document.members.as_ref().is_some_and(|all| !all.is_empty());
    let mut tries = 0;
    let mut made = loop {
        let mut write = caller.app.store.write().await?;
        match K::insert(caller, &mut write, document.clone()).await {
            Ok(made) => {
                events::created(caller, &mut write, (&made, filled));
                caller.app.commit(write).await?;
                break made;
            }
            Err(failure) => {
                write.rollback().await?;
                again(failure, &mut tries)?;
            }
        }
    };
    link::<K>(caller, &mut made, asked).await?;
    Ok(shown(caller, &made, asked, StatusCode::CREATED))
}

/// Changes or removes a resource.
pub(super) async fn change<K: Kept>(
    caller: &Caller,
    id: &str,
    deed: Deed,
    (conditions, asked): (&Conditions<'_>, &Projection),
    budget: &mut Budget,
) -> Result<Answer, ScimFailure> {
    let rules = rules(caller);
    let read = match deed {
        Deed::Put(body) => Read::Put(Document::read(K::KIND, body, rules)?),
        Deed::Patch(body) => Read::Patch(Patch::read(K::KIND, body, rules)?),
        Deed::Delete => Read::Delete,
    };
    let mut tries = 0;
    let mut after = loop {
        match once::<K>(caller, (id, tries > 0), &read, conditions, budget).await {
            Ok(done) => break done,
            Err(failure) => again(failure, &mut tries)?,
        }
    };
    let Some(stored) = &mut after else {
        return Ok(empty(None));
    };
    let is_patch = matches!(read, Read::Patch(_));
    if is_patch && !K::shows_patched(caller, stored).await {
        return Ok(empty(Some(stored)));
    }
    link::<K>(caller, stored, asked).await?;
    Ok(shown(caller, stored, asked, StatusCode::OK))
}

/// One try: what the resource is after it, none where it is gone. Where others were faster before, they are kept from it.
async fn once<K: Kept>(
    caller: &Caller,
    (id, again): (&str, bool),
    read: &Read<'_>,
    conditions: &Conditions<'_>,
    budget: &mut Budget,
) -> Result<Option<Stored>, ScimFailure> {
    let mut write = caller.app.store.write().await?;
    if again {
        K::hold(&mut write, caller.connection.id, id).await?;
    }
    let seen = K::load(&mut write, caller.connection.id, id).await?;
    let seen = seen.ok_or_else(|| none::<K>(id))?;
    if conditions.judge(&seen.version(), false) != Condition::Proceed {
        return Err(stale().into());
    }
    let mut change = match read {
        Read::Delete => {
            budget.charge(1)?;
            let (mut write, seen) = if K::empty(caller, &mut write, &seen).await? {
                caller.app.commit(write).await?;
                let mut write = caller.app.store.write().await?;
                let seen = K::load(&mut write, caller.connection.id, id).await?;
                (write, seen.ok_or_else(|| none::<K>(id))?)
            } else {
                (write, seen)
            };
            K::remove(caller, &mut write, &seen).await?;
            events::deleted(caller, &mut write, &seen);
            caller.app.commit(write).await?;
            return Ok(None);
        }
        Read::Put(document) => {
            budget.charge(document.members.as_ref().map_or(1, Vec::len))?;
            Change::of(document.clone(), &seen)
        }
        Read::Patch(patch) => patch.clone().apply_within(&seen.resource, budget)?.into(),
    };
    change.exactly = conditions.if_match.is_some();
    if change.is_none() {
        write.rollback().await?;
        return Ok(Some(seen));
    }
    let attributes = change.changed;
    let after = K::change(caller, &mut write, &seen, change).await?;
    // Another version may be somebody else's, where nothing was left to do.
    if after.stored.version == seen.version || !(attributes || after.members) {
        write.rollback().await?;
    } else {
        let event = match read {
            Read::Put(_) => Event::Put,
            _ => Event::Patch,
        };
        events::changed(caller, &mut write, event, (&seen, &after));
        caller.app.commit(write).await?;
    }
    Ok(Some(after.stored))
}

/// Whether it is done once more.
fn again(failure: ScimFailure, tries: &mut usize) -> Result<(), ScimFailure> {
    *tries += 1;
    if failure.is_lost_race() && *tries < TRIES {
        return Ok(());
    }
    Err(failure)
}

async fn link<K: Kept>(
    caller: &Caller,
    stored: &mut Stored,
    asked: &Projection,
) -> Result<(), ScimFailure> {
    if !find::wants_links::<K>(asked) {
        return Ok(());
    }
    let mut view = caller.app.store.read().await?;
    K::link(
        &mut view,
        caller.connection.id,
        std::slice::from_mut(stored),
    )
    .await
}

fn empty(stored: Option<&Stored>) -> Answer {
    Answer {
        status: StatusCode::NO_CONTENT,
        body: None,
        location: None,
        version: stored.map(Stored::version),
    }
}

fn rules(caller: &Caller) -> Rules<'static> {
    Rules {
        profile: caller.profile,
        limits: &LIMITS,
    }
}

/// There is none for this client, whoever else has one.
pub(super) fn none<K: Kept>(id: &str) -> Error {
    let shown: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
    Error::new(
        Reason::NotFound,
        format!("There is no {} with the id {shown:?} here.", K::KIND.name),
    )
}

pub(super) fn stale() -> Error {
    Error::new(
        Reason::Stale,
        "The resource is not in the version that the request names: read it again.",
    )
}
