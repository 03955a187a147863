//! Roles: named sets of permissions, each given at one scope.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::permission::{Permission as P, Permission, PermissionSet};

/// Where a role is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Scope {
    /// The whole installation.
    System,
    /// One organization and everything below.
    Organization,
    /// One workspace and its deployments.
    Workspace,
    /// One deployment.
    Deployment,
}

/// A built-in role. The names are the newer product generation's; the older ones are accepted as input
/// and mean the same (`WORKSPACE_ADMIN` is `WORKSPACE_OWNER`, and so on).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(missing_docs, reason = "the permission matrix says what each may do")]
pub enum Role {
    SystemAdmin,
    SystemEditor,
    SystemViewer,
    OrganizationOwner,
    OrganizationBillingAdmin,
    OrganizationMember,
    WorkspaceOwner,
    WorkspaceOperator,
    WorkspaceAuthor,
    WorkspaceMember,
    WorkspaceAccessor,
    DeploymentAdmin,
    DeploymentEditor,
    DeploymentViewer,
    DeploymentAccessor,
}

/// A text that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role")]
pub struct UnknownRole(pub String);

impl Role {
    /// Every built-in role.
    pub const ALL: &'static [Self] = &[
        Self::SystemAdmin,
        Self::SystemEditor,
        Self::SystemViewer,
        Self::OrganizationOwner,
        Self::OrganizationBillingAdmin,
        Self::OrganizationMember,
        Self::WorkspaceOwner,
        Self::WorkspaceOperator,
        Self::WorkspaceAuthor,
        Self::WorkspaceMember,
        Self::WorkspaceAccessor,
        Self::DeploymentAdmin,
        Self::DeploymentEditor,
        Self::DeploymentViewer,
        Self::DeploymentAccessor,
    ];

    /// The public name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SystemAdmin => "SYSTEM_ADMIN",
            Self::SystemEditor => "SYSTEM_EDITOR",
            Self::SystemViewer => "SYSTEM_VIEWER",
            Self::OrganizationOwner => "ORGANIZATION_OWNER",
            Self::OrganizationBillingAdmin => "ORGANIZATION_BILLING_ADMIN",
            Self::OrganizationMember => "ORGANIZATION_MEMBER",
            Self::WorkspaceOwner => "WORKSPACE_OWNER",
            Self::WorkspaceOperator => "WORKSPACE_OPERATOR",
            Self::WorkspaceAuthor => "WORKSPACE_AUTHOR",
            Self::WorkspaceMember => "WORKSPACE_MEMBER",
            Self::WorkspaceAccessor => "WORKSPACE_ACCESSOR",
            Self::DeploymentAdmin => "DEPLOYMENT_ADMIN",
            Self::DeploymentEditor => "DEPLOYMENT_EDITOR",
            Self::DeploymentViewer => "DEPLOYMENT_VIEWER",
            Self::DeploymentAccessor => "DEPLOYMENT_ACCESSOR",
        }
    }

    /// Where the role is given.
    pub const fn scope(self) -> Scope {
        match self {
            Self::SystemAdmin | Self::SystemEditor | Self::SystemViewer => Scope::System,
            Self::OrganizationOwner | Self::OrganizationBillingAdmin | Self::OrganizationMember => {
                Scope::Organization
            }
            Self::WorkspaceOwner
            | Self::WorkspaceOperator
            | Self::WorkspaceAuthor
            | Self::WorkspaceMember
            | Self::WorkspaceAccessor => Scope::Workspace,
            Self::DeploymentAdmin
            | Self::DeploymentEditor
            | Self::DeploymentViewer
            | Self::DeploymentAccessor => Scope::Deployment,
        }
    }

    /// Everything the role allows on the resource it is given at and on what lies below it, where the
    /// installation has not customised it: what it allows there say [`crate::BuiltIns`].
    pub const fn shipped(self) -> PermissionSet {
        match self {
            Self::SystemAdmin => SYSTEM_ADMIN,
            Self::SystemEditor => SYSTEM_EDITOR,
            Self::SystemViewer => SYSTEM_VIEWER,
            Self::OrganizationOwner => ORGANIZATION_OWNER,
            Self::OrganizationBillingAdmin => ORGANIZATION_BILLING_ADMIN,
            Self::OrganizationMember => ORGANIZATION_MEMBER,
            Self::WorkspaceOwner => WORKSPACE_OWNER,
            Self::WorkspaceOperator => WORKSPACE_OPERATOR,
            Self::WorkspaceAuthor => WORKSPACE_AUTHOR,
            Self::WorkspaceMember => WORKSPACE_MEMBER,
            Self::WorkspaceAccessor | Self::DeploymentAccessor => PermissionSet::EMPTY,
            Self::DeploymentAdmin => DEPLOYMENT_ADMIN,
            Self::DeploymentEditor => DEPLOYMENT_EDITOR,
            Self::DeploymentViewer => DEPLOYMENT_VIEWER,
        }
    }
}

