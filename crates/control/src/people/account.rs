//! Accounts of people who come by themselves.

use aeolus_model::{Action, Actor, AuditEvent, Change, Email, Secret, Slug, UserId};
use aeolus_store::{GrantRecord, Identity, ManagedBy, StoreError, Unit as _, User, Write};

use super::{Arrival, Refused, link, stand_in, waiting};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Longer names are cut.
const MAX_NAME: usize = 200;

/// Somebody who gets an account.
pub(super) struct New<'a> {
    pub(super) email: &'a Email,
    pub(super) name: &'a str,
    /// The password's hash, for those who have one here.
    pub(super) password: Option<Secret<String>>,
    /// The provider through which they come, if it is one.
    pub(super) through: Option<&'a Slug>,
    /// Whether the address is theirs by more than their own word.
    pub(super) proved: bool,
}

/// Makes an account, which nobody has the address of.
pub(super) async fn open(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    new: New<'_>,
) -> Result<User, StoreError> {
    let user = User {
        id: UserId::random(&*app.rng),
        email: new.email.clone(),
        name: new.name.to_owned(),
        password_hash: new.password,
        disabled_at: None,
        created_at: app.clock.now(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.users().insert(&user).await?;
    if !new.proved {
        write.users().set_proved(user.id, false).await?;
    }
    let through = new.through.map(ToString::to_string);
    let email = Change::to("email", user.email.to_string());
    let through = through.map(|name| Change::to("connection", name));
    let event = info.event(app, Actor::User(user.id), Action::UserCreate);
    write.audit(AuditEvent {
        target: user.id.to_string(),
        changes: std::iter::once(email).chain(through).collect(),
        ..event
    });
    Ok(user)
}

/// Makes an account that is known by the identity. An address that somebody has already is theirs, unless they
/// only said so and the provider knows better.
pub(super) async fn make(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    arrival: &Arrival<'_>,
    email: &Email,
) -> Result<Result<User, Refused>, ApiError> {
    if let Some(holder) = write.users().by_email(email).await? {
        // Nobody begins to wait for the address any more: whoever adds it waits for its holder, too.
        write.users().hold(holder.id).await?;
        if let Some(found) = link::waited_for(app, info, write, (arrival, &holder)).await? {
            return Ok(found);
        }
        if !stand_in::take(app, info, write, (arrival, &holder)).await? {
            return Ok(Err(Refused::AddressTaken));
        }
    }
    // Whoever has the address by now got it meanwhile, and is nobody who was judged: the database refuses.
    let new = New {
        email,
        name: &name_of(arrival).unwrap_or_else(|| email.to_string()),
        password: None,
        through: Some(arrival.provider.name()),
        proved: link::vouches(arrival, email),
    };
    let user = open(app, info, write, new).await?;
    link(app, info, write, (arrival, user.id)).await?;
    Ok(Ok(user))
}

/// Makes somebody known by the identity.
pub(super) async fn link(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (arrival, user): (&Arrival<'_>, UserId),
) -> Result<(), ApiError> {
    let identity = arrival.identity;
    let link = Identity {
        connection: arrival.connection,
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        user,
        linked_at: app.clock.now(),
        managed_by: ManagedBy::Api,
    };
    write.identities().insert(&link).await?;
    let held = write.users().get(user).await?;
    if let Some(held) = held.filter(|held| link::vouches(arrival, &held.email)) {
        write.users().set_proved(user, true).await?;
        let trusted = link::trusts(arrival, &held.email);
        waiting::settle(app, info, write, (held.id, trusted)).await?;
    }
    let event = info.event(app, Actor::User(user), Action::IdentityLink);
    write.audit(AuditEvent {
        target: user.to_string(),
        changes: vec![
            Change::to("connection", arrival.provider.name().to_string()),
            Change::to("subject", identity.subject.to_string()),
        ],
        ..event
    });
    Ok(())
}

/// Gives somebody a role, unless they have it there already.
pub(super) async fn give(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (user, record): (&User, &GrantRecord),
) -> Result<(), ApiError> {
    let held = write.grants().of(record.grant.subject).await?;
    let same = |held: &GrantRecord| {
        held.grant.role == record.grant.role && held.grant.resource == record.grant.resource
    };
    if held.iter().any(same) {
        return Ok(());
    }
    write.grants().insert(record).await?;
    let event = info.event(app, Actor::User(user.id), Action::GrantCreate);
    write.audit(AuditEvent {
        organization: record.organization,
        target: record.grant.id.to_string(),
        changes: vec![Change::to("role", record.grant.role.to_string())],
        ..event
    });
    Ok(())
}

/// The name follows the provider, as far as nobody else looks after the record. The address never does:
/// who it reaches is who may be asked about the account.
pub(super) async fn follow(
    write: &mut Write,
    arrival: &Arrival<'_>,
    user: User,
) -> Result<User, ApiError> {
    let wanted = name_of(arrival).filter(|name| *name != user.name);
    let Some(name) = wanted.filter(|_| user.managed_by == ManagedBy::Api) else {
        return Ok(user);
    };
    let mut changed = User { name, ..user };
    write.users().update(&changed).await?;
    changed.revision += 1;
    Ok(changed)
}

fn name_of(arrival: &Arrival<'_>) -> Option<String> {
    let name = arrival.identity.name.as_deref()?.trim();
    let name: String = name.chars().take(MAX_NAME).collect();
    (!name.is_empty()).then_some(name)
}
