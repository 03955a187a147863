//! Who, and where.

use schemars::JsonSchema;

use super::Id;

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
