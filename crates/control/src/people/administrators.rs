//! The installation never loses its last administrator (row E1).

use std::collections::BTreeSet;

use aeolus_model::{Resource, Role, UserId};
use aeolus_store::{StoreError, Unit};

use crate::tenancy::holders;

/// Whether somebody may change what is everybody's, disabled or not.
pub(crate) async fn is_one(unit: &mut impl Unit, user: UserId) -> Result<bool, StoreError> {
    for role in [Role::SystemAdmin, Role::SystemEditor] {
        if holders(unit, Resource::System, role).await?.contains(&user) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The people who administer the installation, themselves or through a team, and may sign in.
pub(crate) async fn of(unit: &mut impl Unit) -> Result<BTreeSet<UserId>, StoreError> {
    let mut able = BTreeSet::new();
    for id in holders(unit, Resource::System, Role::SystemAdmin).await? {
        let user = unit.users().get(id).await?;
        if user.is_some_and(|user| user.disabled_at.is_none()) {
            able.insert(id);
        }
    }
    Ok(able)
}
