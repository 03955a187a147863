//! Nothing that a provider writes is refused because of who is left (a client would try for ever). It is done, and
//! said loudly.

use std::collections::BTreeSet;

use aeolus_model::{Action, AuditEvent, OrganizationId, Resource, Role, UserId};
use aeolus_store::{StoreError, Unit as _, User, Write};

use super::super::answer::ScimFailure;
use super::super::caller::Caller;
use crate::people::{administrators, places};
use crate::tenancy::holders;

/// Who is left without anybody when somebody goes.
pub(super) struct Left {
    installation: bool,
    organizations: Vec<OrganizationId>,
    /// Whoever changes something in these waits.
    locked: BTreeSet<OrganizationId>,
}

/// Waits for everybody else who takes an administrator or owner away where this one is one, and says where they are
/// the last. Before the person is held (note 003).
pub(super) async fn lock(
    caller: &Caller,
    write: &mut Write,
    user: &User,
) -> Result<Left, ScimFailure> {
    let mut left = Left {
        installation: false,
        organizations: Vec::new(),
        locked: BTreeSet::new(),
    };
    if administrators::of(write).await?.contains(&user.id) {
        write.grants().lock_system().await?;
        let able = administrators::of(write).await?;
        left.installation = able.len() == 1 && able.contains(&user.id);
    }
    let mut places = places(write, user).await?;
    places.extend(super::leave::organizations(caller, write).await?);
    for organization in &places {
        write.organizations().lock(*organization).await?;
        if is_last_owner(write, *organization, user.id).await? {
            left.organizations.push(*organization);
        }
    }
    left.locked = places;
    Ok(left)
}

async fn is_last_owner(
    write: &mut Write,
    organization: OrganizationId,
    user: UserId,
) -> Result<bool, StoreError> {
    let resource = Resource::Organization(organization);
    let owners = holders(write, resource, Role::OrganizationOwner).await?;
    if !owners.contains(&user) {
        return Ok(false);
    }
    for owner in owners {
        let found = write.users().get(owner).await?;
        let able = found.is_some_and(|found| found.disabled_at.is_none());
        if owner != user && able {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Left {
    /// Whether all of these are locked: somebody may have been put into another one meanwhile.
    pub(super) fn covers(&self, organizations: &BTreeSet<OrganizationId>) -> bool {
        organizations.is_subset(&self.locked)
    }

    /// Says it, once it is done.
    pub(super) fn say(self, caller: &Caller, write: &mut Write, user: UserId) {
        let mut places: Vec<Option<OrganizationId>> =
            self.organizations.into_iter().map(Some).collect();
        if self.installation {
            places.push(None);
        }
        for place in places {
            tracing::error!(
                connection = %caller.connection.name, %user, organization = ?place,
                "a provider disabled or deleted the last who administers this: nobody can any more; let an operator \
                 give the role to somebody else"
            );
            let reason = match place {
                Some(_) => "last_owner",
                None => "last_administrator",
            };
            let event = caller.by().event(Action::NobodyLeft, place, user);
            write.audit(AuditEvent {
                reason: reason.to_owned(),
                ..event
            });
        }
    }
}
