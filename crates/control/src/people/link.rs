//! One account, several ways in: added by proof alone.

use std::time::Duration;

use aeolus_model::{
    Action, Actor, AuditEvent, Change, ConnectionId, Email, OrganizationId, Session, Subject,
    UserId,
};
use aeolus_store::{GrantRecord, StoreError, Unit, User, Write};

use super::{Arrival, Refused, account, administrators, stand_in, waiting};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::factor;
use crate::groups;

/// Whoever says how else they are known has signed in within this time (A8).
const FRESH: Duration = Duration::from_secs(600);

/// Whether somebody may begin a sign-in that adds a way in, or remove one: signed in just now, with the second
/// factor that they have.
pub(crate) async fn may_link(
    app: &App,
    unit: &mut impl Unit,
    session: &Session,
) -> Result<Result<UserId, Refused>, StoreError> {
    let fresh = app.clock.now().since(session.auth_time) <= FRESH;
    let whole = fresh && !factor::is_missing(unit, session).await?;
    Ok(whole.then_some(session.user).ok_or(Refused::SignInFirst))
}

/// Adds the identity to the account of somebody who has proved both.
pub(super) async fn add(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (arrival, user): (&Arrival<'_>, UserId),
) -> Result<Result<User, Refused>, ApiError> {
    // Whoever adds two ways at once adds one after the other.
    write.users().hold(user).await?;
    let Some(user) = write.users().get(user).await? else {
        return Ok(Err(Refused::Unknown));
    };
    if user.disabled_at.is_some() {
        return Ok(Err(Refused::Disabled));
    }
    if is_known_at(write, user.id, arrival.connection).await? {
        return Ok(Err(Refused::LinkedAlready));
    }
    account::link(app, info, write, (arrival, user.id)).await?;
    Ok(Ok(user))
}

/// The account whose address the provider proves, where the connection may speak for its domain. None: there
/// is no such account. One that is another subject of the connection stays that subject's: addresses pass
/// from one person to the next (O22). One whose address somebody took at their word is nobody's here either:
/// whoever made it with another's address and waits would come in with them. It loses the address where somebody
/// is let in who has it by a provider's word (`stand_in`).
pub(super) async fn by_address(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<Option<Result<User, Refused>>, ApiError> {
    let Some(email) = arrival.proved() else {
        return Ok(None);
    };
    let Some(user) = write.users().by_email(email).await? else {
        return Ok(None);
    };
    let unproved = write.users().has_unproved_address(user.id).await?;
    if unproved && vouches(arrival, email) {
        // It may be their own: nobody comes in beside the account that was disabled.
        if user.disabled_at.is_some() {
            return Ok(Some(Err(Refused::Disabled)));
        }
        return waited_for(app, info, write, (arrival, &user)).await;
    }
    if unproved
        || !trusts(arrival, email)
        || is_known_at(write, user.id, arrival.connection).await?
    {
        return Ok(Some(Err(Refused::AddressTaken)));
    }
    if user.disabled_at.is_some() {
        return Ok(Some(Err(Refused::Disabled)));
    }
    account::link(app, info, write, (arrival, user.id)).await?;
    Ok(Some(Ok(user)))
}

/// The account that waits for the address, which its holder loses to it. None: nobody waits. Whoever is an administrator by it comes where
/// the connection may say who has an account, as for one that has its address.
pub(super) async fn waited_for(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (arrival, holder): (&Arrival<'_>, &User),
) -> Result<Option<Result<User, Refused>>, ApiError> {
    let Some(waiting) = waiting::of(write, &holder.email).await? else {
        return Ok(None);
    };
    if !trusts(arrival, &holder.email) && administrators::is_one(write, waiting.id).await? {
        return Ok(Some(Err(Refused::AddressTaken)));
    }
    if !stand_in::take(app, info, write, (arrival, holder)).await? {
        return Ok(Some(Err(Refused::AddressTaken)));
    }
    write.users().hold(waiting.id).await?;
    let user = write.users().by_email(&holder.email).await?;
    let Some(user) = user.filter(|user| user.id == waiting.id) else {
        return Ok(Some(Err(Refused::AddressTaken)));
    };
    if user.disabled_at.is_some() {
        return Ok(Some(Err(Refused::Disabled)));
    }
    account::link(app, info, write, (arrival, user.id)).await?;
    Ok(Some(Ok(user)))
}

/// Whether an address is theirs by the word of a provider whose word counts for its domain: any provider may
/// say anything of any address (O22).
pub(super) fn vouches(arrival: &Arrival<'_>, email: &Email) -> bool {
    counts_for(arrival.provider, email) && arrival.proved() == Some(email)
}

/// Whether a provider's word counts for an address's domain, as far as it vouches for an address at all.
pub(crate) fn counts_for(provider: &aeolus_oidc::Connection, email: &Email) -> bool {
    let mut domains = provider.trusted_domains().iter();
    let trusts = domains.any(|domain| domain.as_str() == email.domain());
    trusts || provider.provision().is_some_and(|rule| rule.is_for(email))
}

/// Whether whom it proves is whoever has the address here already.
pub(super) fn trusts(arrival: &Arrival<'_>, email: &Email) -> bool {
    let mut domains = arrival.provider.trusted_domains().iter();
    domains.any(|domain| domain.as_str() == email.domain())
}

/// Refuses to take an account for whoever is meant by its address, where that is its owner's own word and they
/// are not in the organization already: somebody else may be meant. An invitation finds who has its link. Only for
/// who may know of the account anyway.
pub(crate) async fn require_proved(
    write: &mut Write,
    user: &User,
    organization: Option<OrganizationId>,
) -> Result<(), ApiError> {
    let meant = match organization {
        Some(organization) => is_meant(write, user.id, organization).await?,
        None => !write.users().has_unproved_address(user.id).await?,
    };
    if meant {
        return Ok(());
    }
    Err(ApiError::Conflict(format!(
        "There is an account with {}, but nobody has shown that the address is theirs: it was made by the link of \
         an invitation. Invite them instead: who is meant has the link.",
        user.email
    )))
}

/// Whether who has an address is who is meant by it in an organization: it is shown to be theirs, or they were given
/// something there already.
pub(super) async fn is_meant(
    write: &mut Write,
    user: UserId,
    organization: OrganizationId,
) -> Result<bool, StoreError> {
    if !write.users().has_unproved_address(user).await? {
        return Ok(true);
    }
    let held = write.grants().of(Subject::User(user)).await?;
    let inside = |held: &GrantRecord| held.organization == Some(organization);
    Ok(held.iter().any(inside))
}

pub(crate) async fn is_known_at(
    write: &mut Write,
    user: UserId,
    connection: ConnectionId,
) -> Result<bool, ApiError> {
    let links = write.identities().of_user(user).await?;
    Ok(links.iter().any(|link| link.connection == connection))
}

/// Removes all ways in through a connection from somebody's account, never the last one. Sessions that came
/// through it end; gates refuse the provider's own tokens of the person.
pub(crate) async fn unlink(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (session, connection): (&Session, ConnectionId),
) -> Result<Result<(), Refused>, ApiError> {
    let id = match may_link(app, write, session).await? {
        Ok(id) => id,
        Err(refused) => return Ok(Err(refused)),
    };
    // Whoever removes two ways at once removes one after the other.
    write.users().hold(id).await?;
    let user = write.users().get(id).await?;
    let user = user.ok_or(ApiError::NotFound("user"))?;
    let links = write.identities().of_user(id).await?;
    let (gone, left): (Vec<_>, Vec<_>) = links
        .into_iter()
        .partition(|link| link.connection == connection);
    if gone.is_empty() {
        return Err(ApiError::NotFound("connection of yours"));
    }
    if left.is_empty() && user.password_hash.is_none() {
        return Ok(Err(Refused::LastWayIn));
    }
    let name = write.connections().get(connection).await?;
    let name = name.map_or_else(|| connection.to_string(), |found| found.name.to_string());
    for link in gone {
        let mut links = write.identities();
        links
            .delete(link.connection, &link.issuer, &link.subject)
            .await?;
        let event = info.event(app, Actor::User(id), Action::IdentityUnlink);
        write.audit(AuditEvent {
            target: id.to_string(),
            changes: vec![
                Change::from("connection", name.clone()),
                Change::from("subject", link.subject.to_string()),
            ],
            ..event
        });
    }
    let line = |action| info.event(app, Actor::User(id), action);
    groups::leave(write, (connection, id), &line).await?;
    let now = app.clock.now();
    for other in write.sessions().alive(id, now).await? {
        if other.connection == connection && other.id != session.id {
            write.sessions().end(other.id, now).await?;
        }
    }
    Ok(Ok(()))
}
