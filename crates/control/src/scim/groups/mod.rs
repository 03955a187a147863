//! Groups: each is a Team (note 033).

mod keys;
mod members;
mod roles;
mod write;

use std::collections::HashMap;

use aeolus_model::{ConnectionId, TeamId, UserId};
use aeolus_scim::schema::{GROUP, ResourceType};
use aeolus_scim::{Document, Error, GroupAnswer, Key, Link, Lookup, MemberKind, Reason, Resource};
use aeolus_store::{ScimGroup, ScimGroupKey, Step, Unit, Write};
use serde_json::{Map, Value};

pub(super) use self::members::{leave, require_left};
pub(crate) use self::roles::{Plan, Wanted, plan, wanted};

use super::answer::ScimFailure;
use super::bytes::{AT_ONCE, Gathered};
use super::caller::Caller;
use super::kept::{Change, Changed, Kept, Stored};
use crate::error::ApiError;

/// So many members are in one answer at most where it has several groups.
const MOST_MEMBERS: usize = 100_000;

/// Groups as they are kept.
pub(crate) struct Groups;

impl Kept for Groups {
    const KIND: &'static ResourceType = &GROUP;
    const FOUND_BY: &'static str = "displayName, externalId, id or a member's id";

    fn has_index(key: Key) -> bool {
        match key {
            Key::Id | Key::DisplayName | Key::ExternalId | Key::Member => true,
            Key::UserName | Key::Email => false,
        }
    }

