//! What templates give the Teams of a connection's SCIM groups.

use aeolus_model::{Slug, TeamId};
use serde::{Deserialize, Serialize};

/// The answer to `POST /v1/connections/{connection}/scim/templates:apply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TemplatesApplied {
    /// Each group of the connection, in the order of their names.
    pub groups: Vec<TemplatedGroup>,
    /// Whether that was done.
    pub applied: bool,
    /// The position of the change in the feed, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// What templates say of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TemplatedGroup {
    /// Its Team.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub team: TeamId,
    /// The Team's name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub team_name: Slug,
    /// What the group is called now.
    pub display_name: String,
    /// What it was called when it was made: templates look at that.
    pub made_as: String,
    /// Which template is for it, counted from 0 in the order of the configuration; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<u32>,
    /// The roles that the Team is given, with their places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gives: Vec<String>,
    /// The roles that an earlier template gave it, and that are taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<String>,
    /// Why its template gives it nothing: what it names isn't there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}
