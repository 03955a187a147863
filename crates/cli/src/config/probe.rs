//! A gate's own requests.

use aeolus_api::{Period, schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Harmless requests of a gate's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Probe {
    /// How often every deployment is tried.
    #[schemars(with = "schema::Period")]
    pub(crate) every: Period,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            every: Period::from_secs(30),
        }
    }
}
