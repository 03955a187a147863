//! People who are added by their address while another account has it at its own word (A1, O22).
//!
//! Whoever adds them must not learn of that account, and it must be given nothing: it may be a stranger's. So they get
//! an account which waits for the address, as they would have got one with it. Nobody signs in to it. Who shows that
//! the address is theirs has what it was given: whoever comes by a provider whose word counts for the domain, or the
//! other account, once a provider says so of it.

use std::collections::BTreeSet;

use aeolus_model::{Action, Actor, AuditEvent, Email, GrantId, OrganizationId, Subject, UserId};
use aeolus_store::{GrantRecord, ManagedBy, Member, StoreError, Unit, User, Write};

use super::stand_in::stand_in;
use super::{account, link};
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

/// Gives what waits for an address to the account that has shown that the address is its own.
pub(super) async fn settle(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    user: &User,
) -> Result<(), ApiError> {
    let Some(waiting) = write.waiting_addresses().of(&user.email).await? else {
        return Ok(());
    };
    write.users().hold(waiting).await?;
    let Some(waiting) = write.users().get(waiting).await? else {
        return Ok(());
    };
    // Whom an administrator keeps out is not let in under another account.
    if waiting.disabled_at.is_some() {
        return Ok(());
    }
    introduce(write, (waiting.id, user.id)).await?;
    for record in write.grants().of(Subject::User(waiting.id)).await? {
        let mut given = GrantRecord {
            managed_by: ManagedBy::Api,
            ..record
        };
        given.grant.id = GrantId::new(&*app.clock, &*app.rng);
        given.grant.subject = Subject::User(user.id);
        account::give(app, info, write, (user, &given)).await?;
    }
    for team in write.teams().of(waiting.id).await? {
        let member = Member {
            team: team.id,
            user: user.id,
            managed_by: ManagedBy::Api,
        };
        write.teams().add(&member).await?;
    }
    write.users().delete(waiting.id).await?;
    write.audit(AuditEvent {
        target: waiting.id.to_string(),
        reason: format!("address-proved:{}", user.id),
        ..info.event(app, Actor::System, Action::UserDelete)
    });
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