const DEPLOYMENT_VIEWER: PermissionSet = PermissionSet::EMPTY.and(&[
    P::DeploymentAirflowGet,
    P::DeploymentConfigGet,
    P::DeploymentLogsGet,
    P::DeploymentImagesPull,
    P::DeploymentMetricsGet,
    P::DeploymentServiceAccountsGet,
    P::DeploymentVariablesGet,
    P::DeploymentUsersGet,
    P::DeploymentTeamsGet,
    P::DeploymentTaskUsageGet,
    P::DeploymentStatusGet,
    P::DeploymentDeployRevisionsGet,
]);

const DEPLOYMENT_EDITOR: PermissionSet = DEPLOYMENT_VIEWER.and(&[
    P::DeploymentAirflowUser,
    P::DeploymentAirflowOp,
    P::DeploymentConfigUpdate,
    P::DeploymentConfigUpsert,
    P::DeploymentImagesPush,
    P::DeploymentServiceAccountsCreate,
    P::DeploymentServiceAccountsUpdate,
    P::DeploymentServiceAccountsDelete,
    P::DeploymentVariablesUpdate,
    P::DeploymentAdminCountGet,
]);

const DEPLOYMENT_ADMIN: PermissionSet = DEPLOYMENT_EDITOR.and(&[
    P::DeploymentAirflowAdmin,
    P::DeploymentConfigDelete,
    P::DeploymentUserRolesUpdate,
    P::DeploymentTeamRolesUpdate,
]);

const WORKSPACE_MEMBER: PermissionSet = DEPLOYMENT_VIEWER.and(&[
    P::WorkspaceConfigGet,
    P::WorkspaceDeploymentsGet,
    P::WorkspaceServiceAccountsGet,
    P::WorkspaceUsersGet,
    P::WorkspaceTeamsGet,
    P::WorkspaceTaskUsageGet,
]);

const WORKSPACE_AUTHOR: PermissionSet =
    WORKSPACE_MEMBER.and(&[P::DeploymentAirflowUser, P::DeploymentImagesPush]);

const WORKSPACE_OPERATOR: PermissionSet = WORKSPACE_AUTHOR.union(DEPLOYMENT_EDITOR).and(&[
    P::WorkspaceConfigUpdate,
    P::WorkspaceDeploymentsCreate,
    P::WorkspaceDeploymentsUpsert,
    P::WorkspaceServiceAccountsCreate,
    P::WorkspaceServiceAccountsUpdate,
    P::WorkspaceServiceAccountsDelete,
    P::WorkspaceAdminCountGet,
]);

const WORKSPACE_OWNER: PermissionSet = WORKSPACE_OPERATOR.union(DEPLOYMENT_ADMIN).and(&[
    P::WorkspaceInvitesGet,
    P::WorkspaceConfigDelete,
    P::WorkspaceIamUpdate,
    P::WorkspaceTeamsGetAll,
    P::WorkspaceUsersGetAll,
]);

const ORGANIZATION_MEMBER: PermissionSet =
    PermissionSet::EMPTY.and(&[P::OrganizationConfigGet, P::OrganizationTeamsGet]);

const ORGANIZATION_BILLING_ADMIN: PermissionSet =
    ORGANIZATION_MEMBER.and(&[P::OrganizationBillingGet, P::OrganizationBillingUpdate]);

const ORGANIZATION_OWNER: PermissionSet = ORGANIZATION_BILLING_ADMIN.union(WORKSPACE_OWNER).and(&[
    P::OrganizationConfigUpdate,
    P::OrganizationWorkspacesCreate,
    P::OrganizationServiceAccountsGet,
    P::OrganizationServiceAccountsCreate,
    P::OrganizationServiceAccountsUpdate,
    P::OrganizationServiceAccountsDelete,
    P::OrganizationUsersGet,
    P::OrganizationTeamsUpdate,
    P::OrganizationInvitesGet,
    P::OrganizationIamUpdate,
    P::OrganizationAuditGet,
    P::OrganizationDirectTokensCreate,
]);

const SYSTEM_VIEWER: PermissionSet = WORKSPACE_MEMBER.union(ORGANIZATION_MEMBER).and(&[
    P::SystemOrganizationsGet,
    P::SystemPlanesGet,
    P::SystemConnectionsGet,
    P::SystemKeysGet,
    P::SystemMonitoringGet,
    P::SystemUsersGet,
]);

