//! Invitations into an organization.

use aeolus_model::{Email, InvitationId, OrganizationId, Resource, RoleName, UserId};
use serde::{Deserialize, Serialize};

use crate::Withheld;

/// Longest note, in characters.
pub const MAX_NOTE: usize = 500;
/// How long an invitation is good unless it says, and at most, in days.
pub const DAYS: (u32, u32) = (7, 30);

/// A role that whoever takes an invitation up gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitedRole {
    /// Which.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RoleName"))]
    pub role: RoleName,
    /// Where: in the organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Resource"))]
    pub resource: Resource,
}

/// `POST /v1/organizations/{o}/invitations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationCreate {
    /// Who is meant.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// Their role in the organization; absent: `ORGANIZATION_MEMBER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::RoleName>"))]
    pub role: Option<RoleName>,
    /// Roles on what lies below, beside that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<InvitedRole>,
    /// Whether whoever has the link is meant, whatever address they prove. Else it is for who proves `email`
    /// alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_address: bool,
    /// Days until it ends, 1 to 30; absent: 7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
    /// What they are told, at most 500 characters on one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum InvitationStatus {
    /// It can be taken up.
    Open,
    /// Somebody took it up.
    Accepted,
    /// Nobody did in time.
    Expired,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: InvitationId,
    /// Into which organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub organization_id: OrganizationId,
    /// Who is meant.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// Whether whoever has the link is meant.
    pub any_address: bool,
    /// What they get; a role of the organization's own by its id.
    pub roles: Vec<InvitedRole>,
    /// What they are told.
    pub note: String,
    /// What became of it.
    pub status: InvitationStatus,
    /// Whose word it is.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub invited_by: UserId,
    /// Since when, in seconds since 1970.
    pub created_at: i64,
    /// Until when.
    pub expires_at: i64,
    /// When somebody took it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<i64>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Id>"))]
    pub accepted_by: Option<UserId>,
}

/// The answer to inviting somebody. `link` is shown this once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InvitationCreated {
    /// The link to give to them. A repeated answer is without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// In place of the link, in a repeated answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// Whether an e-mail with the link is on its way.
    pub emailed: bool,
    /// The record.
    #[serde(flatten)]
    pub record: Invitation,
    /// The position of the change in the feed.
    pub seq: u64,
}
