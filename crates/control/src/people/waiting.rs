//! People who are added by their address while another account has it at its own word (A1, O22).
//!
//! Whoever adds them must not learn of that account, and it must be given nothing: it may be a stranger's. So they get
//! an account which waits for the address, as they would have got one with it. Nobody signs in to it. Who shows that
//! the address is theirs has what it was given: whoever comes by a provider whose word counts for the domain, or the
//! other account, once a provider says so of it.

use std::collections::BTreeSet;

use aeolus_model::{Action, Actor, AuditEvent, Change, Email, OrganizationId, UserId};
use aeolus_store::{ManagedBy, StoreError, Unit, User, Write};

use super::stand_in::stand_in;
use super::{administrators, link};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::sessions::belongs;

/// The account of whoever is meant by an address in an organization. It is made where there is none.
pub(crate) async fn add(
    app: &App,
    write: &mut Write,
    organization: OrganizationId,
    new: User,
) -> Result<User, ApiError> {
    let Some(holder) = write.users().by_email(&new.email).await? else {
        write.users().insert(&new).await?;
        return Ok(new);
    };
    if link::is_meant(write, holder.id, organization).await? {
        return Ok(holder);
    }
    // Of two who add the address at once the other waits here; so does a provider that proves it.
    write.users().hold(holder.id).await?;
    let holder = write.users().by_email(&new.email).await?;
    match holder {
        Some(holder) if !link::is_meant(write, holder.id, organization).await? => {
            wait(app, write, new).await
        }
        Some(holder) => Ok(holder),
        None => {
            write.users().insert(&new).await?;
            Ok(new)
        }
    }
}

/// The account that waits for an address. One is enough for all who add it, as one is that has it.
async fn wait(app: &App, write: &mut Write, new: User) -> Result<User, ApiError> {
    if let Some(there) = of(write, &new.email).await? {
        return Ok(there);
    }
    let kept = User {
        email: stand_in(&*app.rng, "waiting-")?,
        ..new.clone()
    };
    write.users().insert(&kept).await?;
    let mut waiting = write.waiting_addresses();
    waiting.insert(&new.email, new.id).await?;
    Ok(new)
}

/// Who waits for an address.
pub(crate) async fn of(unit: &mut impl Unit, email: &Email) -> Result<Option<User>, StoreError> {
    match unit.waiting_addresses().of(email).await? {
        Some(id) => unit.users().get(id).await,
        None => Ok(None),
    }
}

/// Gives an address that nobody has any more to who waits for it.
pub(crate) async fn freed(write: &mut Write, email: &Email) -> Result<(), StoreError> {
    let Some(id) = write.waiting_addresses().of(email).await? else {
        return Ok(());
    };
    write.users().hold(id).await?;
    let Some(waiting) = write.users().get(id).await? else {
        return Ok(());
    };
    write.waiting_addresses().delete(id).await?;
    write.users().update(&waiting).await
}

/// Keeps somebody who may be waiting as they are until this unit ends, before they are given or lose something: until
/// then nobody gives what is theirs to another account. [`StoreError::Conflict`] if that is done.
pub(crate) async fn keep(write: &mut Write, user: UserId) -> Result<(), StoreError> {
    if write.waiting_addresses().is_waiting(user).await? {
        write.users().hold(user).await?;
    }
    match write.users().get(user).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Conflict),
    }
}

/// Gives what waits for an address to the account that has shown that the address is its own; `trusted`: by the word of
/// a provider that may say who has an account. All that hangs on the one that waits passes over, so that whoever shows
/// the other out ends it (A11, A12).
pub(super) async fn settle(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (user, trusted): (UserId, bool),
) -> Result<(), ApiError> {
    write.users().hold(user).await?;
    let Some(user) = write.users().get(user).await? else {
        return Ok(());
    };
    let Some(id) = write.waiting_addresses().of(&user.email).await? else {
        return Ok(());
    };
    if id == user.id {
        return Ok(());
    }
    write.users().hold(id).await?;
    // Until it was held the address could have been given to it, or what it had to another one.
    if write.waiting_addresses().of(&user.email).await? != Some(id) {
        return Ok(());
    }
    let Some(waiting) = write.users().get(id).await? else {
        return Ok(());
    };
    // Whom an administrator keeps out is not let in under another account.
    if waiting.disabled_at.is_some() {
        return Ok(());
    }
    if !trusted && administrators::is_one(write, id).await? {
        return Ok(());
    }
    introduce(write, (id, user.id)).await?;
    pass_on(app, info, write, (id, user.id)).await?;
    write.users().delete(id).await?;
    write.audit(AuditEvent {
        target: id.to_string(),
        reason: format!("address-proved:{}", user.id),
        ..info.event(app, Actor::System, Action::UserDelete)
    });
    Ok(())
}

/// Roles, teams and API tokens of one account become another's: the rows themselves, so that nobody takes back what is
/// copied at the same time.
async fn pass_on(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (from, to): (UserId, UserId),
) -> Result<(), ApiError> {
    let by = ManagedBy::Api;
    for record in write.grants().move_all((from, to), by).await? {
        let event = info.event(app, Actor::User(to), Action::GrantCreate);
        write.audit(AuditEvent {
            organization: record.organization,
            target: record.grant.id.to_string(),
            reason: format!("address-proved:{from}"),
            changes: vec![Change::to("role", record.grant.role.to_string())],
            ..event
        });
    }
    write.teams().move_all((from, to), by).await?;
    for (token, organization) in write.tokens().all_by(from).await? {
        write.tokens().give(token, to).await?;
        write.audit(AuditEvent {
            organization: Some(organization),
            target: token.to_string(),
            reason: format!("to:{to}"),
            ..info.event(app, Actor::System, Action::TokenGive)
        });
    }
    Ok(())
}

/// Where they are new they go on being called what they were called there, until they come.
async fn introduce(write: &mut Write, (from, to): (UserId, UserId)) -> Result<(), ApiError> {
    let grants = write.grants().effective(from).await?;
    let teams = write.teams().of(from).await?;
    let places = grants.iter().filter_map(|record| record.organization);
    let places = places.chain(teams.iter().map(|team| team.organization));
    let places: BTreeSet<OrganizationId> = places.collect();
    for place in places {
        if belongs(write, place, to).await? {
            continue;
        }
        if let Some(name) = write.introductions().name(place, from).await? {
            write.introductions().insert((place, to), &name).await?;
        }
    }
    Ok(())
}
