//! API tokens: making, listing, changing, rotating and deleting them.

use aeolus_model::{OrganizationId, Permission, RoleName, TokenId, UserId};
use serde::{Deserialize, Serialize};

use crate::{Period, PlaneAcks, Withheld};

/// How far a token can reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenKind {
    /// In its record: it follows changes.
    #[default]
    Standard,
    /// Inside its values: gates accept it without knowing it. Only organization owners make these,
    /// only planes accept them, and their power is at most a workspace operator's on deployments.
    DirectAccess,
}

impl TokenScope {
    /// As requests and answers have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "ORGANIZATION",
            Self::Workspace => "WORKSPACE",
            Self::Deployment => "DEPLOYMENT",
        }
    }
}

impl TokenKind {
    /// As requests and answers have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::DirectAccess => "DIRECT_ACCESS",
        }
    }
}

/// `POST /v1/organizations/{o}/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Its role there. A direct access token may do without: it is a workspace operator then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::RoleName>"))]
    pub role: Option<RoleName>,
    /// Roles on what lies below, beside that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<TokenRole>,
    /// Its kind.
    #[serde(default)]
    pub kind: TokenKind,
    /// For a direct access token: no more than these of its role's permissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<Vec<crate::schema::PermissionName>>")
    )]
    pub permissions: Option<Vec<Permission>>,
    /// Days until the value expires, 1–3650; absent: never, which a policy may forbid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expiry_period_in_days: Option<u32>,
}

/// A role that a token has somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRole {
    /// What kind of thing.
    pub entity_type: TokenScope,
    /// Which.
    pub entity_id: String,
    /// What.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RoleName"))]
    pub role: RoleName,
}

/// A token's record. Never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its id, the value's `sub`.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: TokenId,
    /// Its organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
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
    /// For a direct access token that was narrowed: the permissions left of its roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<Vec<crate::schema::PermissionName>>")
    )]
    pub permissions: Option<Vec<Permission>>,
    /// From when its newest value is good, seconds since the epoch.
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
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub created_by: UserId,
    /// When it was last changed; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// Who changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Id>"))]
    pub updated_by: Option<UserId>,
    /// When it last was given a new value; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotated_at: Option<i64>,
    /// When it was last seen used, to within a quarter of an hour; absent: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<i64>,
    /// Values that it had before and that are still good, the newest first. Only where one token is
    /// asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_values: Vec<EarlierValue>,
}

/// A value of a token that is not its newest, while it is still good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EarlierValue {
    /// The first characters of its `jti`.
    pub short_token: String,
    /// From when it is good.
    pub start_at: i64,
    /// Until when.
    pub end_at: i64,
    /// When it was last seen used; absent: not since this is noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<i64>,
}

/// `POST /v1/organizations/{o}/tokens/{id}`: what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenUpdate {
    /// What to call it: 1–120 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `POST /v1/organizations/{o}/tokens/{id}/roles`: all its roles from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRoles {
    /// At least one.
    pub roles: Vec<TokenRole>,
}

/// `POST /v1/organizations/{o}/tokens/{id}/rotate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRotate {
    /// How long values from before stay good, at most 30 days; `0s`: they end now. Absent: what the
    /// organization's policy says, else `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Period>"))]
    pub grace: Option<Period>,
    /// Days until the new value expires; absent: as many as the one before was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expiry_period_in_days: Option<u32>,
}

/// `POST /v1/organizations/{o}/tokens:revoke`: deletes tokens together. Either `ids`, or one or both
/// of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokensRevoke {
    /// These tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<crate::schema::Id>>"))]
    pub ids: Option<Vec<TokenId>>,
    /// Those whose newest value was issued before this, seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_before: Option<i64>,
    /// Those that this person made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Id>"))]
    pub created_by: Option<UserId>,
    /// With `issuedBefore`: also everything else that was issued or signed in before, of the person
    /// or of everybody in the organization. Gates refuse it; people sign in again.
    #[serde(default)]
    pub sessions: bool,
}

/// The answer to [`TokensRevoke`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokensRevoked {
    /// How many tokens were deleted.
    pub deleted: u64,
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who refuses them already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

/// The answer to making or rotating a token. `token` is its new value, shown this once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenCreated {
    /// The value: a bare JWT for `Authorization: Bearer`. A repeated answer is without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// In place of the value, in a repeated answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// The record.
    #[serde(flatten)]
    pub record: Token,
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who accepts it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}
