//! What somebody may do somewhere, and why.

use aeolus_model::{AirflowRole, GrantId, Permission, Resource, RoleId, RoleName, Slug, Subject};
use serde::{Deserialize, Serialize};

use crate::role::RoleKind;

/// `GET /v1/explain?subject=&resource=[&permission=]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Who: a person, a team or an API token.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Subject"))]
    pub subject: Subject,
    /// Their address, or the team's or token's name.
    pub name: String,
    /// Whether they can use it: a disabled person can't.
    pub disabled: bool,
    /// Where.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Resource"))]
    pub resource: Resource,
    /// Its place: `ORGANIZATION/WORKSPACE/DEPLOYMENT`, as far down as it is.
    pub place: String,
    /// On a deployment: what they are in Airflow; absent: Airflow doesn't let them in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<crate::schema::AirflowRoleName>")
    )]
    pub airflow_role: Option<AirflowRole>,
    /// What they may do there and below, each with the grants that it comes from. With `permission`: only
    /// that one, if they have it.
    pub permissions: Vec<Held>,
    /// Those grants, from the resource up, and grants at the resource itself that allow nothing.
    pub grants: Vec<Way>,
}

/// A permission that somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Which.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::PermissionName"))]
    pub permission: Permission,
    /// Each of these grants alone gives it.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Id>"))]
    pub grants: Vec<GrantId>,
}

/// A grant through which somebody has permissions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The grant.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub grant_id: GrantId,
    /// The role that was granted.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RoleName"))]
    pub role: RoleName,
    /// The id of one that the organization made for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Id>"))]
    pub role_id: Option<RoleId>,
    /// Whose the role is.
    pub role_kind: RoleKind,
    /// Where it was granted: there or above.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Resource"))]
    pub granted_on: Resource,
    /// That place by name; `*` is the whole installation.
    pub place: String,
    /// The team that was granted it, where it was not they themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Slug>"))]
    pub through_team: Option<Slug>,
}
