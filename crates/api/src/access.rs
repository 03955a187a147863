//! Who reaches which deployment, and why.

use aeolus_model::{AirflowRole, DeploymentId, GrantId, Resource, RoleName, Slug, Subject};
use serde::{Deserialize, Serialize};

/// One way in which somebody reaches a deployment: `GET /v1/organizations/{o}/access`. Who has several
/// has them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// The deployment.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub deployment_id: DeploymentId,
    /// Its place: `WORKSPACE/DEPLOYMENT`.
    pub deployment: String,
    /// Who: a person or an API token.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Subject"))]
    pub subject: Subject,
    /// Their address, or the token's name.
    pub name: String,
    /// Whether they can use it: a disabled person can't.
    pub disabled: bool,
    /// The role that was granted.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RoleName"))]
    pub role: RoleName,
    /// Where it was granted: at the deployment or above it.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Resource"))]
    pub granted_on: Resource,
    /// The grant.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub grant_id: GrantId,
    /// The team that was granted it, where it was not they themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Slug>"))]
    pub through_team: Option<Slug>,
    /// What the role amounts to in Airflow; absent: no more than the deployment's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<crate::schema::AirflowRoleName>")
    )]
    pub airflow_role: Option<AirflowRole>,
}
