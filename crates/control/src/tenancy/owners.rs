//! An organization never loses its last owner (rows A9, D9).

use std::collections::BTreeSet;

use aeolus_model::{Resource, Role, UserId};
use aeolus_store::{Organization, StoreError, Unit as _, Write};

use super::holders;
use crate::error::ApiError;

/// The people who own an organization, themselves or through a team, before a transaction takes
/// something away there. A token is nobody.
pub(crate) struct Owners {
    of: Organization,
    before: BTreeSet<UserId>,
}

impl Owners {
    /// Those of now. The organization has to be locked, so that nobody else takes another one away.
    pub(crate) async fn of(
        write: &mut Write,
        organization: &Organization,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            of: organization.clone(),
            before: people(write, organization).await?,
        })
    }

    /// Refuses what the transaction has done if somebody owns the organization no more, and nobody who
    /// may sign in is left who does.
    pub(crate) async fn require_one_left(self, write: &mut Write) -> Result<(), ApiError> {
        let left = people(write, &self.of).await?;
        if self.before.is_subset(&left) {
            return Ok(());
        }
        for owner in left {
            let user = write.users().get(owner).await?;
            if user.is_some_and(|user| user.disabled_at.is_none()) {
                return Ok(());
            }
        }
        Err(ApiError::Conflict(format!(
            "This would take the last owner from organization {}; make somebody else one first.",
            self.of.name
        )))
    }
}

async fn people(
    write: &mut Write,
    organization: &Organization,
) -> Result<BTreeSet<UserId>, StoreError> {
    let resource = Resource::Organization(organization.id);
    holders(write, resource, Role::OrganizationOwner).await
}
