//! Grants: who has which role where.

use serde::{Deserialize, Serialize};

use crate::{
    DeploymentId, GrantId, GrantedRole, OrganizationId, Permission, PermissionSet, Scope, TeamId,
    TokenId, UserId, WorkspaceId,
};

/// Who holds a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "lowercase")]
pub enum Subject {
    /// A person.
    User(UserId),
    /// A team: its members hold what it holds.
    Team(TeamId),
    /// An API token.
    Token(TokenId),
}

impl Subject {
    /// Its id as text, whatever kind it is.
    pub fn id_text(self) -> String {
        match self {
            Self::User(id) => id.to_string(),
            Self::Team(id) => id.to_string(),
            Self::Token(id) => id.to_string(),
        }
    }
}

/// Where a grant holds: there and on everything below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "lowercase")]
pub enum Resource {
    /// The whole installation.
    System,
    /// An organization.
    Organization(OrganizationId),
    /// A workspace.
    Workspace(WorkspaceId),
    /// A deployment.
    Deployment(DeploymentId),
}

impl Resource {
    /// Which kind of place it is: that of the roles that are given there.
    pub const fn scope(self) -> Scope {
        match self {
            Self::System => Scope::System,
            Self::Organization(_) => Scope::Organization,
            Self::Workspace(_) => Scope::Workspace,
            Self::Deployment(_) => Scope::Deployment,
        }
    }
}

/// A subject has a role on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its own id, so that it can be taken back.
    pub id: GrantId,
    /// Who.
    pub subject: Subject,
    /// What.
    pub role: GrantedRole,
    /// Where.
    pub resource: Resource,
}

/// What one subject holds, ready to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(Vec<(Resource, PermissionSet)>);

impl Grants {
    /// Adds what a role gives on a resource.
    pub fn add(&mut self, resource: Resource, permissions: PermissionSet) {
        match self.0.iter_mut().find(|(held, _)| *held == resource) {
            Some((_, set)) => *set = set.union(permissions),
            None => self.0.push((resource, permissions)),
        }
    }

    /// What is held on a resource, given the path of resources from it up to the root.
    pub fn on(&self, path: &[Resource]) -> PermissionSet {
        let held = |resource: &Resource| {
            self.0
                .iter()
                .find(|(r, _)| r == resource)
                .map_or(PermissionSet::EMPTY, |(_, set)| *set)
        };
        path.iter()
            .map(held)
            .fold(held(&Resource::System), PermissionSet::union)
    }

    /// Whether a permission is held anywhere.
    pub fn anywhere(&self, permission: Permission) -> bool {
        self.0.iter().any(|(_, set)| set.contains(permission))
    }

    /// Each resource with what is held exactly there.
    pub fn iter(&self) -> impl Iterator<Item = (Resource, PermissionSet)> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<(Resource, PermissionSet)> for Grants {
    fn from_iter<I: IntoIterator<Item = (Resource, PermissionSet)>>(held: I) -> Self {
        let mut all = Self::default();
        for (resource, permissions) in held {
            all.add(resource, permissions);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    #[test]
    fn a_grant_reaches_down_and_never_up_or_sideways() {
        let org = Resource::Organization(OrganizationId::from_bytes([1; 16]));
        let sales = Resource::Workspace(WorkspaceId::from_bytes([2; 16]));
        let other = Resource::Workspace(WorkspaceId::from_bytes([3; 16]));
        let etl = Resource::Deployment(DeploymentId::from_bytes([4; 16]));
        let held: Grants = [(sales, Role::WorkspaceOperator.shipped())]
            .into_iter()
            .collect();
        assert!(
            held.on(&[etl, sales, org])
                .contains(Permission::DeploymentAirflowOp)
        );
        assert!(held.on(&[etl, other, org]).is_empty());
        assert!(held.on(&[org]).is_empty());
    }

    #[test]
    fn d5_the_most_permissive_of_several_grants_counts() {
        let etl = Resource::Deployment(DeploymentId::from_bytes([4; 16]));
        let held: Grants = [
            (etl, Role::DeploymentViewer.shipped()),
            (etl, Role::DeploymentAdmin.shipped()),
        ]
        .into_iter()
        .collect();
        assert_eq!(held.on(&[etl]), Role::DeploymentAdmin.shipped());
    }
}
