//! Control's signing keys: listing, rotating and removing them.

use std::fmt;
use std::str::FromStr;

use aeolus_model::OrganizationId;
use serde::{Deserialize, Serialize};

use crate::{Period, PlaneAcks};

/// What a key signs. One key has one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyPurpose {
    /// People's access tokens.
    Access,
    /// Values of API tokens.
    Api,
    /// Direct access tokens.
    Direct,
    /// `id_token`s.
    Id,
    /// Public lists of what was revoked.
    Status,
    /// What planes are told: manifests and freshness. Root documents say which of these keys count.
    Snapshot,
    /// Tokens of `/v1/authorization`, where control itself answers proxies.
    Legacy,
    /// Security event tokens for receivers of what is provisioned. There is none before the first receiver.
    Events,
}

/// A text that names no purpose.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no purpose of a key: use access, api, direct, id, status, snapshot, legacy or events"
)]
pub struct UnknownPurpose(String);

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 8] = [
        Self::Access,
        Self::Api,
        Self::Direct,
        Self::Id,
        Self::Status,
        Self::Snapshot,
        Self::Legacy,
        Self::Events,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Api => "api",
            Self::Direct => "direct",
            Self::Id => "id",
            Self::Status => "status",
            Self::Snapshot => "snapshot",
            Self::Legacy => "legacy",
            Self::Events => "events",
        }
    }
}

impl FromStr for KeyPurpose {
    type Err = UnknownPurpose;

    fn from_str(name: &str) -> Result<Self, UnknownPurpose> {
        let found = Self::ALL.into_iter().find(|purpose| purpose.name() == name);
        found.ok_or_else(|| UnknownPurpose(name.to_owned()))
    }
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Everybody learns of it; it doesn't sign yet.
    Announced,
    /// It signs.
    Active,
    /// It no longer signs; what it signed is still good.
    Retired,
}

impl KeyState {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

/// A signing key, its public half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// What it signs.
    pub purpose: KeyPurpose,
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// Where it stands.
    pub state: KeyState,
    /// Since when, in seconds.
    pub since: i64,
    /// What happens to it next; absent if nothing is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextStep>,
    /// Who needs it.
    pub needed: KeyNeeds,
    /// The public key as a JSON Web Key.
    pub jwk: serde_json::Value,
}

/// `GET /v1/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyList {
    /// All keys, by purpose and age.
    pub items: Vec<Key>,
    /// What the start of a newer version does; absent from a control that doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_upgrade: Option<NextUpgrade>,
}

/// What the start of a newer version does to the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NextUpgrade {
    /// What becomes of them, but for the snapshot key.
    pub keys: AtUpgrade,
    /// Where they are replaced, what that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<UpgradeEnds>,
}

/// What becomes of keys at an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AtUpgrade {
    /// They stay.
    Kept,
    /// The next ones are announced, which ends nothing.
    Announced,
    /// They are replaced at once.
    Replaced,
}

/// What ends when all keys are replaced at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UpgradeEnds {
    /// So many sessions, with their access tokens.
    pub sessions: u64,
    /// So many values of API tokens.
    pub api_tokens: u64,
    /// So many values of direct access tokens.
    pub direct_tokens: u64,
    /// Of so many organizations are those tokens.
    pub organizations: u64,
    /// What these keys have signed.
    pub purposes: Vec<KeyPurpose>,
}

impl fmt::Display for UpgradeEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let purposes: Vec<_> = self.purposes.iter().map(|purpose| purpose.name()).collect();
        write!(
            f,
            "{} sessions, {} API tokens and {} direct access tokens of {} organizations, and whatever else the keys {} have signed",
            self.sessions,
            self.api_tokens,
            self.direct_tokens,
            self.organizations,
            purposes.join(", ")
        )
    }
}

/// What happens to a key next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NextStep {
    /// What.
    pub step: KeyStep,
    /// When, in seconds.
    pub at: i64,
    /// When at the latest, where it waits until then for `waitsFor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_the_latest: Option<i64>,
    /// Planes that have not said that they know the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// What an operator has to do before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
}

/// A step of a key's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyStep {
    /// It begins to sign, and the key before it ends.
    Activate,
    /// The next key is announced.
    Rotate,
    /// It is removed.
    Remove,
}

impl KeyStep {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Rotate => "rotate",
            Self::Remove => "remove",
        }
    }
}

/// Who needs a key: what it signed that is still good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyNeeds {
    /// How many live tokens it signed: of access tokens, how many sessions may have one. Absent where
    /// nobody keeps count (they end within minutes), or the database could not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// When the last of them ends, in seconds; absent if there are none, or new ones are still signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Whose they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<OrganizationNeed>,
}

/// The live tokens of one organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrganizationNeed {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// How many.
    pub tokens: u64,
    /// When the last of them ends, in seconds.
    pub until: i64,
}

/// `POST /v1/keys/{purpose}/rotate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KeyRotate {
    /// How long the new key is announced before it signs; absent: as long as a cut-off gate may go on
    /// serving.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Period>"))]
    pub activate_in: Option<Period>,
    /// Let it sign then even if some plane has not said that it knows it.
    pub regardless: bool,
    /// Somebody else has the key: the new one signs at once, and the old one is removed at once.
    pub compromised: bool,
    /// Only say what that would end.
    pub dry_run: bool,
}

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyRotated {
    /// The keys of the purpose, after it.
    pub keys: Vec<Key>,
    /// Keys that were removed, each with what that has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Key>,
    /// The position of the change in the feed; absent of a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// With `wait=planes`: who has applied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

/// What became of a removal: `DELETE /v1/keys/{kid}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyRemoved {
    /// The key as it was, with what its removal has ended.
    pub removed: Key,
    /// The position of the change in the feed; absent of a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// With `wait=planes`: who has applied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}
