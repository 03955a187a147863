//! What an organization allows itself.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::schema;
use crate::{FieldError, Period};

/// An organization's own rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// The longest life an API token may have, by how far it reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_max_days: Option<TokenMaxDays>,
    /// Whether every new token has to say when it expires.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tokens_must_expire: bool,
    /// How long a rotated token's old value stays good, at most 30d, unless the rotation says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Period>"))]
    pub rotation_grace: Option<Period>,
}

/// Days, 1 to 3650, by a token's scope; absent: no bound, tokens may never expire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenMaxDays {
    /// For tokens of the whole organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<u32>,
    /// For tokens of one workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<u32>,
    /// For tokens of one deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<u32>,
}

/// The longest grace of a rotation, in seconds: who needs longer needs a second token.
pub const MAX_GRACE: u64 = 30 * 86_400;

impl Policy {
    /// What is wrong with it; nothing, if it can be had.
    pub fn check(&self) -> Vec<FieldError> {
        let days = self.token_max_days.unwrap_or_default();
        let all = [
            ("organization", days.organization),
            ("workspace", days.workspace),
            ("deployment", days.deployment),
        ];
        let wrong = |days: Option<u32>| days.is_some_and(|days| !(1..=3650).contains(&days));
        let outside = all.into_iter().filter(|(_, days)| wrong(*days));
        let mut errors: Vec<FieldError> = outside
            .map(|(name, _)| FieldError {
                at: format!("tokenMaxDays.{name}"),
                message: "days lie between 1 and 3650".to_owned(),
            })
            .collect();
        if self
            .rotation_grace
            .is_some_and(|grace| grace.as_secs() > MAX_GRACE)
        {
            errors.push(FieldError {
                at: "rotationGrace".to_owned(),
                message: "use at most 30d".to_owned(),
            });
        }
        errors
    }
}
