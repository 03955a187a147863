//! Who has which role where.

use schemars::JsonSchema;

use super::{Id, RoleName};

/// [`aeolus_model::Subject`].
#[derive(Debug, JsonSchema)]
#[schemars(tag = "type", content = "id", rename_all = "lowercase")]
pub enum Subject {
    /// A person.
    User(Id),
    /// A team: its members hold what it holds.
    Team(Id),
    /// An API token.
    Token(Id),
}

/// [`aeolus_model::Resource`].
#[derive(Debug, JsonSchema)]
#[schemars(tag = "type", content = "id", rename_all = "lowercase")]
pub enum Resource {
    /// The whole installation.
    System,
    /// An organization.
    Organization(Id),
    /// A workspace.
    Workspace(Id),
    /// A deployment.
    Deployment(Id),
}

/// [`aeolus_model::Grant`].
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Grant {
    /// Its own id, so that it can be taken back.
    id: Id,
    /// Who.
    subject: Subject,
    /// What.
    role: RoleName,
    /// Where.
    resource: Resource,
}
