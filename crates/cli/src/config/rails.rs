//! A plane's own bounds.

use aeolus_api::schema;
use aeolus_model::{AirflowRole, OrganizationId, PathPattern};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a plane allows, whatever control says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Rails {
    /// Ids of the organizations whose deployments may be here; absent: all.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) organizations: Option<Vec<OrganizationId>>,
    /// Where the built-in proxy may forward to: networks (`10.0.0.0/8`), host names, or `.suffix` for
    /// all names below it.
    pub(crate) upstreams: Vec<String>,
    /// Paths that no rule of a deployment may make public or pass through, such as `/api/**`.
    #[schemars(with = "Vec<schema::PathPattern>")]
    pub(crate) never_public: Vec<PathPattern>,
    /// The most that anybody is in an Airflow of this plane: `viewer`, `user`, `op` or `admin`.
    #[schemars(with = "String")]
    pub(crate) highest_role: AirflowRole,
}

impl Default for Rails {
    fn default() -> Self {
        let upstreams = aeolus_decide::Rails::UPSTREAMS.map(str::to_owned);
        Self {
            organizations: None,
            upstreams: upstreams.to_vec(),
            never_public: Vec::new(),
            highest_role: AirflowRole::Admin,
        }
    }
}
