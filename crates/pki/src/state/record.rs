//! What is remembered of one certificate.

use aeolus_model::Time;
use serde::{Deserialize, Serialize};

use super::seconds;
use crate::{Fingerprint, KeyKind, Life, Profile, Reason, San, Serial, Wanted, WantedError};

/// A leaf that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Its serial number.
    pub serial: Serial,
    /// Its names.
    pub names: Vec<San>,
    /// What it is used as.
    pub profile: Profile,
    /// The root that it ends at.
    pub root: Fingerprint,
    /// The certificate of who issued it.
    pub issuer: Fingerprint,
    /// From when it is good.
    #[serde(with = "seconds")]
    pub not_before: Time,
    /// Until when.
    #[serde(with = "seconds")]
    pub not_after: Time,
    /// The length of life that was asked for: the issuer's end may have clipped it.
    #[serde(rename = "days")]
    pub life: Life,
    /// Where it lies.
    pub lies: Lies,
    /// When and why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// Where a certificate lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lies {
    /// With whoever sent the request, as its key does.
    Request,
    /// In files of ours, with a key that was made for it.
    Files(Files),
    /// Another one lies in its files now; servers may still have read it.
    Superseded(Files),
}

/// A certificate and its key in two files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Files {
    /// Their path without `.crt` and `.key`.
    pub stem: String,
    /// The kind of key that was asked for.
    pub key: KeyKind,
    /// Whether the key's file is encrypted.
    pub encrypted: bool,
}

impl Record {
    /// What was asked, to be asked again.
    pub fn wanted(&self) -> Result<Wanted, WantedError> {
        Wanted::new(self.names.iter().cloned(), self.profile, self.life)
    }

    /// The files that it lies in now.
    pub const fn files(&self) -> Option<&Files> {
        match &self.lies {
            Lies::Files(files) => Some(files),
            Lies::Request | Lies::Superseded(_) => None,
        }
    }

    /// The files that it was written to.
    pub(super) const fn written(&self) -> Option<&Files> {
        match &self.lies {
            Lies::Files(files) | Lies::Superseded(files) => Some(files),
            Lies::Request => None,
        }
    }

    pub(super) fn lies_at(&self, stem: &str) -> bool {
        self.files().is_some_and(|files| files.stem == stem)
    }

    pub(super) const fn is_superseded(&self) -> bool {
        matches!(self.lies, Lies::Superseded(_))
    }
}

impl Lies {
    /// Another one takes its place in the files.
    pub(super) fn supersede(&mut self) {
        if let Self::Files(files) = self {
            *self = Self::Superseded(files.clone());
        }
    }

    /// It lies there again.
    pub(super) fn restore(&mut self) {
        if let Self::Superseded(files) = self {
            *self = Self::Files(files.clone());
        }
    }
}

/// A revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// When.
    #[serde(with = "seconds")]
    pub at: Time,
    /// Why.
    pub reason: Reason,
}
