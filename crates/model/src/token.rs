//! API tokens: the record whose grants are a program's authority.

use crate::{Clock, DeploymentId, OrganizationId, Resource, Time, TokenId, UserId, WorkspaceId};

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

/// An API token's record. Its value is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, the value's `sub`.
    pub id: TokenId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// What a person called it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How far it can reach.
    pub scope: TokenScope,
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
    /// Its value is good until it expires.
    Active {
        /// `jti` of the current value.
        jti: String,
        /// The value's place in the organization's status list.
        index: u32,
        /// The value's `exp`.
        expires_at: Time,
    },
    /// Deleted: the value is refused for good.
    Deleted {
        /// The last value's place in the status list; its bit is set.
        index: u32,
        /// When.
        at: Time,
    },
}

/// A transition that the token's stage doesn't allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is already deleted")]
pub struct AlreadyDeleted;

impl ApiToken {
    /// Ends the token. The caller sets the bit at the returned stage's index.
    pub fn delete(self, clock: &(impl Clock + ?Sized)) -> Result<Self, AlreadyDeleted> {
        match self.stage {
            TokenStage::Active { index, .. } => Ok(Self {
                stage: TokenStage::Deleted {
                    index,
                    at: clock.now(),
                },
                ..self
            }),
            TokenStage::Deleted { .. } => Err(AlreadyDeleted),
        }
    }
}
