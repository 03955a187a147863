//! Teams that people make: who is in them, and lists of them.

use aeolus_model::{Email, Slug, UserId};
use serde::{Deserialize, Serialize};

use crate::tenancy::{Change, Grant, Team};
use crate::{Awaited, PlaneAcks};

/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 500;
/// So many are put into a team by one request.
pub const MAX_ADDED: usize = 200;
/// So many lines an import has.
pub const MAX_ROWS: usize = 5_000;

/// `POST /v1/organizations/{o}/teams`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TeamCreate {
    /// Its name, unique in the organization.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// What it is for: at most 500 characters on one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// `GET /v1/organizations/{o}/teams/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamShown {
    /// The team.
    #[serde(flatten)]
    pub team: Team,
    /// How many are in it; absent where the caller may not see that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u64>,
    /// The first hundred of them, in the order of their ids; `…/members` lists all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<TeamMember>,
    /// What it has, as far as the caller may see that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Grant>,
}

/// Somebody who is in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamMember {
    /// Who.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: UserId,
    /// Their address.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// Their display name.
    pub name: String,
    /// Whether they may not sign in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// Whether a fleet document put them in: its next apply puts them back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_document: bool,
}

/// `POST /v1/organizations/{o}/teams/{id}/members`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TeamAdd {
    /// People of the organization, by id or address: 1 to 200.
    pub users: Vec<String>,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamAdded {
    /// Who is in it now and wasn't before.
    pub added: Vec<TeamMember>,
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who has heard of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

impl Awaited for TeamAdded {
    fn heard(&mut self, planes: PlaneAcks) {
        self.planes = Some(planes);
    }
}

/// `POST /v1/organizations/{o}/teams:import?dry_run=`: what there is to be. Nothing is taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TeamsImport {
    /// 1 to 5000 of them.
    pub rows: Vec<TeamRow>,
}

/// A team that is made where there is none; and perhaps somebody who is in it, a role that it has, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TeamRow {
    /// Its name.
    pub team: String,
    /// The address of somebody of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A role's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Where it has the role: `ORGANIZATION`, `ORGANIZATION/WORKSPACE` or `ORGANIZATION/WORKSPACE/DEPLOYMENT`; absent:
    /// in the organization itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamsImported {
    /// The differences, in the order of the rows.
    pub changes: Vec<Change>,
    /// Whether they were made.
    pub applied: bool,
    /// The position of the change in the feed, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}
