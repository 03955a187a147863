//! What the built-in roles allow in one installation.

use std::collections::BTreeMap;

use crate::{Permission, PermissionSet, Role, Scope};

/// Why a built-in role can't be customised so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuiltInFault {
    /// It would mean nothing where the role is given.
    #[error("{0} is given too far down for {1} to mean anything")]
    Scope(Role, Permission),
    /// Nobody could repair the installation any more.
    #[error("SYSTEM_ADMIN keeps {0}: nobody else could repair the installation")]
    SystemAdmin(Permission),
}

/// What the built-in roles allow in this installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuiltIns(BTreeMap<Role, PermissionSet>);

impl BuiltIns {
    /// What a role allows.
    pub fn of(&self, role: Role) -> PermissionSet {
        self.0.get(&role).copied().unwrap_or_else(|| role.shipped())
    }

    /// Has a role allow something, or not (row F12).
    pub fn customise(
        &mut self,
        role: Role,
        permission: Permission,
        allows: bool,
    ) -> Result<(), BuiltInFault> {
        if allows && permission.scope() < role.scope() {
            return Err(BuiltInFault::Scope(role, permission));
        }
        if !allows && role == Role::SystemAdmin && permission.scope() == Scope::System {
            return Err(BuiltInFault::SystemAdmin(permission));
        }
        let one = PermissionSet::EMPTY.with(permission);
        let now = self.of(role);
        let then = if allows {
            now.union(one)
        } else {
            now.without(one)
        };
        if then == role.shipped() {
            self.0.remove(&role);
        } else {
            self.0.insert(role, then);
        }
        Ok(())
    }

    /// The roles that allow something else than they are shipped with, and what.
    pub fn customised(&self) -> impl Iterator<Item = (Role, PermissionSet)> + '_ {
        self.0.iter().map(|(role, set)| (*role, *set))
    }

    /// No more than either of the two allows.
    #[must_use]
    pub fn narrowed(&self, by: &Self) -> Self {
        let both = |role: &Role| (*role, self.of(*role).intersection(by.of(*role)));
        Role::ALL.iter().map(both).collect()
    }

    /// Whether that is something else than it is shipped with.
    pub fn is_customised(&self, role: Role) -> bool {
        self.of(role) != role.shipped()
    }
}

/// As it was written down: what each of some roles allows, the others being as they are shipped.
impl FromIterator<(Role, PermissionSet)> for BuiltIns {
    fn from_iter<T: IntoIterator<Item = (Role, PermissionSet)>>(roles: T) -> Self {
        let other = |(role, set): &(Role, PermissionSet)| *set != role.shipped();
        Self(roles.into_iter().filter(other).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each permission, taken from and given to each role.
    #[test]
    fn built_in_roles_are_customised_as_far_as_it_means_something() {
        for role in Role::ALL.iter().copied() {
            for permission in Permission::ALL.iter().copied() {
                let one = PermissionSet::EMPTY.with(permission);
                let mut here = BuiltIns::default();
                let given = here.customise(role, permission, true);
                let below = permission.scope() >= role.scope();
                assert_eq!(given.is_ok(), below, "{role} {permission}");
                let shipped = role.shipped();
                let expected = if below { shipped.union(one) } else { shipped };
                assert_eq!(here.of(role), expected);
                let kept = role == Role::SystemAdmin && permission.name().starts_with("system.");
                let taken = here.customise(role, permission, false);
                assert_eq!(taken.is_err(), kept, "{role} {permission}");
                if !kept {
                    assert_eq!(here.of(role), shipped.without(one));
                    assert_eq!(here.is_customised(role), shipped.contains(permission));
                }
            }
        }
    }

    #[test]
    fn two_narrow_one_another() {
        let viewer = Role::DeploymentViewer;
        let (logs, push) = (
            Permission::DeploymentLogsGet,
            Permission::DeploymentImagesPush,
        );
        let (mut less, mut more) = (BuiltIns::default(), BuiltIns::default());
        less.customise(viewer, logs, false).unwrap();
        more.customise(viewer, push, true).unwrap();
        let written: BuiltIns = more.customised().collect();
        assert_eq!(written, more);
        for both in [less.narrowed(&more), more.narrowed(&less)] {
            assert_eq!(both, less, "what only one of them allows is gone");
        }
        assert_eq!(more.narrowed(&BuiltIns::default()), BuiltIns::default());
    }
}
