//! Roles that an organization makes for itself, in its document.

use std::collections::BTreeSet;

use aeolus_model::{
    CustomScope, Permission, PermissionSet, RoleDefinition, RoleFault, RoleName, Slug,
};
use serde::{Deserialize, Serialize};

use super::Organization;
#[cfg(feature = "schema")]
use crate::schema;

/// A role of the organization's own, beside the built-in ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetRole"))]
pub struct Role {
    /// Its name, unique in the organization and unlike any built-in role's.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub name: Slug,
    /// Where it is given. It never changes: another scope is another role.
    #[cfg_attr(feature = "schema", schemars(with = "schema::CustomScopeName"))]
    pub scope: CustomScope,
    /// What it is for: at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it allows where it is given and below; at least one.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::PermissionName>"))]
    pub permissions: Vec<Permission>,
    /// The names of the workspaces in which alone it can be given; absent: everywhere in the organization.
    /// Not for roles of scope `ORGANIZATION`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Slug>"))]
    pub workspaces: Vec<Slug>,
}

impl Role {
    /// What is wrong with it by itself, each at a place in it.
    pub(super) fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        if let Err(fault) = RoleName::own(&self.name) {
            faults.push(("name".to_owned(), fault.to_string()));
        }
        let permissions: PermissionSet = self.permissions.iter().copied().collect();
        if let Err(RoleFault::Empty) = RoleDefinition::new(self.scope, permissions, BTreeSet::new())
        {
            faults.push(("permissions".to_owned(), RoleFault::Empty.to_string()));
        }
        for (index, permission) in self.permissions.iter().enumerate() {
            if !self.scope.admits(*permission) {
                let fault = RoleFault::Permission(*permission).to_string();
                faults.push((format!("permissions[{index}]"), fault));
            }
        }
        if self.scope == CustomScope::Organization && !self.workspaces.is_empty() {
            faults.push(("workspaces".to_owned(), RoleFault::Workspaces.to_string()));
        }
        faults
    }
}

impl Organization {
    /// The role of its own that the document makes under a name.
    pub fn role(&self, name: &Slug) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == *name)
    }

    /// Whether the document gives a role by this name to anybody.
    pub fn gives(&self, name: &Slug) -> bool {
        let in_workspaces = self.workspaces.iter().flat_map(|workspace| {
            let below = workspace.deployments.iter().flat_map(|d| &d.grants);
            workspace.grants.iter().chain(below)
        });
        let users = self.users.iter().map(|user| &user.role);
        let mut given = users.chain(in_workspaces.map(|grant| &grant.role));
        given.any(|role| matches!(role, RoleName::Custom(given) if given == name))
    }
}
