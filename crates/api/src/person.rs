//! Whether people may sign in, and by which password.

use std::fmt;

use aeolus_model::{Email, TokenId, UserId};
use serde::{Deserialize, Serialize};

use crate::{Awaited, PlaneAcks, Withheld};

/// The answer to disabling or enabling somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserAbled {
    /// Who.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub user_id: UserId,
    /// Their address.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// Whether they may not sign in.
    pub disabled: bool,
    /// Whether that is new.
    pub changed: bool,
    /// How many of their sessions ended.
    pub sessions_ended: u64,
    /// API tokens that they made and that go on for their organizations. Give them on or delete them by
    /// offboarding the person there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Id>"))]
    pub tokens: Vec<TokenId>,
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who obeys already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

impl Awaited for UserAbled {
    fn heard(&mut self, planes: PlaneAcks) {
        self.planes = Some(planes);
    }
}

/// The answer to `POST /v1/users/{id}/password-reset`. `link` is shown this once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetCreated {
    /// Whose password.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub user_id: UserId,
    /// Their address.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// The link to give to them: whoever has it sets the password. A repeated answer is without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// In place of the link, in a repeated answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// Whether an e-mail with the link is on its way.
    pub emailed: bool,
    /// Until when it is good, in seconds since 1970.
    pub expires_at: i64,
    /// The position of the change in the feed.
    pub seq: u64,
}

impl fmt::Debug for PasswordResetCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordResetCreated")
            .field("user_id", &self.user_id)
            .field("emailed", &self.emailed)
            .finish_non_exhaustive()
    }
}
