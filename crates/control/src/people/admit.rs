//! Finding out who somebody is: by the link, else by what the same provider wrote by SCIM, else by an invitation, else by an address that the provider
//! proves and may speak for, else by signing up.

use aeolus_model::{Action, Actor, AuditEvent, OrganizationId, Outcome};
use aeolus_store::{Identity, Unit as _, User, Write};

use super::{Arrival, Refused, account, code, invited, link, provisioned, sign_up};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Who somebody is here, or why they don't come in. What it changes is in `write`, with its lines of the
/// audit log; where it refuses, nothing in it may be committed: roll back, and say it by [`denied`].
pub(crate) async fn admit(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<Result<User, Refused>, ApiError> {
    if let Some(organization) = queue(app, write, arrival).await? {
        write.organizations().lock(organization).await?;
    }
    let mut found = linked(write, arrival).await?;
    if found.is_none() {
        match provisioned::link(app, info, write, arrival).await? {
            Ok(true) => found = linked(write, arrival).await?,
            Ok(false) => {}
            Err(refused) => return Ok(Err(refused)),
        }
    }
    if let Some(link) = &found {
        // Whoever removes this way in, or disables the account, is done before it is looked at, or waits.
        write.users().hold(link.user).await?;
        found = linked(write, arrival).await?;
    }
    let admitted = match &found {
        Some(found) => known(app, info, write, (arrival, found)).await?,
        None => unknown(app, info, write, arrival).await?,
    };
    let user = match admitted {
        Ok(user) if user.disabled_at.is_some() => return Ok(Err(Refused::Disabled)),
        Ok(user) => user,
        Err(refused) => return Ok(Err(refused)),
    };
    account::follow(write, arrival, user).await.map(Ok)
}

/// Waits for what is taken before people are (note 003): the installation for its code. What is returned is the
/// organization of an invitation, which is to be waited for beside others, and by [`admit`] at the latest.
pub(crate) async fn queue(
    app: &App,
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<Option<OrganizationId>, ApiError> {
    let Some(value) = arrival.invitation else {
        return Ok(None);
    };
    if code::is_one(value) {
        write.grants().lock_system().await?;
        return Ok(None);
    }
    let invitation = invited::open(app, write, value).await?;
    Ok(invitation.map(|invitation| invitation.organization))
}

async fn linked(
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<Option<Identity>, aeolus_store::StoreError> {
    let identity = arrival.identity;
    let mut links = write.identities();
    links
        .find(arrival.connection, &identity.issuer, &identity.subject)
        .await
}

/// The line of the audit log about somebody who did not come in.
pub(crate) fn denied(
    app: &App,
    info: &RequestInfo,
    arrival: &Arrival<'_>,
    refused: Refused,
) -> AuditEvent {
    let (name, subject) = (arrival.provider.name(), &arrival.identity.subject);
    AuditEvent {
        target: format!("{name}:{subject}"),
        outcome: Outcome::Denied,
        reason: refused.reason().to_owned(),
        ..info.event(app, Actor::Anonymous, Action::SignIn)
    }
}

/// Somebody who was here before.
async fn known(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (arrival, found): (&Arrival<'_>, &Identity),
) -> Result<Result<User, Refused>, ApiError> {
    if arrival.link_to.is_some_and(|user| user != found.user) {
        return Ok(Err(Refused::LinkedElsewhere));
    }
    let user = write.users().get(found.user).await?;
    let user = user.ok_or_else(|| ApiError::internal("a link to nobody"))?;
    if user.disabled_at.is_some() {
        return Ok(Err(Refused::Disabled));
    }
    let Some(value) = arrival.invitation else {
        return Ok(Ok(user));
    };
    let took = if code::is_one(value) {
        code::claim(app, info, write, (value, &user)).await?
    } else {
        let addresses = [Some(&user.email), arrival.proved()];
        invited::accept(app, info, write, (value, &user), &addresses).await?
    };
    Ok(took.map(|()| user))
}

/// Somebody whom nobody here is linked to yet.
async fn unknown(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<Result<User, Refused>, ApiError> {
    if let Some(user) = arrival.link_to {
        return link::add(app, info, write, (arrival, user)).await;
    }
    match arrival.invitation {
        Some(value) if code::is_one(value) => {
            code::arrive(app, info, write, (arrival, value)).await
        }
        Some(value) => invited::arrive(app, info, write, (arrival, value)).await,
        None => match link::by_address(app, info, write, arrival).await? {
            Some(user) => Ok(user),
            None => sign_up::sign_up(app, info, write, arrival).await,
        },
    }
}
