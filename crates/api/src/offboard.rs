//! Ending a person's access to an organization.

use aeolus_model::{Email, SessionId, Slug, TeamId, TokenId, UserId};
use serde::{Deserialize, Serialize};

use crate::PlaneAcks;
use crate::tenancy::Grant;

/// `POST /v1/organizations/{o}/users/{id}/offboard`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OffboardRequest {
    /// Who answers for their API tokens from then on: somebody who holds at least what each of them
    /// holds. Absent: the tokens are deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Email>"))]
    pub give_tokens_to: Option<Email>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was ended, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Offboarded {
    /// Who.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub user_id: UserId,
    /// Their address.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// Sessions that were used in the organization: its gates refuse them.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Id>"))]
    pub sessions: Vec<SessionId>,
    /// What they were granted themselves.
    pub grants: Vec<OffboardedGrant>,
    /// Teams they were in.
    pub teams: Vec<OffboardedTeam>,
    /// API tokens that they answered for.
    pub tokens: Vec<OffboardedToken>,
    /// Whether it was done.
    pub done: bool,
    /// The position of the change in the feed, if it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// With `wait=planes`: who obeys it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

/// A grant that ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OffboardedGrant {
    /// The grant.
    #[serde(flatten)]
    pub grant: Grant,
    /// Whether a fleet document gave it: the next apply gives it again unless it is taken out there.
    pub in_document: bool,
}

/// A membership that ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OffboardedTeam {
    /// The team.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: TeamId,
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// Whether a fleet document put them in: the next apply does so again unless it is changed.
    pub in_document: bool,
}

/// A token that is deleted or given to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OffboardedToken {
    /// The token.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: TokenId,
    /// What it is called.
    pub name: String,
    /// Who answers for it now; absent: it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Email>"))]
    pub given_to: Option<Email>,
}
