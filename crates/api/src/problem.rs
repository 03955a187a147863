//! Errors as they travel: RFC 9457 problem documents with a stable code.

use serde::{Deserialize, Serialize};

/// The body of every refused or failed API request (`application/problem+json`, RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `urn:aeolus:error:CODE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The stable code, for programs.
    pub code: String,
    /// One short sentence, the same for every occurrence of the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, what it means and what to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// To find the request in logs and audit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// Which parts of the input are wrong, if it is the input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// One wrong part of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// Where: `organizations[0].users[2].email`.
    pub at: String,
    /// What is wrong and how to put it right.
    pub message: String,
}

impl Problem {
    /// A problem without detail.
    pub fn new(status: u16, code: &str, title: &str) -> Self {
        Self {
            kind: format!("urn:aeolus:error:{code}"),
            code: code.to_owned(),
            title: title.to_owned(),
            status,
            detail: String::new(),
            request_id: String::new(),
            errors: Vec::new(),
        }
    }

    /// The same problem with what happened here.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }
}