const SYSTEM_EDITOR: PermissionSet = SYSTEM_VIEWER.union(WORKSPACE_OPERATOR).and(&[
    P::SystemOrganizationsCreate,
    P::SystemUserInvite,
    P::SystemRegistryBaseImagesPush,
]);

const SYSTEM_ADMIN: PermissionSet = SYSTEM_EDITOR.union(ORGANIZATION_OWNER).and(&[
    P::SystemOrganizationsDelete,
    P::SystemPlanesUpdate,
    P::SystemConnectionsUpdate,
    P::SystemKeysUpdate,
    P::SystemUserDelete,
    P::SystemUserVerifyEmail,
    P::SystemIamUpdate,
    P::SystemApply,
    P::SystemQuotasUpdate,
]);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        let canonical = match name {
            "WORKSPACE_ADMIN" => "WORKSPACE_OWNER",
            "WORKSPACE_EDITOR" => "WORKSPACE_OPERATOR",
            "WORKSPACE_VIEWER" => "WORKSPACE_MEMBER",
            other => other,
        };
        let found = Self::ALL
            .iter()
            .copied()
            .find(|role| role.name() == canonical);
        found.ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

impl TryFrom<String> for Role {
    type Error = UnknownRole;

    fn try_from(name: String) -> Result<Self, UnknownRole> {
        name.parse()
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.name().to_owned()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The role somebody has inside one Airflow; each includes the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AirflowRole {
    /// Sees.
    Viewer,
    /// Runs DAGs.
    User,
    /// Also manages connections, variables and pools.
    Op,
    /// Everything.
    Admin,
}

impl AirflowRole {
    /// The role in the Airflow token's `role` claim.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::User => "user",
            Self::Op => "op",
            Self::Admin => "admin",
        }
    }

    /// The built-in role of Airflow 2 (FAB) that is the same.
    pub const fn fab_name(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::User => "User",
            Self::Op => "Op",
            Self::Admin => "Admin",
        }
    }

    /// The highest Airflow role these permissions on a deployment amount to, or none: without
    /// `deployment.airflow.get` the others open nothing.
    pub fn of(permissions: PermissionSet) -> Option<Self> {
        let has = |p: Permission| permissions.contains(p);
        match () {
            () if !has(P::DeploymentAirflowGet) => None,
            () if has(P::DeploymentAirflowAdmin) => Some(Self::Admin),
            () if has(P::DeploymentAirflowOp) => Some(Self::Op),
            () if has(P::DeploymentAirflowUser) => Some(Self::User),
            () => Some(Self::Viewer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn older_names_mean_the_newer_roles() {
        assert_eq!("WORKSPACE_ADMIN".parse(), Ok(Role::WorkspaceOwner));
        assert_eq!("WORKSPACE_EDITOR".parse(), Ok(Role::WorkspaceOperator));
        assert_eq!("WORKSPACE_VIEWER".parse(), Ok(Role::WorkspaceMember));
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(*role));
        }
        assert!("workspace_owner".parse::<Role>().is_err());
    }

    #[test]
    fn each_role_amounts_to_the_airflow_role_of_the_design() {
        use AirflowRole::{Admin, Op, User, Viewer};
        let table = [
            (Role::OrganizationOwner, Some(Admin)),
            (Role::OrganizationMember, None),
            (Role::WorkspaceOwner, Some(Admin)),
            (Role::WorkspaceOperator, Some(Op)),
            (Role::WorkspaceAuthor, Some(User)),
            (Role::WorkspaceMember, Some(Viewer)),
            (Role::WorkspaceAccessor, None),
            (Role::DeploymentAdmin, Some(Admin)),
            (Role::DeploymentEditor, Some(Op)),
            (Role::DeploymentViewer, Some(Viewer)),
            (Role::DeploymentAccessor, None),
            (Role::SystemAdmin, Some(Admin)),
        ];
        for (role, expected) in table {
            assert_eq!(AirflowRole::of(role.shipped()), expected, "{role}");
        }
    }

    #[test]
    fn a_higher_permission_without_the_door_opens_nothing() {
        let odd = PermissionSet::EMPTY.with(P::DeploymentAirflowAdmin);
        assert_eq!(AirflowRole::of(odd), None);
    }

    /// One line per permission, one column per role: what a policy edit changes shows as a diff
    /// that a reviewer can read.
    #[test]
    fn permission_matrix() {
        let mut out = String::new();
        for (column, role) in Role::ALL.iter().enumerate() {
            writeln!(out, "{}{role}", "│ ".repeat(column)).unwrap();
        }
        for permission in Permission::ALL {
            for role in Role::ALL {
                out.push_str(if role.shipped().contains(*permission) {
                    "✓ "
                } else {
                    "· "
                });
            }
            out.push_str(permission.name());
            out.push('\n');
        }
        insta::assert_snapshot!(out);
    }
}