    async fn load<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        id: &str,
    ) -> Result<Option<Stored>, ScimFailure> {
        let Some(team) = team_of(id) else {
            return Ok(None);
        };
        let found = unit.scim_groups().get(connection, team).await?;
        found.map(stored).transpose()
    }

    async fn find<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        all: &[Lookup],
        found: &mut Gathered,
    ) -> Result<(), ScimFailure> {
        let first = all.iter().min_by_key(|lookup| selectivity(lookup.key));
        let Some(key) = first.and_then(key_of) else {
            return Ok(());
        };
        let ids = unit.scim_groups().find(connection, &key).await?;
        for step in ids.chunks(AT_ONCE) {
            for group in unit.scim_groups().some(connection, step).await? {
                let mut holds = true;
                for lookup in all {
                    holds = holds && self::holds(unit, &group, lookup).await?;
                }
                if holds {
                    found.add(stored(group)?)?;
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
        all_of(unit.scim_groups().walk(connection, after, step).await?)
    }

    async fn skip<U: Unit>(
        unit: &mut U,
        connection: ConnectionId,
        offset: u64,
        step: Step,
    ) -> Result<Vec<Stored>, ScimFailure> {
        all_of(unit.scim_groups().skip(connection, offset, step).await?)
    }

    async fn count<U: Unit>(unit: &mut U, connection: ConnectionId) -> Result<u64, ScimFailure> {
        Ok(unit.scim_groups().count(connection).await?)
    }

    async fn link<U: Unit>(
        unit: &mut U,
        _: ConnectionId,
        all: &mut [Stored],
    ) -> Result<(), ScimFailure> {
        let several = all.len() > 1;
        let mut members = 0;
        for stored in all {
            let Some(team) = team_of(&stored.id) else {
                continue;
            };
            let links = unit.scim_groups().members(team).await?;
            members += links.len();
            if several && members > MOST_MEMBERS {
                let why = format!(
                    "These groups have more than {MOST_MEMBERS} members: ask with \"excludedAttributes=members\", or for \
                     fewer groups with \"count\"."
                );
                return Err(Error::new(Reason::TooMany, why).into());
            }
            stored.links = Some(links.into_iter().map(link).collect());
        }
        Ok(())
    }

    async fn insert(
        caller: &Caller,
        write: &mut Write,
        document: Document,
    ) -> Result<Stored, ScimFailure> {
        write::insert(caller, write, document).await
    }

    async fn hold(
        write: &mut Write,
        connection: ConnectionId,
        id: &str,
    ) -> Result<(), ScimFailure> {
        if let Some(team) = team_of(id) {
            write.scim_groups().hold(connection, team).await?;
        }
        Ok(())
    }

    async fn change(
        caller: &Caller,
        write: &mut Write,
        seen: &Stored,
        change: Change,
    ) -> Result<Changed, ScimFailure> {
        write::change(caller, write, seen, change).await
    }

    async fn empty(caller: &Caller, write: &mut Write, seen: &Stored) -> Result<bool, ScimFailure> {
        write::empty(caller, write, seen).await
    }

    async fn remove(caller: &Caller, write: &mut Write, seen: &Stored) -> Result<(), ScimFailure> {
        write::remove(caller, write, seen).await
    }

    async fn shows_patched(caller: &Caller, patched: &Stored) -> bool {
        let (GroupAnswer::WholeUpTo(most), Some(team)) =
            (caller.profile.group_answer, team_of(&patched.id))
        else {
            return false;
        };
        let Ok(mut view) = caller.app.store.read().await else {
            return false;
        };
        let few = view.scim_groups().has_at_most(team, most).await;
        few.unwrap_or(false)
    }
}

/// What clients know a group by: the Team's id, in the one form that it is given out in.
fn team_of(text: &str) -> Option<TeamId> {
    let id: TeamId = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

fn user_of(text: &str) -> Option<UserId> {
    let id: UserId = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

/// As it is kept, to what is answered.
fn stored(group: ScimGroup) -> Result<Stored, ScimFailure> {
    let tree: Map<String, Value> = serde_json::from_str(&group.tree).map_err(ApiError::internal)?;
    Ok(Stored {
        id: group.team.to_string(),
        key: group.name_key,
        resource: Resource::from_tree(&GROUP, tree),
        version: group.version,
        created: group.created_at,
        changed: group.changed_at,
        links: None,
        bytes: group.tree.len(),
    })
}

fn all_of(found: Vec<ScimGroup>) -> Result<Vec<Stored>, ScimFailure> {
    found.into_iter().map(stored).collect()
}

fn link(member: UserId) -> Link {
    Link {
        value: member.to_string(),
        kind: MemberKind::User,
        // Clients compare what comes back with what they sent, and few send a name.
        display: None,
    }
}

/// Which key finds fewest.
const fn selectivity(key: Key) -> u8 {
    match key {
        Key::Id => 0,
        Key::DisplayName => 1,
        Key::ExternalId => 2,
        Key::Member => 3,
        Key::UserName | Key::Email => 4,
    }
}

/// None where nothing that is kept is so.
fn key_of(Lookup { key, value }: &Lookup) -> Option<ScimGroupKey> {
    // No text that is kept has it, and PostgreSQL takes none with it.
    if value.contains('\0') {
        return None;
    }
    match key {
        Key::Id => team_of(value).map(ScimGroupKey::Id),
        Key::DisplayName => Some(ScimGroupKey::Name(value.clone())),
        Key::ExternalId => Some(ScimGroupKey::External(value.clone())),
        Key::Member => user_of(value).map(ScimGroupKey::Member),
        Key::UserName | Key::Email => None,
    }
}

async fn holds(
    unit: &mut impl Unit,
    group: &ScimGroup,
    Lookup { key, value }: &Lookup,
) -> Result<bool, ScimFailure> {
    Ok(match key {
        Key::Id => group.team.to_string() == *value,
        Key::DisplayName => group.name_key == *value,
        Key::ExternalId => group.external_id.as_ref() == Some(value),
        Key::Member => match user_of(value) {
            Some(user) => unit.scim_groups().is_member(group.team, user).await?,
            None => false,
        },
        Key::UserName | Key::Email => false,
    })
}

/// The groups that people are in, as their own records show them: of each, in the order of the groups' names.
pub(in crate::scim) async fn of_users(
    unit: &mut impl Unit,
    connection: ConnectionId,
    users: &[UserId],
) -> Result<HashMap<UserId, Vec<Link>>, ScimFailure> {
    let mut all = HashMap::<UserId, Vec<Link>>::new();
    for found in unit.scim_groups().of_users(connection, users).await? {
        all.entry(found.user).or_default().push(Link {
            value: found.team.to_string(),
            kind: MemberKind::Group,
            display: Some(found.display_name),
        });
    }
    Ok(all)
}
