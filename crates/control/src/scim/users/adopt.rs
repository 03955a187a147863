//! Accounts that are there when a provider writes somebody with their address.

use aeolus_store::{Unit as _, User, Write};

use super::super::answer::{ScimFailure, taken};
use super::super::caller::Caller;
use super::account;
use crate::people::{administrators, counts_for, is_known_at, places};

/// Refuses to take an account that isn't the connection's. It is, where its person came in through it: the provider
/// decides who that is already. Else an administrator has to have allowed it, and for administrators once more: whoever
/// holds a provisioning credential would be them.
pub(super) async fn may_adopt(
    caller: &Caller,
    write: &mut Write,
    user: &User,
) -> Result<(), ScimFailure> {
    let email = &user.email;
    if write.scim_users().of_account(user.id).await?.is_some() {
        return Err(taken(format!("Somebody else has the address {email} here.")).into());
    }
    let known = is_known_at(write, user.id, caller.connection.id).await?;
    if !known {
        if !caller.settings.match_existing {
            return Err(taken(format!(
                "Somebody has the address {email} here who didn't come by this connection. To let it take such accounts \
                 over, set scim.matchExisting of the connection."
            ))
            .into());
        }
        if write.users().has_unproved_address(user.id).await? {
            return Err(taken(format!(
                "Somebody has the address {email} here, and nobody has shown that it is theirs: let them come by a way \
                 that proves it."
            ))
            .into());
        }
    }
    if !known && !is_its_own(caller, write, user).await? {
        return Err(taken(format!(
            "Somebody has the address {email} here whom this connection may not take over. An administrator can add the \
             address's domain to trustedDomains of the connection, or they come in through it once themselves."
        ))
        .into());
    }
    if !caller.settings.match_administrators && administrators::is_one(write, user.id).await? {
        return Err(taken(format!(
            "{email} administers this installation: no provider takes such an account over unless \
             scim.matchAdministrators of the connection says so."
        ))
        .into());
    }
    Ok(())
}

/// Whether somebody is the connection's to take: it may speak for their address (O22), or they hold nothing outside its
/// own organization. Else one organization's provider would be anybody's of another.
async fn is_its_own(caller: &Caller, write: &mut Write, user: &User) -> Result<bool, ScimFailure> {
    let provider = account::provider(caller);
    if provider.is_some_and(|provider| counts_for(&provider, &user.email)) {
        return Ok(true);
    }
    let grants = write.grants().effective(user.id).await?;
    if grants.iter().any(|record| record.organization.is_none()) {
        return Ok(false);
    }
    let places = places(write, user).await?;
    let own = caller.settings.organization;
    Ok(places.into_iter().all(|place| Some(place) == own))
}
