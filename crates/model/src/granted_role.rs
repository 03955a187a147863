//! Roles as they are granted and written: built in, or an organization's own.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    BuiltIns, Permission, PermissionSet, Resource, Role, RoleId, Scope, Slug, UnknownRole,
    WorkspaceId,
};

/// A role that somebody has, or is given. An organization's own comes with what it allows, so nobody
/// grants one that they have not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantedRole {
    /// One of every installation.
    BuiltIn(Role),
    /// One that the organization made for itself (row F15).
    Custom(CustomRole),
}

/// A role that an organization made for itself, as far as a grant of it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id: names change.
    pub id: RoleId,
    /// Its name, unique in the organization.
    pub name: Slug,
    /// What it allows.
    pub permissions: PermissionSet,
}

impl GrantedRole {
    /// What it allows where it is given and below.
    pub fn permissions(&self, built_ins: &BuiltIns) -> PermissionSet {
        match self {
            Self::BuiltIn(role) => built_ins.of(*role),
            Self::Custom(role) => role.permissions,
        }
    }

    /// What people call it.
    pub fn name(&self) -> RoleName {
        match self {
            Self::BuiltIn(role) => RoleName::BuiltIn(*role),
            Self::Custom(role) => RoleName::Custom(role.name.clone()),
        }
    }

    /// The id of an organization's own.
    pub const fn id(&self) -> Option<RoleId> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Custom(role) => Some(role.id),
        }
    }

    /// Whether it is the same role, whatever it is called and allows by now.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::BuiltIn(one), Self::BuiltIn(two)) => one == two,
            (Self::Custom(one), Self::Custom(two)) => one.id == two.id,
            _ => false,
        }
    }
}

impl From<Role> for GrantedRole {
    fn from(role: Role) -> Self {
        Self::BuiltIn(role)
    }
}

impl fmt::Display for GrantedRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

/// A role as people write it: `WORKSPACE_OPERATOR`, or what an organization calls its own. Where one of
/// those is asked for, its id will do as well: no name looks like one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RoleName {
    /// One of every installation.
    BuiltIn(Role),
    /// An organization's own.
    Custom(Slug),
}

/// Why an organization's own role can't be called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleNameFault {
    /// It reads like a built-in role.
    #[error("people would take it for the built-in role {0}")]
    BuiltIn(Role),
    /// It could be the id of a role.
    #[error("it looks like an id")]
    Id,
}

impl RoleName {
    /// Whether an organization may call a role of its own so.
    pub fn own(name: &Slug) -> Result<(), RoleNameFault> {
        let like = name.as_str().to_uppercase().replace('-', "_");
        if let Ok(role) = like.parse() {
            return Err(RoleNameFault::BuiltIn(role));
        }
        match name.as_str().parse::<RoleId>() {
            Ok(_) => Err(RoleNameFault::Id),
            Err(_) => Ok(()),
        }
    }
}

impl FromStr for RoleName {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text.parse() {
            Ok(role) => Ok(Self::BuiltIn(role)),
            Err(unknown) => Slug::parse(text).map(Self::Custom).map_err(|_| unknown),
        }
    }
}

impl TryFrom<String> for RoleName {
    type Error = UnknownRole;

    fn try_from(text: String) -> Result<Self, UnknownRole> {
        text.parse()
    }
}

impl From<RoleName> for String {
    fn from(name: RoleName) -> Self {
        name.to_string()
    }
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        Self::BuiltIn(role)
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => role.fmt(f),
            Self::Custom(name) => name.fmt(f),
        }
    }
}

/// What an organization's own role is: where it is given, what it allows, and in which workspaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDefinition {
    scope: CustomScope,
    permissions: PermissionSet,
    workspaces: BTreeSet<WorkspaceId>,
}

/// Where an organization's own role is given; never in the whole installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CustomScope {
    /// The organization and everything in it.
    Organization,
    /// One workspace and its deployments.
    Workspace,
    /// One deployment.
    Deployment,
}

/// Why something is no definition of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleFault {
    /// It allows nothing.
    #[error("name at least one permission")]
    Empty,
    /// A permission that means nothing where the role is given, or that no such role may have.
    #[error("{0} can't be in a role of this scope")]
    Permission(Permission),
    /// The organization is in no workspace.
    #[error("a role of the organization holds in all its workspaces")]
    Workspaces,
}

impl RoleDefinition {
    /// Checks one. `workspaces`: where alone it is given; empty: everywhere in the organization.
    pub fn new(
        scope: CustomScope,
        permissions: PermissionSet,
        workspaces: BTreeSet<WorkspaceId>,
    ) -> Result<Self, RoleFault> {
        if permissions.is_empty() {
            return Err(RoleFault::Empty);
        }
        if let Some(odd) = permissions.iter().find(|p| !scope.admits(*p)) {
            return Err(RoleFault::Permission(odd));
        }
        if scope == CustomScope::Organization && !workspaces.is_empty() {
            return Err(RoleFault::Workspaces);
        }
        Ok(Self {
            scope,
            permissions,
            workspaces,
        })
    }

