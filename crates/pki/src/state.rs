//! What an authority remembers: what it issued, what it revoked, and where a change of its root stands.

mod record;
mod rotation;
mod seconds;
mod slot;

use aeolus_model::Time;
use serde::{Deserialize, Serialize};

pub use self::record::{Files, Lies, Record, Revocation};
pub use self::rotation::Rotation;
pub use self::slot::{Number, NumberError, Slot};
use crate::{
    Authority, Certificate, Constraints, Fingerprint, Life, ListAddress, Reason, Revoked, Serial,
    Subtrees, Wanted,
};

/// The version of the form that is written.
const VERSION: u8 = 1;

/// Everything that is remembered, as `authority.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    version: u8,
    /// Where a change of the root stands.
    pub rotation: Rotation,
    /// The names that an intermediate may issue for.
    #[serde(default, skip_serializing_if = "Subtrees::is_empty")]
    permitted: Subtrees,
    /// The names that it may not issue for.
    #[serde(default, skip_serializing_if = "Subtrees::is_empty")]
    excluded: Subtrees,
    /// How long an intermediate lives.
    #[serde(default = "intermediate", rename = "intermediateDays")]
    pub intermediate_life: Life,
    /// Where lists of revoked certificates are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl_url: Option<ListAddress>,
    /// Intermediates that issue no more, each until its last certificate has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Former>,
    /// Files that were renewed, and of which whoever serves them was not told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<String>,
    /// The number of the last list of revoked certificates.
    pub crl_number: u64,
    /// Every leaf that was issued and may still be alive.
    pub issued: Vec<Record>,
}

/// An intermediate that issues no more. It signs the list of what it revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Former {
    /// Where its pair lies.
    #[serde(rename = "name")]
    pub number: Number,
    /// Its certificate's.
    pub issuer: Fingerprint,
}

const fn intermediate() -> Life {
    Life::INTERMEDIATE
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

/// Why a certificate isn't revoked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// None that is remembered.
    #[error("no live certificate of this authority has this serial number")]
    Unknown,
    /// It stays revoked as it was.
    #[error("it was revoked already")]
    Already(Revocation),
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: VERSION,
            rotation: Rotation::Standby,
            permitted: Subtrees::default(),
            excluded: Subtrees::default(),
            intermediate_life: intermediate(),
            crl_url: None,
            former: Vec::new(),
            untold: Vec::new(),
            crl_number: 0,
            issued: Vec::new(),
        }
    }
}

