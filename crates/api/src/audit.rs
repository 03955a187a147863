//! The audit log as it travels. The files of exports are `aeolus_keys::chain`'s.

use aeolus_model::AuditEvent;
use serde::{Deserialize, Serialize};

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    /// The line's place: as `cursor` it asks for what follows.
    pub cursor: String,
    /// Its number in the chain that was asked for; absent where it is from before there was a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its hash in that chain, 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What it says.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::AuditEvent"))]
    pub event: AuditEvent,
}

/// Control's signed word of how far the log goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditCheckpoint {
    /// `installation`, or an organization's id.
    pub scope: String,
    /// The number of the last line.
    pub line: u64,
    /// Its hash, 64 hex digits.
    pub hash: String,
    /// When this was said, in seconds.
    pub at: i64,
    /// The same as a compact JWS under the snapshot key. This is what to keep.
    pub checkpoint: String,
}

/// What control found when it followed the chain in its own database: one object a line, several with
/// `verified` while it works, the last with `ok`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditVerification {
    /// `installation`, or an organization's id.
    pub scope: String,
    /// The last line that was found good.
    pub verified: u64,
    /// The last line that was deleted for its age; 0: none was.
    pub begin: u64,
    /// How many lines are from before there was a chain.
    pub outside: u64,
    /// Whether all is good; absent while control works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// What is wrong, with the first bad line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}
