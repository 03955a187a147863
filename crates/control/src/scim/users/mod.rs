//! Users: an account here, and the resource that a provider wrote of it.

mod account;
mod adopt;
mod keys;
mod last;
mod leave;
mod write;

use aeolus_model::{ConnectionId, UserId};
use aeolus_scim::schema::{ResourceType, USER};
use aeolus_scim::{Document, Key, Lookup, Reason, Resource, fold};
use aeolus_store::{ScimUser, ScimUserKey, Step, Unit, Write};
use serde_json::{Map, Value};

use super::answer::ScimFailure;
use super::bytes::{AT_ONCE, Gathered};
use super::caller::Caller;
use super::groups;
use super::kept::{Change, Changed, Kept, Stored};
use crate::error::ApiError;

/// So many have one key at most that isn't unique, for a list of them.
const MOST_ALIKE: u32 = 100;

/// Why nothing is found: who asks looks at [`Kept::has_index`] first.
const NO_INDEX: &str = "users were looked for by what has no index";

/// Users as they are kept.
pub(crate) struct Users;

impl Kept for Users {
    const KIND: &'static ResourceType = &USER;
    const FOUND_BY: &'static str = "userName, externalId, id or an e-mail address";

    fn has_index(key: Key) -> bool {
        match key {
            Key::Id | Key::UserName | Key::ExternalId | Key::Email => true,
            // Nothing that clients match users by.
            Key::DisplayName | Key::Member => false,
        }
    }

    async fn load<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        id: &str,
    ) -> Result<Option<Stored>, ScimFailure> {
        let Some(id) = id_of(id) else {
            return Ok(None);
        };
        let found = unit.scim_users().get(connection, id).await?;
        found.map(stored).transpose()
    }

    async fn find<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        all: &[Lookup],
        found: &mut Gathered,
    ) -> Result<(), ScimFailure> {
        let Some(first) = all.iter().min_by_key(|lookup| selectivity(lookup.key)) else {
            return Ok(());
        };
        for step in ids(unit, connection, first).await?.chunks(AT_ONCE) {
            let users = unit.scim_users().some(connection, step).await?;
            for user in all_of(users)? {
                if all.iter().all(|lookup| holds(&user, lookup)) {
                    found.add(user)?;
                }
            }
        }
        Ok(())
    }

    async fn walk<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        after: &str,
        step: Step,
    ) -> Result<Vec<Stored>, ScimFailure> {
        all_of(unit.scim_users().walk(connection, after, step).await?)
    }

    async fn skip<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        offset: u64,
        step: Step,
    ) -> Result<Vec<Stored>, ScimFailure> {
        all_of(unit.scim_users().skip(connection, offset, step).await?)
    }

    async fn count<U: Unit>(unit: &mut U, connection: ConnectionId) -> Result<u64, ScimFailure> {
        Ok(unit.scim_users().count(connection).await?)
    }

    async fn link<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        all: &mut [Stored],
    ) -> Result<(), ScimFailure> {
        let ids: Vec<UserId> = all.iter().filter_map(|user| id_of(&user.id)).collect();
        let mut found = groups::of_users(unit, connection, &ids).await?;
        for user in all {
            let links = id_of(&user.id).and_then(|id| found.remove(&id));
            user.links = Some(links.unwrap_or_default());
        }
        Ok(())
    }

    async fn insert(
        caller: &Caller,
        write: &mut Write,
        document: Document,
    ) -> Result<Stored, ScimFailure> {
        write::insert(caller, write, document.resource).await
    }

    async fn change(
        caller: &Caller,
        write: &mut Write,
        seen: &Stored,
        change: Change,
    ) -> Result<Changed, ScimFailure> {
        write::change(caller, write, seen, change.resource).await
    }

    async fn remove(caller: &Caller, write: &mut Write, seen: &Stored) -> Result<(), ScimFailure> {
        leave::remove(caller, write, seen).await
    }

    async fn shows_patched(_: &Caller, _: &Stored) -> bool {
        true
    }
}

/// What clients know a user by: the account's id, in the one form that it is given out in.
fn id_of(text: &str) -> Option<UserId> {
    let id: UserId = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

/// As it is kept, to what is answered.
fn stored(user: ScimUser) -> Result<Stored, ScimFailure> {
    let tree: Map<String, Value> = serde_json::from_str(&user.tree).map_err(ApiError::internal)?;
    Ok(Stored {
        id: user.id.to_string(),
        key: user.name_key,
        resource: Resource::from_tree(&USER, tree),
        version: user.version,
        created: user.created_at,
        changed: user.changed_at,
        links: None,
        bytes: user.tree.len(),
    })
}

fn all_of(found: Vec<ScimUser>) -> Result<Vec<Stored>, ScimFailure> {
    found.into_iter().map(stored).collect()
}

/// Which key finds fewest.
const fn selectivity(key: Key) -> u8 {
    match key {
        Key::Id => 0,
        Key::UserName => 1,
        Key::Email => 2,
        Key::ExternalId => 3,
        Key::DisplayName | Key::Member => 4,
    }
}

/// Who has a key.
async fn ids(
    unit: &mut impl Unit,
    connection: ConnectionId,
    Lookup { key, value }: &Lookup,
) -> Result<Vec<UserId>, ScimFailure> {
    let key = match key {
        Key::Id => return Ok(id_of(value).into_iter().collect()),
        // No text that is kept has it, and PostgreSQL takes none with it.
        _ if value.contains('\0') => return Ok(Vec::new()),
        Key::UserName => ScimUserKey::Name(value),
        Key::ExternalId => ScimUserKey::ExternalId(value),
        Key::Email => ScimUserKey::Email(value),
        Key::DisplayName | Key::Member => return Err(ApiError::internal(NO_INDEX).into()),
    };
    let mut users = unit.scim_users();
    let found = users.find(connection, key, MOST_ALIKE + 1).await?;
    if found.len() > usize::try_from(MOST_ALIKE).unwrap_or(usize::MAX) {
        let why = format!("More than {MOST_ALIKE} users have this: filter by userName as well.");
        return Err(aeolus_scim::Error::new(Reason::TooMany, why).into());
    }
    Ok(found)
}

fn holds(user: &Stored, Lookup { key, value }: &Lookup) -> bool {
    let resource = &user.resource;
    match key {
        Key::Id => user.id == *value,
        Key::UserName => user.key == *value,
        Key::ExternalId => resource.external_id() == Some(value),
        Key::DisplayName => resource
            .display_name()
            .is_some_and(|name| fold(name) == *value),
        Key::Email => resource.emails().iter().any(|email| fold(email) == *value),
        Key::Member => false,
    }
}
