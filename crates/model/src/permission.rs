//! What may be done: fixed names of the form `scope.entity.action`, kept as a bit set.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Scope;

/// A text that names no permission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a permission")]
pub struct UnknownPermission(pub String);

macro_rules! permissions {
    ($($variant:ident = $name:literal,)*) => {
        /// One thing that may be done.
        ///
        /// A permission reaches only the resource of the grant it came with and what lies below.
        /// New ones are added at the end: snapshots carry the index.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[expect(missing_docs, reason = "the name beside each variant says it")]
        pub enum Permission { $($variant,)* }

        impl Permission {
            /// Every permission, in the order of their index.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The public name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

impl Permission {
    /// The highest kind of resource it is about, which its name begins with.
    pub fn scope(self) -> Scope {
        match self.name().split('.').next() {
            Some("deployment") => Scope::Deployment,
            Some("workspace") => Scope::Workspace,
            Some("organization") => Scope::Organization,
            _ => Scope::System,
        }
    }
}

permissions! {
    // Airflow itself. `get` is the door: without it a request never reaches that Airflow.
    DeploymentAirflowGet = "deployment.airflow.get",
    DeploymentAirflowUser = "deployment.airflow.user",
    DeploymentAirflowOp = "deployment.airflow.op",
    DeploymentAirflowAdmin = "deployment.airflow.admin",
    // Deployments.
    DeploymentConfigGet = "deployment.config.get",
    DeploymentConfigUpdate = "deployment.config.update",
    DeploymentConfigUpsert = "deployment.config.upsert",
    DeploymentConfigDelete = "deployment.config.delete",
    DeploymentLogsGet = "deployment.logs.get",
    DeploymentImagesPull = "deployment.images.pull",
    DeploymentImagesPush = "deployment.images.push",
    DeploymentMetricsGet = "deployment.metrics.get",
    DeploymentServiceAccountsGet = "deployment.serviceAccounts.get",
    DeploymentServiceAccountsCreate = "deployment.serviceAccounts.create",
    DeploymentServiceAccountsUpdate = "deployment.serviceAccounts.update",
    DeploymentServiceAccountsDelete = "deployment.serviceAccounts.delete",
    DeploymentVariablesGet = "deployment.variables.get",
    DeploymentVariablesUpdate = "deployment.variables.update",
    DeploymentUsersGet = "deployment.users.get",
    DeploymentTeamsGet = "deployment.teams.get",
    DeploymentTaskUsageGet = "deployment.taskUsage.get",
    DeploymentStatusGet = "deployment.status.get",
    DeploymentDeployRevisionsGet = "deployment.deployRevisions.get",
    DeploymentAdminCountGet = "deployment.adminCount.get",
    DeploymentUserRolesUpdate = "deployment.userRoles.update",
    DeploymentTeamRolesUpdate = "deployment.teamRoles.update",
    // Workspaces.
    WorkspaceConfigGet = "workspace.config.get",
    WorkspaceConfigUpdate = "workspace.config.update",
    WorkspaceConfigDelete = "workspace.config.delete",
    WorkspaceDeploymentsGet = "workspace.deployments.get",
    WorkspaceDeploymentsCreate = "workspace.deployments.create",
    WorkspaceDeploymentsUpsert = "workspace.deployments.upsert",
    WorkspaceServiceAccountsGet = "workspace.serviceAccounts.get",
    WorkspaceServiceAccountsCreate = "workspace.serviceAccounts.create",
    WorkspaceServiceAccountsUpdate = "workspace.serviceAccounts.update",
    WorkspaceServiceAccountsDelete = "workspace.serviceAccounts.delete",
    WorkspaceUsersGet = "workspace.users.get",
    WorkspaceUsersGetAll = "workspace.users.getAll",
    WorkspaceTeamsGet = "workspace.teams.get",
    WorkspaceTeamsGetAll = "workspace.teams.getAll",
    WorkspaceTaskUsageGet = "workspace.taskUsage.get",
    WorkspaceAdminCountGet = "workspace.adminCount.get",
    WorkspaceInvitesGet = "workspace.invites.get",
    WorkspaceIamUpdate = "workspace.iam.update",
    // Organizations.
    OrganizationConfigGet = "organization.config.get",
    OrganizationConfigUpdate = "organization.config.update",
    OrganizationBillingGet = "organization.billing.get",
    OrganizationBillingUpdate = "organization.billing.update",
    OrganizationWorkspacesCreate = "organization.workspaces.create",
    OrganizationServiceAccountsGet = "organization.serviceAccounts.get",
    OrganizationServiceAccountsCreate = "organization.serviceAccounts.create",
    OrganizationServiceAccountsUpdate = "organization.serviceAccounts.update",
    OrganizationServiceAccountsDelete = "organization.serviceAccounts.delete",
    OrganizationUsersGet = "organization.users.get",
    OrganizationTeamsGet = "organization.teams.get",
    OrganizationTeamsUpdate = "organization.teams.update",
    OrganizationInvitesGet = "organization.invites.get",
    OrganizationIamUpdate = "organization.iam.update",
    OrganizationAuditGet = "organization.audit.get",
    OrganizationDirectTokensCreate = "organization.directTokens.create",
    // The installation as a whole.
    SystemOrganizationsGet = "system.organizations.get",
    SystemOrganizationsCreate = "system.organizations.create",
    SystemOrganizationsDelete = "system.organizations.delete",
    SystemPlanesGet = "system.planes.get",
    SystemPlanesUpdate = "system.planes.update",
    SystemConnectionsGet = "system.connections.get",
    SystemConnectionsUpdate = "system.connections.update",
    SystemKeysGet = "system.keys.get",
    SystemKeysUpdate = "system.keys.update",
    SystemMonitoringGet = "system.monitoring.get",
    SystemUsersGet = "system.users.get",
    SystemUserInvite = "system.user.invite",
    SystemUserDelete = "system.user.delete",
    SystemUserVerifyEmail = "system.user.verifyEmail",
    SystemIamUpdate = "system.iam.update",
    SystemApply = "system.apply",
    SystemQuotasUpdate = "system.quotas.update",
    SystemRegistryBaseImagesPush = "system.registryBaseImages.push",
}

/// A set of permissions: union, intersection and membership are a few instructions.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet {
    low: u128,
    high: u128,
}

impl PermissionSet {
    /// No permission at all.
    pub const EMPTY: Self = Self { low: 0, high: 0 };

    /// This set and one more permission.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        let index = permission as usize;
        let bit = 1_u128 << (index % 128);
        if index < 128 {
            Self {
                low: self.low | bit,
                ..self
            }
        } else {
            Self {
                high: self.high | bit,
                ..self
            }
        }
    }

    /// This set and several more.
    #[must_use]
    pub const fn and(self, permissions: &[Permission]) -> Self {
        match permissions {
            [] => self,
            [first, rest @ ..] => self.with(*first).and(rest),
        }
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            low: self.low | other.low,
            high: self.high | other.high,
        }
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self {
            low: self.low & other.low,
            high: self.high & other.high,
        }
    }

    /// What is here and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self {
            low: self.low & !other.low,
            high: self.high & !other.high,
        }
    }

    /// Whether the permission is in the set.
    pub fn contains(self, permission: Permission) -> bool {
        self.intersection(Self::EMPTY.with(permission)) != Self::EMPTY
    }

    /// Whether everything in `other` is here too: nobody may hand out more than they hold.
    pub fn covers(self, other: Self) -> bool {
        self.intersection(other) == other
    }

    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// What is in the set, in index order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |p| self.contains(*p))
    }

    /// The 32 bytes in which snapshots carry the set: bit n of the little-endian number is the
    /// permission of index n.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(
            self.low
                .to_le_bytes()
                .into_iter()
                .chain(self.high.to_le_bytes()),
        ) {
            *to = from;
        }
        bytes
    }

    /// From a snapshot's bytes. Bits this version doesn't know are dropped: an unknown permission
    /// can't be exercised here.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let bit = |index: usize| {
            bytes
                .get(index / 8)
                .is_some_and(|byte| byte & (1 << (index % 8)) != 0)
        };
        Permission::ALL
            .iter()
            .copied()
            .filter(|p| bit(*p as usize))
            .collect()
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(Permission::name))
            .finish()
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(name: &str) -> Result<Self, UnknownPermission> {
        let found = Self::ALL.iter().copied().find(|p| p.name() == name);
        found.ok_or_else(|| UnknownPermission(name.to_owned()))
    }
}

impl TryFrom<String> for Permission {
    type Error = UnknownPermission;

    fn try_from(name: String) -> Result<Self, UnknownPermission> {
        name.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.name().to_owned()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_has_room_for_every_permission_and_names_are_unique() {
        assert!(Permission::ALL.len() <= 256);
        let mut names: Vec<_> = Permission::ALL.iter().map(|p| p.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Permission::ALL.len());
        for p in Permission::ALL {
            assert_eq!(p.name().parse(), Ok(*p));
        }
    }

    #[test]
    fn every_permission_begins_with_its_scope() {
        for p in Permission::ALL {
            let scope = format!("{:?}.", p.scope()).to_lowercase();
            assert!(p.name().starts_with(&scope), "{p}");
        }
    }

    #[test]
    fn unknown_bits_of_a_newer_snapshot_are_dropped() {
        let all = PermissionSet::from_bytes(&[0xff; 64]);
        assert_eq!(all.iter().count(), Permission::ALL.len());
        assert_eq!(PermissionSet::from_bytes(&all.to_bytes()), all);
    }
}