impl Former {
    /// Where its pair lies.
    pub const fn slot(&self) -> Slot {
        Slot::Former(self.number)
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

    /// The names that an intermediate may and may not issue for from now on.
    pub fn constrain(&mut self, constraints: Constraints) {
        let Constraints {
            permitted,
            excluded,
        } = constraints;
        (self.permitted, self.excluded) = (permitted, excluded);
    }

    /// Remembers a leaf. What lay at its files before is superseded, and what expired is forgotten.
    pub fn add(
        &mut self,
        (leaf, issuer): (&Certificate, &Authority),
        wanted: &Wanted,
        lies: Lies,
        now: Time,
    ) {
        self.issued.retain(|record| record.not_after >= now);
        if let Lies::Files(files) = &lies {
            let before = self.issued.iter_mut();
            let before = before.filter(|record| record.lies_at(&files.stem));
            before.for_each(|record| record.lies.supersede());
        }
        self.issued.push(Record {
            serial: leaf.serial.clone(),
            names: leaf.names.clone(),
            profile: wanted.profile(),
            root: issuer.trusted().fingerprint(),
            issuer: issuer.certificate().fingerprint(),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            life: wanted.life(),
            lies,
            revoked: None,
        });
    }

    /// Takes an addition back whose files were not written: what lay there before counts again.
    pub fn undo(&mut self, before: Option<&Serial>, added: &Serial) {
        self.issued.retain(|record| record.serial != *added);
        for record in &mut self.issued {
            if before == Some(&record.serial) {
                record.lies.restore();
            }
        }
    }

    /// What really lies in these files decides: a run that was stopped remembered what it never wrote. None: what
    /// lies there isn't remembered.
    pub fn settle(&mut self, stem: &str, serial: &Serial) -> Option<(Record, Files)> {
        let lies = |record: &&Record| {
            record.serial == *serial
                && record.written().is_some_and(|files| files.stem == stem)
                && record.revoked.is_none()
        };
        self.issued.iter().find(lies)?;
        let thought = self.at(stem).map(|(record, _)| record.serial.clone());
        if let Some(thought) = thought.filter(|thought| thought != serial) {
            self.undo(Some(serial), &thought);
        }
        let (record, files) = self.at(stem)?;
        Some((record.clone(), files.clone()))
    }

    /// Marks a certificate revoked.
    pub fn revoke(
        &mut self,
        serial: &Serial,
        reason: Reason,
        now: Time,
    ) -> Result<(), RevokeError> {
        let found = self
            .issued
            .iter_mut()
            .find(|record| record.serial == *serial);
        let record = found.ok_or(RevokeError::Unknown)?;
        if let Some(before) = record.revoked {
            return Err(RevokeError::Already(before));
        }
        record.revoked = Some(Revocation { at: now, reason });
        Ok(())
    }

    /// The names that an intermediate may and may not issue for.
    pub fn constraints(&self) -> Constraints {
        Constraints {
            permitted: self.permitted.clone(),
            excluded: self.excluded.clone(),
        }
    }

    /// What was revoked, of certificates that were issued by this one's key.
    pub fn revoked(&self, issuer: &Certificate) -> Vec<Revoked> {
        let issuer = issuer.fingerprint();
        let below = self.issued.iter().filter(|record| record.issuer == issuer);
        let revoked = below.filter_map(|record| {
            let revoked = record.revoked.as_ref()?;
            Some(Revoked {
                serial: record.serial.clone(),
                at: revoked.at,
                reason: revoked.reason,
            })
        });
        revoked.collect()
    }

    /// What is alive below this root: not expired and not revoked.
    pub fn alive(&self, root: &Certificate, now: Time) -> Vec<&Record> {
        let root = root.fingerprint();
        let alive = |record: &&Record| {
            record.root == root && record.revoked.is_none() && record.not_after >= now
        };
        self.issued.iter().filter(alive).collect()
    }

    /// Of these, what no other certificate has taken the place of.
    pub fn current(&self, root: &Certificate, now: Time) -> Vec<&Record> {
        let mut alive = self.alive(root, now);
        alive.retain(|record| !record.is_superseded());
        alive
    }

    /// Keeps an intermediate that issues no more, once its pair lies there.
    pub fn keep_former(&mut self, number: Number, issuer: Fingerprint) {
        self.former.push(Former { number, issuer });
    }

    /// A number that no former intermediate has.
    pub fn free_number(&self) -> Number {
        let taken: Vec<Number> = self.former.iter().map(|one| one.number).collect();
        Number::free(&taken)
    }

    /// Former intermediates of which no certificate is alive.
    pub fn ended(&self, now: Time) -> Vec<Former> {
        let alive = |issuer: Fingerprint| {
            let mut issued = self.issued.iter();
            issued.any(|record| record.issuer == issuer && record.not_after >= now)
        };
        let former = self.former.iter();
        former.filter(|one| !alive(one.issuer)).cloned().collect()
    }

    /// The leaf that lies in these files, and how.
    pub fn at(&self, stem: &str) -> Option<(&Record, &Files)> {
        let lying = |record| Some((record, Record::files(record)?));
        let mut latest = self.issued.iter().rev().filter_map(lying);
        latest.find(|(_, files)| files.stem == stem)
    }
}

#[cfg(test)]
mod tests;
