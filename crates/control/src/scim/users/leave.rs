//! A user whom the provider deletes.

use std::collections::BTreeSet;

use aeolus_model::{Action, AuditEvent, Change, OrganizationId, Subject};
use aeolus_oidc::Connection;
use aeolus_store::{ManagedBy, StoreError, Unit as _, User, Write};

use super::super::answer::ScimFailure;
use super::super::caller::Caller;
use super::super::groups as scim_groups;
use super::super::kept::Stored;
use super::{account, write as writing};
use crate::groups;
use crate::people::{places, shut_out, waiting};
use crate::tenancy::users::take_out;

/// Removes a user, and everything that hung on them in the organizations where the connection put them. The account goes as
/// well, where it was made for them and nothing else holds it. Else it stays, without what came by this connection.
pub(super) async fn remove(
    caller: &Caller,
    write: &mut Write,
    seen: &Stored,
) -> Result<(), ScimFailure> {
    let (row, user, left) = writing::held(caller, write, seen, true).await?;
    let now = caller.app.clock.now();
    let mut places = scim_groups::leave(caller, write, user.id).await?;
    places.extend(organizations(caller, write).await?);
    if left.as_ref().is_some_and(|left| !left.covers(&places)) {
        return Err(StoreError::Conflict.into());
    }
    for organization in places {
        let ended = take_out(caller.by(), write, organization, user.clone()).await?;
        let event = caller
            .by()
            .event(Action::UserOffboard, Some(organization), ended.user_id);
        write.audit(event);
    }
    unlink(caller, write, &user).await?;
    // What an administrator disabled stays, so that nobody with its address comes in beside it.
    let disabled_here = user.disabled_at.is_some() && !row.off;
    let gone = row.made && !disabled_here && !is_held(write, &user).await?;
    let event = caller.event(Action::ScimUserDelete, user.id);
    write.audit(AuditEvent {
        reason: if gone { "" } else { "account_kept" }.to_owned(),
        changes: vec![
            Change::from("userName", row.user_name.clone()),
            Change::from("email", user.email.to_string()),
        ],
        ..event
    });
    if gone {
        // Gates refuse at once what they would else learn with the next records.
        let ended = shut_out(write, &user, now).await?;
        let event = caller.event(Action::UserDelete, user.id);
        write.audit(AuditEvent {
            changes: ended.told(&user),
            ..event
        });
        // The user of the connection goes with it. Whoever puts them in a group holds the account first, too.
        write.users().delete(user.id).await?;
        waiting::freed(write, &user.email).await?;
    } else {
        write.scim_users().delete(&row).await?;
    }
    if let Some(left) = left.filter(|_| user.disabled_at.is_none()) {
        left.say(caller, write, user.id);
    }
    scim_groups::require_left(caller, write, user.id).await
}

/// Where the connection puts people whatever groups they are in.
pub(super) async fn organizations(
    caller: &Caller,
    write: &mut Write,
) -> Result<BTreeSet<OrganizationId>, ScimFailure> {
    let mut found: BTreeSet<OrganizationId> = caller.settings.organization.into_iter().collect();
    let provider = account::provider(caller);
    if let Some(rule) = provider.as_ref().and_then(Connection::provision) {
        let named = write.organizations().by_name(rule.organization()).await?;
        found.extend(named.map(|organization| organization.id));
    }
    Ok(found)
}

/// They come in through the connection no more.
async fn unlink(caller: &Caller, write: &mut Write, user: &User) -> Result<(), ScimFailure> {
    let connection = caller.connection.id;
    let now = caller.app.clock.now();
    for link in write.identities().of_user(user.id).await? {
        if link.connection != connection {
            continue;
        }
        let mut links = write.identities();
        links
            .delete(link.connection, &link.issuer, &link.subject)
            .await?;
        let event = caller.event(Action::IdentityUnlink, user.id);
        write.audit(AuditEvent {
            changes: vec![
                Change::from("connection", caller.connection.name.to_string()),
                Change::from("subject", link.subject.to_string()),
            ],
            ..event
        });
    }
    let line = |action| caller.event(action, user.id);
    groups::leave(write, (connection, user.id), &line).await?;
    for session in write.sessions().alive(user.id, now).await? {
        if session.connection == connection {
            write.sessions().end(session.id, now).await?;
        }
    }
    Ok(())
}

/// Whether anything but the provider's word holds an account.
async fn is_held(write: &mut Write, user: &User) -> Result<bool, ScimFailure> {
    let own_ways = user.password_hash.is_some()
        || user.managed_by != ManagedBy::Api
        || !write.identities().of_user(user.id).await?.is_empty();
    let roles = !write.grants().of(Subject::User(user.id)).await?.is_empty();
    Ok(own_ways || roles || !places(write, user).await?.is_empty())
}
