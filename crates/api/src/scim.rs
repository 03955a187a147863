//! How providers provision by SCIM: what is said of it for a connection, with what they show who they are, and
//! what they asked last.

use aeolus_model::{ScimCredentialId, ScimRequestId, UserId};
use serde::{Deserialize, Serialize};

use crate::{Period, Withheld};

/// What credentials' secrets begin with, so that they are recognised where they don't belong.
pub const SCIM_SECRET_PREFIX: &str = "xsc_";
/// What access tokens for SCIM begin with.
pub const SCIM_ACCESS_PREFIX: &str = "xsa_";
/// The only scope of these access tokens.
pub const SCOPE_SCIM: &str = "scim";

/// How users and groups that a provider pushes are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScimConnection {
    /// Whose ways the client has; absent: those of the connection's type, for others than okta and microsoft
    /// `strict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ScimProfile>,
    /// The name of the organization that users and Teams are in; absent: the only one there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Whether a user who exists already, and came by another way, is taken over by who provisions the same
    /// address. Whoever holds a credential can then disable people that it didn't make.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub match_existing: bool,
    /// Whether that goes for people who administer the installation too. Whoever holds a credential can then be
    /// them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub match_administrators: bool,
    /// Whether provisioning pauses: whatever its client asks is answered 503, so that it comes again later.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Which roles groups give, by their names: the first template whose `match` is the whole name counts; a group
    /// that none is for becomes a Team without roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub team_templates: Vec<ScimTeamTemplate>,
}

/// Which role a group's Team is given. In the places, `$1` or `${name}` is what the pattern's group of that number
/// or name matched, and `$$` is a dollar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScimTeamTemplate {
    /// A regular expression that the whole name of the group has to be.
    #[serde(rename = "match")]
    pub pattern: String,
    /// A built-in role's name, or that of one of the organization's own.
    pub role: String,
    /// The organization that the Team is made in; absent: the connection's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The workspace that the role is given at, or that the deployment is in; absent: the role is given at the
    /// organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The deployment that the role is given at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
}

/// Whose ways a provisioning client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ScimProfile {
    /// The standards' own.
    Strict,
    /// Okta's.
    Okta,
    /// Microsoft Entra ID's.
    Microsoft,
}

/// How a provisioning client shows its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ScimCredentialKind {
    /// As a bearer token: what Entra calls Secret Token.
    Bearer,
    /// As user and password (HTTP Basic).
    Basic,
    /// At the token endpoint, as `client_id` and `client_secret` of client credentials.
    Client,
}

impl ScimCredentialKind {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Client => "client",
        }
    }
}

/// `POST /v1/connections/{connection}/scim/credentials`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScimCredentialCreate {
    /// What to call it: 1 to 63 letters, digits, `-`, `.` and `_`, and unique in the connection.
    pub name: String,
    /// How it is shown; absent: `basic` at okta, else `bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ScimCredentialKind>,
    /// Days until it ends, 1 to 3650; absent: it ends when it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}

/// `POST /v1/connections/{connection}/scim/credentials/{id}/rotate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScimCredentialRotate {
    /// How long secrets from before stay good, at most 30 days; absent: they end now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Period>"))]
    pub grace: Option<Period>,
    /// Days until the new secret ends, 1 to 3650; absent: as long as the one before was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}

/// A credential of a provisioning client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ScimCredential {
    /// Its id. As `client_id` and as the user of HTTP Basic it is what a client calls itself.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: ScimCredentialId,
    /// What people call it.
    pub name: String,
    /// How it is shown.
    pub kind: ScimCredentialKind,
    /// Who made it.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub created_by: UserId,
    /// When, in seconds since 1970.
    pub created_at: i64,
    /// When it last was given another secret; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<i64>,
    /// When it was last seen used, to within a quarter of an hour; absent: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<i64>,
    /// Until when its newest secret is good; absent: until it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// Until when secrets from before are good, the last one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_end_at: Vec<i64>,
}

/// The answer to making or rotating a credential. What it shows, it shows this once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ScimCredentialCreated {
    /// The user of HTTP Basic, or the `client_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The secret: a bearer token, a password or a `client_secret`. A repeated answer is without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// In place of the secret, in a repeated answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// The URL to give the provider: Entra's Tenant URL, Okta's Base URL.
    pub base_url: String,
    /// Where a client of kind `client` gets its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// The record.
    #[serde(flatten)]
    pub record: ScimCredential,
    /// The position of the change in the feed.
    pub seq: u64,
}

/// A request of a provisioning client and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ScimRequest {
    /// Its id: as `after` it asks for what came later.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: ScimRequestId,
    /// When it came, in milliseconds since 1970.
    pub at: i64,
    /// Its method.
    pub method: String,
    /// Its path below the connection's endpoint.
    pub path: String,
    /// Its query, values masked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// The answer's status.
    pub status: u16,
    /// The kind of refusal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scim_type: String,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The name of the credential; absent where none was good.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credential: String,
    /// From which address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The request's id, to find it in control's log.
    pub request_id: String,
    /// Its body, values masked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// How telling a connection's receiver what it provisions goes. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ScimEventsStatus {
    /// Where events are pushed to; absent: nobody is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The `aud` of the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Whether they are sent with a header Authorization.
    pub authorization: bool,
    /// How many events wait.
    pub waiting: u64,
    /// Since when the first of them does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<i64>,
    /// How many the receiver has taken.
    pub delivered: u64,
    /// When it last took one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<i64>,
    /// How many it never got: it refused them, they waited for more than a week, or there was no room.
    pub dropped: u64,
    /// How often in a row the next one was tried in vain.
    pub failures: u32,
    /// When one last was; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<i64>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// When it is tried again; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<i64>,
}