    /// Where it is given.
    pub const fn scope(&self) -> CustomScope {
        self.scope
    }

    /// What it allows there and below.
    pub const fn permissions(&self) -> PermissionSet {
        self.permissions
    }

    /// The workspaces in which alone it is given; none: everywhere.
    pub const fn workspaces(&self) -> &BTreeSet<WorkspaceId> {
        &self.workspaces
    }

    /// Whether it can be given at the beginning of this path of resources.
    pub fn fits(&self, path: &[Resource]) -> bool {
        let place = path.first();
        place.is_some_and(|place| place.scope() == self.scope.scope()) && self.is_for(path)
    }

    /// Whether it is for the workspace that is on this path.
    pub fn is_for(&self, path: &[Resource]) -> bool {
        let within = |place: &Resource| match place {
            Resource::Workspace(id) => self.workspaces.contains(id),
            _ => false,
        };
        self.workspaces.is_empty() || path.iter().any(within)
    }
}

impl CustomScope {
    /// The same among all scopes.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Organization => Scope::Organization,
            Self::Workspace => Scope::Workspace,
            Self::Deployment => Scope::Deployment,
        }
    }

    /// Whether a role that is given there may have a permission: one about what is there or below. To
    /// make direct access tokens is for owners alone (rows X10, N11).
    pub fn admits(self, permission: Permission) -> bool {
        permission.scope() >= self.scope()
            && permission != Permission::OrganizationDirectTokensCreate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeploymentId, OrganizationId};

    #[test]
    fn a_name_is_a_built_in_role_or_an_organizations_own() {
        let own = |text: &str| RoleName::Custom(Slug::parse(text).unwrap());
        assert_eq!(
            "WORKSPACE_ADMIN".parse(),
            Ok(RoleName::BuiltIn(Role::WorkspaceOwner))
        );
        assert_eq!("on-call".parse(), Ok(own("on-call")));
        assert_eq!(own("on-call").to_string(), "on-call");
        for odd in ["", "WORKSPACE_NOBODY", "On Call"] {
            assert!(odd.parse::<RoleName>().is_err(), "{odd}");
        }
    }

    #[test]
    fn an_organization_calls_no_role_like_a_built_in_one_or_an_id() {
        let own = |text: &str| RoleName::own(&Slug::parse(text).unwrap());
        assert_eq!(own("on-call"), Ok(()));
        let owner = Role::WorkspaceOwner;
        for like in ["workspace-owner", "workspace-admin"] {
            assert_eq!(own(like), Err(RoleNameFault::BuiltIn(owner)), "{like}");
        }
        let id = RoleId::from_bytes([7; 16]).to_string();
        assert_eq!(own(&id), Err(RoleNameFault::Id));
    }

    /// Which permissions fit which scope, for every one there is.
    #[test]
    fn a_role_has_only_permissions_about_its_place_and_what_is_below() {
        use CustomScope::{Deployment, Organization, Workspace};
        for scope in [Organization, Workspace, Deployment] {
            for permission in Permission::ALL {
                let about = permission.name().split('.').next().unwrap();
                let fits = match scope {
                    Organization => about != "system",
                    Workspace => matches!(about, "workspace" | "deployment"),
                    Deployment => about == "deployment",
                } && permission.name() != "organization.directTokens.create";
                let set = PermissionSet::EMPTY.with(*permission);
                let made = RoleDefinition::new(scope, set, BTreeSet::new());
                assert_eq!(made.is_ok(), fits, "{scope:?} {permission}");
            }
        }
        let none = RoleDefinition::new(Deployment, PermissionSet::EMPTY, BTreeSet::new());
        assert_eq!(none, Err(RoleFault::Empty));
    }

    #[test]
    fn a_restricted_role_fits_only_in_its_workspaces() {
        let organization = Resource::Organization(OrganizationId::from_bytes([1; 16]));
        let id = |n| WorkspaceId::from_bytes([n; 16]);
        let etl = Resource::Deployment(DeploymentId::from_bytes([9; 16]));
        let path = |n| [etl, Resource::Workspace(id(n)), organization];
        let set = PermissionSet::EMPTY.with(Permission::DeploymentAirflowGet);
        let only = BTreeSet::from([id(2)]);
        let scope = CustomScope::Deployment;
        let role = RoleDefinition::new(scope, set, only.clone()).unwrap();
        assert!(role.fits(&path(2)) && !role.fits(&path(3)));
        assert!(!role.fits(&path(2)[1..]), "not at the workspace itself");
        let everywhere = RoleDefinition::new(scope, set, BTreeSet::new()).unwrap();
        assert!(everywhere.fits(&path(3)));
        let of_all = RoleDefinition::new(CustomScope::Organization, set, only);
        assert_eq!(of_all, Err(RoleFault::Workspaces));
    }
}
