//! What an authority remembers: what it issued, what it revoked, and where a change of its root stands.

use aeolus_model::Time;
use serde::{Deserialize, Serialize};

use crate::certificate::hex;
use crate::{Certificate, KeyKind, Profile, Reason, Revoked};

/// The version of the form that is written.
const VERSION: u8 = 1;

/// Everything that is remembered, as `authority.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    version: u8,
    /// Where a change of the root stands.
    pub rotation: Rotation,
    /// The names that an intermediate may issue for, as they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permitted: Vec<String>,
    /// The number of the last list of revoked certificates.
    pub crl_number: u64,
    /// Every leaf that was issued and may still be alive.
    pub issued: Vec<Record>,
}

/// Where a change of the root stands. Each stage but the last can be gone back from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// There is one root.
    #[default]
    Standby,
    /// The next root is made; clients are given both. Nothing is issued from it.
    Init,
    /// Certificates are issued from the next root and sent with a cross certificate: clients with either root
    /// verify them.
    UpdateClients,
    /// Every server has a certificate of the next root; the cross certificate is no longer sent.
    UpdateServers,
    /// The next root is taking the old one's place. This alone can't be gone back from, only ended.
    Retiring,
}

impl Rotation {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Init => "init",
            Self::UpdateClients => "update_clients",
            Self::UpdateServers => "update_servers",
            Self::Retiring => "retiring",
        }
    }

    /// Whether certificates come from the next root.
    pub const fn issues_from_next(self) -> bool {
        matches!(
            self,
            Self::UpdateClients | Self::UpdateServers | Self::Retiring
        )
    }

    /// The stage after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Standby => Self::Init,
            Self::Init => Self::UpdateClients,
            Self::UpdateClients => Self::UpdateServers,
            Self::UpdateServers => Self::Retiring,
            Self::Retiring => Self::Standby,
        }
    }

    /// The stage before it; none before there was a next root, or once it takes over.
    pub const fn back(self) -> Option<Self> {
        match self {
            Self::Standby | Self::Retiring => None,
            Self::Init => Some(Self::Standby),
            Self::UpdateClients => Some(Self::Init),
            Self::UpdateServers => Some(Self::UpdateClients),
        }
    }
}

/// A leaf that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Its names.
    pub names: Vec<String>,
    /// What it is used as.
    pub profile: RecordedProfile,
    /// SHA-256 of the root that it ends at, in hexadecimal.
    pub root: String,
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970.
    pub not_after: i64,
    /// The length of life that was asked for: the issuer's end may have clipped it.
    pub days: u32,
    /// The kind of key that was asked for; none for a request's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether its key's file is encrypted.
    #[serde(default)]
    pub encrypted: bool,
    /// The files' path without `.crt` and `.key`; none for a signed request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stem: Option<String>,
    /// Another one lies in its files now.
    #[serde(default)]
    pub superseded: bool,
    /// When and why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<RevokedRecord>,
}

/// A key that was made with its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// Its kind.
    pub kind: KeyKind,
    /// Whether its file is encrypted.
    pub encrypted: bool,
}

/// A [`Profile`] as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are the profile's")]
pub enum RecordedProfile {
    Server,
    Client,
    Both,
}

impl From<Profile> for RecordedProfile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Server => Self::Server,
            Profile::Client => Self::Client,
            Profile::Both => Self::Both,
        }
    }
}

impl From<RecordedProfile> for Profile {
    fn from(profile: RecordedProfile) -> Self {
        match profile {
            RecordedProfile::Server => Self::Server,
            RecordedProfile::Client => Self::Client,
            RecordedProfile::Both => Self::Both,
        }
    }
}

/// A revocation as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokedRecord {
    /// Seconds since 1970.
    pub at: i64,
    /// A [`Reason`]'s name.
    pub reason: String,
}

/// Why what is remembered can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not what was written.
    #[error("{0}")]
    Malformed(String),
    /// By a program of another age.
    #[error("it has version {0}, and this program reads version 1")]
    Version(u8),
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: VERSION,
            rotation: Rotation::Standby,
            permitted: Vec::new(),
            crl_number: 0,
            issued: Vec::new(),
        }
    }
}

impl State {
    /// Reads it.
    pub fn parse(json: &[u8]) -> Result<Self, StateError> {
        let state: Self = serde_json::from_slice(json)
            .map_err(|error| StateError::Malformed(error.to_string()))?;
        if state.version != VERSION {
            return Err(StateError::Version(state.version));
        }
        Ok(state)
    }

