//! API tokens: making, listing and deleting them.

use aeolus_model::{OrganizationId, Role, TokenId, UserId};
use serde::{Deserialize, Serialize};

use crate::PlaneAcks;

/// How far a token can reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TokenScope {
    /// Everything in the organization.
    #[default]
    Organization,
    /// One workspace and its deployments.
    Workspace,
    /// One deployment.
    Deployment,
}

/// Where a token's authority is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenKind {
    /// In its record: it follows changes.
    #[default]
    Standard,
}

/// `POST /v1/organizations/{o}/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenCreate {
    /// What to call it: 1–120 characters.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// How far it can reach.
    #[serde(default)]
    pub scope: TokenScope,
    /// The organization's, workspace's or deployment's id; may be absent for the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<String>,
    /// Its role there.
    pub role: Role,
    /// Its kind.
    #[serde(default)]
    pub kind: TokenKind,
    /// Days until the value expires, 1–3650; absent: never, which a policy may forbid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expiry_period_in_days: Option<u32>,
}

/// A role that a token has somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRole {
    /// What kind of thing.
    pub entity_type: TokenScope,
    /// Which.
    pub entity_id: String,
    /// What.
    pub role: Role,
}

/// A token's record. Never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its id, the value's `sub`.
    pub id: TokenId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The first characters of the value's `jti`, to tell values apart.
    pub short_token: String,
    /// Its kind.
    pub kind: TokenKind,
    /// How far it can reach.
    pub scope: TokenScope,
    /// Of what.
    pub entity_id: String,
    /// Its roles.
    pub roles: Vec<TokenRole>,
    /// From when the value is good, seconds since the epoch.
    pub start_at: i64,
    /// Until when; absent: it was made to never expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_at: Option<i64>,
    /// The days it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_period_in_days: Option<u32>,
    /// When it was made.
    pub created_at: i64,
    /// Who made it.
    pub created_by: UserId,
}

/// The answer to making a token. `token` is its value, shown this once.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenCreated {
    /// The value: a bare JWT for `Authorization: Bearer`.
    pub token: String,
    /// The record.
    #[serde(flatten)]
    pub record: Token,
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who accepts it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}
