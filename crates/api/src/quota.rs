//! What an organization may use of what all share.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// Bounds that the operator sets, so that one organization's flood stays its own (F71, F73). An absent
/// one is the installation's usual bound; there is no 0, which would lock an organization out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Quota {
    /// Requests about the organization that each replica of control answers in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_calls_per_minute: Option<NonZeroU32>,
    /// Sign-ins to its deployments that each replica of control lets through in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_ins_per_minute: Option<NonZeroU32>,
    /// API tokens. Its own policy may want fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<NonZeroU32>,
}

impl Quota {
    /// These bounds, and another's where there is none.
    #[must_use]
    pub fn or(self, usual: Self) -> Self {
        Self {
            api_calls_per_minute: self.api_calls_per_minute.or(usual.api_calls_per_minute),
            sign_ins_per_minute: self.sign_ins_per_minute.or(usual.sign_ins_per_minute),
            tokens: self.tokens.or(usual.tokens),
        }
    }
}

/// An organization's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct QuotaShown {
    /// Its own.
    pub quota: Quota,
    /// What counts: its own, and the usual where it has none.
    pub effective: Quota,
}