    /// As it is written.
    pub fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Remembers a leaf. What lay at its files before is superseded, and what expired is forgotten.
    pub fn add(
        &mut self,
        (leaf, root): (&Certificate, &Certificate),
        (profile, days, own_key): (Profile, u32, Option<OwnKey>),
        stem: Option<String>,
        now: Time,
    ) {
        self.issued.retain(|record| record.not_after >= now.secs());
        for record in &mut self.issued {
            record.superseded |= stem.is_some() && record.stem == stem;
        }
        self.issued.push(Record {
            serial: leaf.serial_hex(),
            names: leaf.names.iter().map(ToString::to_string).collect(),
            profile: profile.into(),
            root: hex(&root.fingerprint()),
            not_before: leaf.not_before.secs(),
            not_after: leaf.not_after.secs(),
            days,
            key: own_key.map(|key| key.kind.name().to_owned()),
            encrypted: own_key.is_some_and(|key| key.encrypted),
            stem,
            superseded: false,
            revoked: None,
        });
    }

    /// Takes an addition back whose files were not written: what lay there before counts again.
    pub fn undo(&mut self, before: Option<&str>, added: &str) {
        self.issued.retain(|record| record.serial != added);
        for record in &mut self.issued {
            if before == Some(&record.serial) {
                record.superseded = false;
            }
        }
    }

    /// What really lies in these files decides: a run that was stopped remembered what it never wrote. None: what
    /// lies there isn't remembered.
    pub fn settle(&mut self, stem: &str, serial: &str) -> Option<Record> {
        let lies = |record: &&Record| {
            record.serial == serial
                && record.stem.as_deref() == Some(stem)
                && record.revoked.is_none()
        };
        let found = self.issued.iter().find(lies)?.clone();
        let thought = self.at(stem).map(|record| record.serial.clone());
        if let Some(thought) = thought.filter(|thought| thought != serial) {
            self.undo(Some(serial), &thought);
        }
        Some(found)
    }

    /// Marks a certificate revoked. Says whether it is one that is remembered and wasn't revoked.
    pub fn revoke(&mut self, serial: &str, reason: Reason, now: Time) -> bool {
        let found = self
            .issued
            .iter_mut()
            .find(|record| record.serial == serial);
        let Some(record) = found.filter(|record| record.revoked.is_none()) else {
            return false;
        };
        record.revoked = Some(RevokedRecord {
            at: now.secs(),
            reason: reason.name().to_owned(),
        });
        true
    }

    /// What was revoked, of certificates below this root.
    pub fn revoked(&self, root: &Certificate) -> Vec<Revoked> {
        let root = hex(&root.fingerprint());
        let below = self.issued.iter().filter(|record| record.root == root);
        let revoked = below.filter_map(|record| {
            let revoked = record.revoked.as_ref()?;
            Some(Revoked {
                serial: bytes(&record.serial)?,
                at: Time::from_secs(revoked.at),
                reason: revoked.reason.parse().unwrap_or_default(),
            })
        });
        revoked.collect()
    }

    /// What is alive below this root: not expired and not revoked. With `current`, only what lies in files.
    pub fn alive(&self, root: &Certificate, now: Time, current: bool) -> Vec<&Record> {
        let root = hex(&root.fingerprint());
        let alive = |record: &&Record| {
            record.root == root
                && record.revoked.is_none()
                && record.not_after >= now.secs()
                && !(current && record.superseded)
        };
        self.issued.iter().filter(alive).collect()
    }

    /// The leaf that lies in these files.
    pub fn at(&self, stem: &str) -> Option<&Record> {
        let lies = |record: &&Record| !record.superseded && record.stem.as_deref() == Some(stem);
        self.issued.iter().rev().find(lies)
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(serial: &str, superseded: bool) -> Record {
        Record {
            serial: serial.to_owned(),
            names: vec!["a.example.com".to_owned()],
            profile: RecordedProfile::Server,
            root: String::new(),
            not_before: 0,
            not_after: 1,
            days: 1,
            key: None,
            encrypted: false,
            stem: Some("/tls".to_owned()),
            superseded,
            revoked: None,
        }
    }

    #[test]
    fn what_lies_in_the_files_decides() {
        let mut state = State {
            issued: vec![record("01", true), record("02", false)],
            ..State::default()
        };
        assert_eq!(state.at("/tls").unwrap().serial, "02");
        assert_eq!(state.settle("/tls", "03"), None);
        assert_eq!(state.settle("/other", "01"), None);
        assert_eq!(state.settle("/tls", "01").unwrap().serial, "01");
        assert_eq!(state.issued, [record("01", false)]);
    }

    #[test]
    fn only_the_end_of_a_rotation_can_not_be_gone_back_from() {
        let mut at = Rotation::Standby;
        for back in [
            Some(Rotation::Standby),
            Some(Rotation::Init),
            Some(Rotation::UpdateClients),
            None,
        ] {
            at = at.next();
            assert_eq!(at.back(), back);
        }
        assert_eq!((at, at.next()), (Rotation::Retiring, Rotation::Standby));
    }
}
