//! A deployment: one Airflow, where it answers and how it is guarded.

use aeolus_model::{
    HostPattern, PathPrefix, PathRule, Profile, Slug, StalenessError, StalenessPolicy,
};
use serde::{Deserialize, Serialize};

use super::Grant;
#[cfg(feature = "schema")]
use crate::schema;
use crate::{Period, tenancy};

/// A deployment of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetDeployment"))]
pub struct Deployment {
    /// Its name, unique in the workspace.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub name: Slug,
    /// The plane it lives on.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub plane: Slug,
    /// The hosts that are all its own, or `*.DOMAIN` for every host one label below a domain; or `host`
    /// and `pathPrefix`. A host that any deployment has by name is not reached by a wildcard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::HostPattern>"))]
    pub hosts: Vec<HostPattern>,
    /// The host, or `*.DOMAIN`, that it shares with other deployments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::HostPattern>"))]
    pub host: Option<HostPattern>,
    /// Where on that host it begins. The prefix is not stripped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::PathPrefix>"))]
    pub path_prefix: Option<PathPrefix>,
    /// Where the built-in proxy forwards to: `http://host:port`, or `https://host:port` where it speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::HttpUrl>"))]
    pub upstream: Option<String>,
    /// What kind of application it is.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "schema::ProfileName"))]
    pub profile: Profile,
    /// What happens while its plane hears nothing from control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness: Option<Staleness>,
    /// Rules for paths of its own, tried in order before the profile's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::PathRule>"))]
    pub rules: Vec<PathRule>,
    /// Lets task processes from elsewhere reach Airflow's execution API with Airflow's own tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_execution: Option<TaskExecution>,
    /// Roles that begin with `DEPLOYMENT_`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

/// How long a gate goes on without news from control, and what it does then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetStaleness"))]
pub struct Staleness {
    /// Past this age of knowledge `then` takes hold: 5m to 7d; absent: 24h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Period>"))]
    pub max_stale: Option<Period>,
    /// Past this age every policy but `static_allow` is `deny`: `maxStale` to 30d; absent: 7d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Period>"))]
    pub hard_stale: Option<Period>,
    /// What then: `deny`, `serve_until_exp`, `read_only` or `static_allow`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "schema::StalenessPolicyName"))]
    pub then: StalenessPolicy,
}

/// Who may reach the execution API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskExecution {
    /// The networks, in CIDR notation.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Cidr>"))]
    pub allow_from: Vec<String>,
}

impl Deployment {
    /// Everywhere it answers.
    pub fn routes(&self) -> Vec<tenancy::Route> {
        let whole = self.hosts.iter().map(|host| (host, None));
        let shared = self
            .host
            .iter()
            .map(|host| (host, self.path_prefix.as_ref()));
        whole
            .chain(shared)
            .map(|(host, prefix)| tenancy::Route {
                host: host.to_string(),
                path_prefix: prefix.map(ToString::to_string),
            })
            .collect()
    }

    /// Its staleness policy, with what is absent filled in.
    pub fn staleness(&self) -> Result<aeolus_model::Staleness, StalenessError> {
        let default = aeolus_model::Staleness::default();
        let Some(written) = self.staleness else {
            return Ok(default);
        };
        let max = written.max_stale.map_or(default.max(), Period::duration);
        let hard = written.hard_stale.map_or(default.hard(), Period::duration);
        aeolus_model::Staleness::new(max, hard, written.then)
    }
}
