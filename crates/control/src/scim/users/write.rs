//! Making users and changing them. Whether somebody may sign in follows in the same transaction.

use aeolus_model::{Action, AuditEvent, Change};
use aeolus_scim::Resource;
use aeolus_store::{ScimUser, StoreError, Unit as _, User, Write};

use super::super::answer::ScimFailure;
use super::super::caller::Caller;
use super::super::kept::{Changed, Stored};
use super::keys::{Keys, Person};
use super::last::{self, Left};
use super::{account, adopt, id_of, stored};
use crate::error::ApiError;
use crate::people::{let_in, shut_out};

/// Makes a user: with an account of their own, or with one that is there and may be taken.
pub(super) async fn insert(
    caller: &Caller,
    write: &mut Write,
    resource: Resource,
) -> Result<Stored, ScimFailure> {
    let keys = Keys::of(&resource)?;
    let person = Person::of(&resource);
    let there = match &person.email {
        Some(email) => write.users().by_email(email).await?,
        None => None,
    };
    let now = caller.app.clock.now();
    let made = there.is_none();
    let mut left = None;
    let user = match there {
        Some(user) => {
            if !resource.active() {
                left = Some(last::lock(caller, write, &user).await?);
            }
            write.users().hold(user.id).await?;
            let user = again(write, &user).await?;
            adopt::may_adopt(caller, write, &user).await?;
            user
        }
        None => account::make(caller, write, &person).await?,
    };
    let off = !resource.active() && user.disabled_at.is_none();
    let row = ScimUser {
        connection: caller.connection.id,
        id: user.id,
        user_name: keys.user_name,
        name_key: keys.name_key,
        external_id: keys.external_id,
        tree: text(&resource)?,
        made,
        off,
        version: 1,
        created_at: now,
        changed_at: now,
    };
    write.scim_users().insert(&row, &keys.emails).await?;
    let event = caller.event(Action::ScimUserCreate, user.id);
    write.audit(AuditEvent {
        reason: if made { "" } else { "adopted" }.to_owned(),
        changes: vec![
            Change::to("userName", row.user_name.clone()),
            account::address(&user.email),
        ],
        ..event
    });
    if off {
        disable(caller, write, &user, left).await?;
    }
    stored(row)
}

/// Makes a user another.
pub(super) async fn change(
    caller: &Caller,
    write: &mut Write,
    seen: &Stored,
    resource: Resource,
) -> Result<Changed, ScimFailure> {
    let keys = Keys::of(&resource)?;
    let (was, is) = (seen.resource.active(), resource.active());
    let (row, user, left) = held(caller, write, seen, was && !is).await?;
    let persons = (Person::of(&seen.resource), Person::of(&resource));
    let user = account::follow(caller, write, &user, (&persons.0, &persons.1)).await?;
    let now = caller.app.clock.now();
    let changes = changes(&seen.resource, &resource);
    let shuts = was && !is && user.disabled_at.is_none();
    // What an administrator has disabled is theirs to enable.
    let opens = !was && is && row.off;
    let changed = ScimUser {
        user_name: keys.user_name,
        name_key: keys.name_key,
        external_id: keys.external_id,
        tree: text(&resource)?,
        off: if opens { false } else { row.off || shuts },
        changed_at: now,
        ..row
    };
    write.scim_users().update(&changed, &keys.emails).await?;
    let event = caller.event(Action::ScimUserUpdate, user.id);
    write.audit(AuditEvent { changes, ..event });
    if was && !is {
        disable(caller, write, &user, left).await?;
    }
    let lets_in = opens && user.disabled_at.is_some();
    if lets_in {
        let_in(write, &user, now).await?;
        let event = caller.event(Action::UserEnable, user.id);
        write.audit(AuditEvent {
            changes: vec![account::address(&user.email)],
            ..event
        });
    }
    let stored = stored(ScimUser {
        version: changed.version + 1,
        ..changed
    })?;
    Ok(Changed {
        stored,
        members: false,
        switched: (shuts || lets_in).then_some(lets_in),
    })
}

/// The row and the account as nobody else changes them until this transaction ends, if the row is still what was seen.
/// Where somebody `leaves`, whoever counts who is left waits as well.
pub(super) async fn held(
    caller: &Caller,
    write: &mut Write,
    seen: &Stored,
    leaves: bool,
) -> Result<(ScimUser, User, Option<Left>), ScimFailure> {
    let gone = || ScimFailure::from(StoreError::Conflict);
    let id = id_of(&seen.id).ok_or_else(gone)?;
    let user = write.users().get(id).await?.ok_or_else(gone)?;
    let left = if leaves {
        Some(last::lock(caller, write, &user).await?)
    } else {
        None
    };
    write.users().hold(id).await?;
    let user = again(write, &user).await?;
    let row = write.scim_users().get(caller.connection.id, id).await?;
    let row = row.filter(|row| row.version == seen.version);
    Ok((row.ok_or_else(gone)?, user, left))
}

/// Somebody as they are now that they are held.
async fn again(write: &mut Write, user: &User) -> Result<User, ScimFailure> {
    let user = write.users().get(user.id).await?;
    Ok(user.ok_or(StoreError::Conflict)?)
}

/// Keeps somebody from signing in, and ends everything they had signed in to.
pub(super) async fn disable(
    caller: &Caller,
    write: &mut Write,
    user: &User,
    left: Option<Left>,
) -> Result<(), ScimFailure> {
    let ended = shut_out(write, user, caller.app.clock.now()).await?;
    let event = caller.event(Action::UserDisable, user.id);
    write.audit(AuditEvent {
        changes: ended.told(user),
        ..event
    });
    if let Some(left) = left.filter(|_| user.disabled_at.is_none()) {
        left.say(caller, write, user.id);
    }
    Ok(())
}

fn text(resource: &Resource) -> Result<String, ScimFailure> {
    Ok(serde_json::to_string(resource.tree()).map_err(ApiError::internal)?)
}

/// What the audit log says of a change: of each attribute what it was and is, cut where it is long.
fn changes(before: &Resource, after: &Resource) -> Vec<Change> {
    const LONGEST: usize = 200;
    let shown = |resource: &Resource, name: &str| {
        let value = resource.tree().get(name);
        let text = value.map_or_else(String::new, |value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        });
        text.chars().take(LONGEST).collect::<String>()
    };
    let names: std::collections::BTreeSet<&String> =
        before.tree().keys().chain(after.tree().keys()).collect();
    names
        .into_iter()
        .filter(|name| before.tree().get(*name) != after.tree().get(*name))
        .map(|name| {
            let (from, to) = (shown(before, name), shown(after, name));
            // Cut alike, it is still another.
            Change::of(name, &from, &to).unwrap_or_else(|| Change::to(name, to))
        })
        .collect()
}
