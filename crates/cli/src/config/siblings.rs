//! Where the replicas of one plane meet.

use aeolus_api::{Listen, schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A replica that starts without a snapshot while control is away gets one from another replica.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Siblings {
    /// Where this replica answers (usual: `0.0.0.0:8813`); absent: nowhere. What is said there is
    /// sealed with the plane secret, both ways.
    #[schemars(with = "Option<schema::Listen>")]
    pub(crate) listen: Option<Listen>,
    /// Where the others do: `HOST:PORT`, or `https://HOST:PORT` where `gate.tls` is in force. All addresses of a host
    /// are asked.
    pub(crate) peers: Vec<String>,
}
