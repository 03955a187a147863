//! What a resource type has to know of how it is kept.

use std::future::Future;

use aeolus_model::{ConnectionId, Time, rfc3339};
use aeolus_scim::schema::ResourceType;
use aeolus_scim::{
    Document, Key, Link, Lookup, MemberChanges, Patched, Projection, Record, Resource, Version,
};
use aeolus_store::{Step, Unit, Write};
use serde_json::{Map, Value};

use super::answer::ScimFailure;
use super::bytes::Gathered;
use super::caller::Caller;

/// A resource as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// What clients know it by.
    pub(crate) id: String,
    /// Its place in the order of a list: the name as it is compared, unique in the connection.
    pub(crate) key: String,
    /// What clients wrote.
    pub(crate) resource: Resource,
    /// Rises with every change.
    pub(crate) version: u64,
    /// Since when it is there.
    pub(crate) created: Time,
    /// When it last changed.
    pub(crate) changed: Time,
    /// Members of a group or groups of a user; none where nobody asked for them ([`Kept::link`]).
    pub(crate) links: Option<Vec<Link>>,
    /// Bytes of the resource as it is kept.
    pub(crate) bytes: usize,
}

/// What a PUT or PATCH makes of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// What it is now.
    pub(crate) resource: Resource,
    /// Whether that differs from what it was.
    pub(crate) changed: bool,
    /// What happens to the members. A PUT that doesn't name any leaves them.
    pub(crate) members: MemberChanges,
    /// Whether the request names the version that it is for: then members change only in that one, too.
    pub(crate) exactly: bool,
}

/// What a change came to.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    /// The resource as it is now.
    pub(crate) stored: Stored,
    /// Whether others are in it.
    pub(crate) members: bool,
    /// Whether somebody may sign in from now on, where that is another.
    pub(crate) switched: Option<bool>,
}

/// A resource type as it is kept. Every function asks only for what is the connection's: what isn't, isn't there.
pub(crate) trait Kept: Send + Sync + 'static {
    /// What it is.
    const KIND: &'static ResourceType;
    /// By what an index finds it, for people: a client is told so whose question takes too long without one.
    const FOUND_BY: &'static str;

    /// Whether an index finds it by this key.
    fn has_index(key: Key) -> bool;

    /// By id, as a client wrote it, without links.
    fn load<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        id: &str,
    ) -> impl Future<Output = Result<Option<Stored>, ScimFailure>> + Send;

    /// Gathers those of which all of these equalities hold, by an index: at least one of their keys has one
    /// ([`Kept::has_index`]). Only a few are loaded at a time, so that what is too much is never in memory.
    fn find<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        all: &[Lookup],
        found: &mut Gathered,
    ) -> impl Future<Output = Result<(), ScimFailure>> + Send;

    /// The next ones after a key, in the order of keys; none after the last.
    fn walk<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        after: &str,
        step: Step,
    ) -> impl Future<Output = Result<Vec<Stored>, ScimFailure>> + Send;

    /// The next ones from a place on, in the order of keys; none behind the last.
    fn skip<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        offset: u64,
        step: Step,
    ) -> impl Future<Output = Result<Vec<Stored>, ScimFailure>> + Send;

    /// How many there are.
    fn count<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
    ) -> impl Future<Output = Result<u64, ScimFailure>> + Send;

    /// Loads the links of all of these: only where an answer or a filter needs them.
    fn link<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        all: &mut [Stored],
    ) -> impl Future<Output = Result<(), ScimFailure>> + Send;

    /// Makes one. A name that somebody has is [`aeolus_store::StoreError::Taken`], by the unique index.
    fn insert(
        caller: &Caller,
        write: &mut Write,
        document: Document,
    ) -> impl Future<Output = Result<Stored, ScimFailure>> + Send;

    /// Keeps others from changing it until this transaction ends: asked before it is loaded, where somebody was faster the
    /// time before, so that whoever changes the whole of what many change in part has their turn. Not needed where nobody
    /// changes a part alone.
    fn hold(
        _: &mut Write,
        _: ConnectionId,
        _: &str,
    ) -> impl Future<Output = Result<(), ScimFailure>> + Send {
        async { Ok(()) }
    }

    /// Makes it another, if it is still in the version that was seen: else [`aeolus_store::StoreError::Conflict`],
    /// and all is done again. Only called with a change; the version stays where it turns out to be none.
    fn change(
        caller: &Caller,
        write: &mut Write,
        seen: &Stored,
        change: Change,
    ) -> impl Future<Output = Result<Changed, ScimFailure>> + Send;

    /// Does what has to be in effect before it is removed, in a transaction of its own, and says whether there was
    /// anything. Removing it is a change of everything, and gates hear of single people sooner.
    fn empty(
        _: &Caller,
        _: &mut Write,
        _: &Stored,
    ) -> impl Future<Output = Result<bool, ScimFailure>> + Send {
        async { Ok(false) }
    }

    /// Removes it, as [`Kept::change`].
    fn remove(
        caller: &Caller,
        write: &mut Write,
        seen: &Stored,
    ) -> impl Future<Output = Result<(), ScimFailure>> + Send;

    /// Whether a PATCH is answered with the resource. Its links are loaded for that, if they are asked for.
    fn shows_patched(caller: &Caller, patched: &Stored) -> impl Future<Output = bool> + Send;
}

impl Stored {
    /// Its version as clients see it.
    pub(super) fn version(&self) -> Version {
        Version::new(self.version)
    }

    /// All of it: what filters and orders are judged on.
    pub(super) fn whole(&self, base: &str) -> Map<String, Value> {
        self.record(base, |record| {
            self.resource.whole(record, self.links.as_deref())
        })
    }

    /// As it is answered.
    pub(super) fn show(&self, base: &str, asked: &Projection) -> Value {
        self.record(base, |record| {
            self.resource.to_json(record, self.links.as_deref(), asked)
        })
    }

    fn record<T>(&self, base: &str, with: impl FnOnce(&Record<'_>) -> T) -> T {
        let created = rfc3339(self.created.secs());
        let last_modified = rfc3339(self.changed.secs());
        with(&Record {
            id: &self.id,
            base,
            created: &created,
            last_modified: &last_modified,
            version: &self.version(),
        })
    }
}

impl Change {
    /// Of a PUT.
    pub(super) fn of(document: Document, seen: &Stored) -> Self {
        Self {
            changed: document.resource != seen.resource,
            resource: document.resource,
            members: document
                .members
                .map(MemberChanges::whole)
                .unwrap_or_default(),
            exactly: false,
        }
    }

    /// Whether it is none.
    pub(super) fn is_none(&self) -> bool {
        !self.changed && self.members.is_empty()
    }
}

impl From<Patched> for Change {
    fn from(patched: Patched) -> Self {
        Self {
            resource: patched.resource,
            changed: patched.changed,
            members: patched.members,
            exactly: false,
        }
    }
}
