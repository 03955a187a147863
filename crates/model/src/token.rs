//! API tokens: the record whose grants are a program's authority.

use crate::{
    DeploymentId, OrganizationId, Permission, PermissionSet, Resource, Role, Time, TokenId, UserId,
    WorkspaceId,
};

/// Where a token was made and beyond which it can never reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenScope {
    /// Everything in an organization.
    Organization(OrganizationId),
    /// A workspace and its deployments.
    Workspace(WorkspaceId),
    /// One deployment.
    Deployment(DeploymentId),
}

impl TokenScope {
    /// The resource the scope is.
    pub const fn resource(self) -> Resource {
        match self {
            Self::Organization(id) => Resource::Organization(id),
            Self::Workspace(id) => Resource::Workspace(id),
            Self::Deployment(id) => Resource::Deployment(id),
        }
    }

    /// The `type` of the token's `ent` claim.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Organization(_) => "organization",
            Self::Workspace(_) => "workspace",
            Self::Deployment(_) => "deployment",
        }
    }

    /// The `id` of the token's `ent` claim.
    pub fn id(self) -> String {
        match self {
            Self::Organization(id) => id.to_string(),
            Self::Workspace(id) => id.to_string(),
            Self::Deployment(id) => id.to_string(),
        }
    }
}

/// Where a token's authority is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// In its record and grants: it follows changes.
    Standard,
    /// Inside its values: gates need no record of it. Control refuses them.
    Direct {
        /// Narrows its roles to these permissions, if there are any here.
        permissions: Option<Vec<Permission>>,
    },
}

/// The most that a direct access token can do, whatever roles are in it: what a workspace operator may do,
/// as that role is shipped, and of that what the token names, if it names permissions (row N11).
pub fn direct_ceiling(named: Option<&[Permission]>) -> PermissionSet {
    let most = Role::WorkspaceOperator.shipped();
    let within = |named: &[Permission]| most.intersection(named.iter().copied().collect());
    named.map_or(most, within)
}

/// An API token's record. Its values are shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, the `sub` of its values.
    pub id: TokenId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// What a person called it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How far it can reach.
    pub scope: TokenScope,
    /// Where its authority is kept.
    pub kind: TokenKind,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Time,
    /// Where it stands.
    pub stage: TokenStage,
}

/// Where a token stands; each stage has exactly what exists in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenStage {
    /// This is its newest value. Earlier ones may be good as well, for as long as a rotation let them.
    Active(TokenValue),
    /// Deleted: all its values are refused for good.
    Deleted {
        /// When.
        at: Time,
    },
}

/// What a value of a token says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenValue {
    /// Its own id.
    pub jti: String,
    /// Its place in the organization's status list.
    pub index: u32,
    /// From when it is good.
    pub issued_at: Time,
    /// Until when.
    pub expires_at: Time,
}

impl TokenValue {
    /// The first characters of the value's id: tell values apart by them, in lists and in the audit
    /// log, without the value itself.
    pub fn short(&self) -> &str {
        self.jti.get(..8).unwrap_or(&self.jti)
    }
}

impl ApiToken {
    /// Its newest value, while it has one.
    pub const fn value(&self) -> Option<&TokenValue> {
        match &self.stage {
            TokenStage::Active(value) => Some(value),
            TokenStage::Deleted { .. } => None,
        }
    }
}
