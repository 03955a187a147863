//! The account that a user is.

use aeolus_model::{
    Action, AuditEvent, Change, Email, Grant, GrantId, Outcome, Resource, Role, Subject, UserId,
};
use aeolus_oidc::Connection;
use aeolus_store::{GrantRecord, ManagedBy, StoreError, Unit as _, User, Write};

use super::super::answer::{ScimFailure, taken};
use super::super::caller::Caller;
use super::keys::Person;
use crate::connections;
use crate::people::{administrators, counts_for, is_stand_in, stand_in, waiting};

/// Makes an account, as the provider's rule for who comes by themselves would.
pub(super) async fn make(
    caller: &Caller,
    write: &mut Write,
    person: &Person,
) -> Result<User, ScimFailure> {
    let app = &caller.app;
    let provider = provider(caller);
    let email = match &person.email {
        Some(email) => email.clone(),
        // They come in by the provider alone, and no mail reaches them.
        None => stand_in(&*app.rng, "provisioned-")?,
    };
    let user = User {
        id: UserId::random(&*app.rng),
        email,
        name: person.name.clone(),
        password_hash: None,
        disabled_at: None,
        created_at: app.clock.now(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.users().insert(&user).await?;
    prove(write, provider.as_ref(), &user).await?;
    provision(caller, write, provider.as_ref(), &user).await?;
    Ok(user)
}

/// Lets the account follow what the provider wrote where that is another than before. Records that a fleet document
/// looks after stay as they are there.
pub(super) async fn follow(
    caller: &Caller,
    write: &mut Write,
    user: &User,
    (before, now): (&Person, &Person),
) -> Result<User, ScimFailure> {
    if user.managed_by != ManagedBy::Api || before == now {
        return Ok(user.clone());
    }
    let mut changed = user.clone();
    if before.name != now.name {
        changed.name.clone_from(&now.name);
    }
    if let Some(email) = now.email.as_ref().filter(|_| before.email != now.email) {
        // Whoever has their address could be them: links that set a password go there.
        if caller.settings.match_administrators || !administrators::is_one(write, user.id).await? {
            changed.email = email.clone();
        } else {
            kept(caller, write, user, email);
        }
    }
    if changed.name == user.name && changed.email == user.email {
        return Ok(changed);
    }
    if changed.email != user.email {
        if write.users().by_email(&changed.email).await?.is_some() {
            let email = &changed.email;
            return Err(taken(format!("Somebody else has the address {email} here.")).into());
        }
        // What was sent to the old address leads nowhere any more.
        write.password_resets().end(user.id).await?;
    }
    write.users().update(&changed).await?;
    if changed.email != user.email {
        waiting::freed(write, &user.email).await?;
        prove(write, provider(caller).as_ref(), &changed).await?;
    }
    changed.revision += 1;
    Ok(changed)
}

/// Says that an administrator's address doesn't follow.
fn kept(caller: &Caller, write: &mut Write, user: &User, email: &Email) {
    write.audit(AuditEvent {
        outcome: Outcome::Denied,
        reason: "administrator".to_owned(),
        changes: Change::of("email", user.email.as_str(), email.as_str())
            .into_iter()
            .collect(),
        ..caller.event(Action::ScimUserUpdate, user.id)
    });
}

/// How people sign in through the connection, if they do.
pub(super) fn provider(caller: &Caller) -> Option<Connection> {
    connections::sign_in(&caller.app, &caller.connection).map(|found| found.connection)
}

/// An address is theirs by the word of a provider whose word counts for its domain (O22).
async fn prove(
    write: &mut Write,
    provider: Option<&Connection>,
    user: &User,
) -> Result<(), StoreError> {
    let counts = provider.is_some_and(|provider| counts_for(provider, &user.email));
    let proved = counts || is_stand_in(&user.email);
    write.users().set_proved(user.id, proved).await
}

async fn provision(
    caller: &Caller,
    write: &mut Write,
    provider: Option<&Connection>,
    user: &User,
) -> Result<(), ScimFailure> {
    let rule = provider.and_then(Connection::provision);
    let Some(rule) = rule.filter(|rule| rule.is_for(&user.email)) else {
        return Ok(());
    };
    let found = write.organizations().by_name(rule.organization()).await?;
    let Some(organization) = found else {
        tracing::warn!(
            connection = %caller.connection.name, organization = %rule.organization(),
            "the organization that people of this connection are put into doesn't exist"
        );
        return Ok(());
    };
    let record = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*caller.app.clock, &*caller.app.rng),
            subject: Subject::User(user.id),
            role: Role::OrganizationMember.into(),
            resource: Resource::Organization(organization.id),
        },
        organization: Some(organization.id),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&record).await?;
    let event = caller
        .by()
        .event(Action::GrantCreate, Some(organization.id), record.grant.id);
    write.audit(AuditEvent {
        changes: vec![Change::to("role", record.grant.role.to_string())],
        ..event
    });
    Ok(())
}

/// What the audit log says of an account's address.
pub(super) fn address(email: &Email) -> Change {
    Change::to("email", email.to_string())
}
