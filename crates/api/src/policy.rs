//! What an organization allows itself.

use std::net::IpAddr;
use std::time::Duration;

use aeolus_model::{Cidr, SessionId, Time, TokenId, admits};
use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::schema;
use crate::{FieldError, Period, PlaneAcks};

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
    /// How many API tokens there may be, up to 100000; absent: as many as one likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How long a rotated token's old value stays good, at most 30d, unless the rotation says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Period>"))]
    pub rotation_grace: Option<Period>,
    /// From where people and tokens may come, at gates and at control, up to 100; empty: from anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Cidr>"))]
    pub allowed_networks: Vec<Cidr>,
    /// How long sign-ins last here, where that is shorter than the installation's own bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_life: Option<SessionLife>,
    /// Whether people need a second factor here: `required` or `optional`. Tokens of programs don't.
    #[serde(default, skip_serializing_if = "SecondFactor::is_optional")]
    pub second_factor: SecondFactor,
    /// Whether people of the organization may sign in machines without a browser (RFC 8628): `on` or `off`.
    #[serde(default, skip_serializing_if = "DeviceFlow::is_on")]
    pub device_flow: DeviceFlow,
    /// Whether people get roles by teams alone: nobody gives a person one, adds or invites somebody with one, until
    /// this is off again. Roles that people have already, and API tokens, go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub teams_only: bool,
    /// How people hear of API tokens that end, rest, or are nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<Notices>,
}

/// Whether people may sign in machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeviceFlow {
    /// As far as the installation lets them.
    #[default]
    On,
    /// They can agree to none.
    Off,
}

impl DeviceFlow {
    /// Whether they may, as far as the organization is asked.
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::On)
    }
}

/// Whether people need a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// A password is enough.
    #[default]
    Optional,
    /// Sessions without one don't enter.
    Required,
}

impl SecondFactor {
    /// Whether a password is enough.
    pub const fn is_optional(&self) -> bool {
        matches!(self, Self::Optional)
    }

    /// Whether sessions without one don't enter.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Required)
    }
}

/// How people hear of an organization's API tokens. Its audit log always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Notices {
    /// Whether by e-mail, where the installation has a server for that.
    pub email: bool,
    /// Say of a token that its value is so many days old, and again after as many, 7 to 3650; absent: age alone
    /// is no reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_after_days: Option<u32>,
}

impl Default for Notices {
    fn default() -> Self {
        Self {
            email: true,
            rotate_after_days: None,
        }
    }
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

/// How long a sign-in lasts: an assurance level's lengths, or one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SessionLife {
    /// As NIST SP 800-63B has it.
    Level(Level),
    /// In one's own words.
    Own(OwnLife),
}

/// An authenticator assurance level with the session lengths that go with it (NIST SP 800-63B §4, rows
/// N10 and X3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// 8 hours unused, 30 days in all.
    Aal1,
    /// 1 hour unused, 24 hours in all.
    Aal2,
}

/// Session lengths in one's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnLife {
    /// How long one lasts that isn't used, at least 5m.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Period"))]
    pub unused: Period,
    /// From sign-in to the end, whatever happens.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Period"))]
    pub absolute: Period,
}

impl SessionLife {
    /// How long a session lasts that isn't used.
    pub const fn unused(self) -> Duration {
        match self {
            Self::Level(Level::Aal1) => Duration::from_secs(8 * 3600),
            Self::Level(Level::Aal2) => Duration::from_secs(3600),
            Self::Own(own) => own.unused.duration(),
        }
    }

    /// From sign-in to the end.
    pub const fn absolute(self) -> Duration {
        match self {
            Self::Level(Level::Aal1) => Duration::from_secs(30 * 86_400),
            Self::Level(Level::Aal2) => Duration::from_secs(86_400),
            Self::Own(own) => own.absolute.duration(),
        }
    }
}

/// The longest grace of a rotation, in seconds: who needs longer needs a second token.
pub const MAX_GRACE: u64 = 30 * 86_400;
const MAX_TOKENS: u32 = 100_000;
const MAX_NETWORKS: usize = 100;
const LEAST_UNUSED: Duration = Duration::from_secs(300);

impl Policy {
    /// Whether somebody may come from an address.
    pub fn admits(&self, from: Option<IpAddr>) -> bool {
        admits(&self.allowed_networks, from)
    }

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
        let mut refuse = |wrong: bool, at: &str, message: &str| {
            if wrong {
                errors.push(FieldError {
                    at: at.to_owned(),
                    message: message.to_owned(),
                });
            }
        };
        let grace = self.rotation_grace.map_or(0, Period::as_secs);
        refuse(grace > MAX_GRACE, "rotationGrace", "use at most 30d");
        let tokens = self.max_tokens.unwrap_or(0);
        refuse(tokens > MAX_TOKENS, "maxTokens", "use at most 100000");
        let reminder = self.notices.and_then(|notices| notices.rotate_after_days);
        let wrong = reminder.is_some_and(|days| !(7..=3650).contains(&days));
        let at = "notices.rotateAfterDays";
        refuse(wrong, at, "days lie between 7 and 3650");
        let networks = self.allowed_networks.len();
        refuse(
            networks > MAX_NETWORKS,
            "allowedNetworks",
            "name at most 100",
        );
        if let Some(life) = self.session_life {
            let (unused, absolute) = (life.unused(), life.absolute());
            let at = "sessionLife.unused";
            refuse(unused < LEAST_UNUSED, at, "use at least 5m");
            let at = "sessionLife.absolute";
            refuse(
                absolute < unused,
                at,
                "it ends no sooner than one that isn't used",
            );
        }
        errors
    }
}

/// `GET /v1/organizations/{o}/policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PolicyShown {
    /// The rules.
    pub policy: Policy,
    /// Rises with every change of the organization's record; `If-Match` of a change names it.
    pub revision: u64,
}

/// The answer to `PUT /v1/organizations/{o}/policy`: what the new rules end, or would end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PolicyChanged {
    /// The rules.
    pub policy: Policy,
    /// The record's revision, if it was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Values of API tokens that end sooner than they were made for, the first hundred.
    pub tokens: Vec<ShortenedToken>,
    /// How many there are.
    pub tokens_total: u64,
    /// With `tokensMustExpire`: API tokens that never expire, and go on as they are until they are rotated, which
    /// then takes a number of days.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lasting_total: u64,
    /// Sessions that have lasted too long or lack a second factor, the first hundred.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Id>"))]
    pub sessions: Vec<SessionId>,
    /// How many there are.
    pub sessions_total: u64,
    /// Whether it was done.
    pub done: bool,
    /// The position of the change in the feed, if it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// With `wait=planes`: who obeys it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A value of a token that ends sooner than it was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShortenedToken {
    /// The token.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// When it was to end, in seconds since 1970.
    pub end_at: i64,
    /// When it ends now; not after this moment: at once.
    pub new_end_at: i64,
}

impl ShortenedToken {
    /// Whether it is over at a moment.
    pub const fn is_over(&self, now: Time) -> bool {
        self.new_end_at <= now.secs()
    }
}
