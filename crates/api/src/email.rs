//! E-mail.

use aeolus_model::Email;
use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::schema;

/// A message to try out what is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailTest {
    /// To whom.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Email"))]
    pub to: Email,
}

/// Such a message was taken by the server; whether it arrives is the server's to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EmailTested {
    /// Its `Message-ID`, by which the server's operator finds it.
    pub message_id: String,
    /// Which server took it.
    pub server: String,
    /// `tls` from the first byte, `starttls`, or `none`.
    pub encryption: String,
}
