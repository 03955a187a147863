//! Lines of the audit log.

use schemars::JsonSchema;

use super::{Id, OutcomeName};

/// [`aeolus_model::Actor`].
#[derive(Debug, JsonSchema)]
#[schemars(tag = "type", content = "id", rename_all = "lowercase")]
pub enum Actor {
    /// A person.
    User(Id),
    /// An API token.
    Token(Id),
    /// A gate of a plane.
    Plane(Id),
    /// A provisioning client of a connection, as `CONNECTION/CREDENTIAL`.
    Scim(String),
    /// Aeolus itself, or its operator at the machine.
    System,
    /// Somebody who has not proved who they are.
    Anonymous,
}

/// [`aeolus_model::AuditEvent`].
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
pub struct AuditEvent {
    /// When, in milliseconds since 1970.
    at: i64,
    /// Who.
    actor: Actor,
    /// What, such as `token.create`.
    action: String,
    /// In which organization, if in one.
    organization: Option<Id>,
    /// To what: an id or a name, as text.
    target: String,
    /// How it went.
    outcome: OutcomeName,
    /// The cause of a refusal or failure, as a stable code; empty on success.
    reason: String,
    /// From which address, where there is one.
    source: String,
    /// The request's id, to find it in the logs.
    request_id: String,
    /// What it changed. Never a secret.
    #[schemars(default)]
    changes: Vec<AuditChange>,
}

/// [`aeolus_model::Change`].
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct AuditChange {
    /// What.
    field: String,
    /// What it was; absent where there was nothing.
    before: Option<String>,
    /// What it is now; absent where nothing is left.
    after: Option<String>,
}
