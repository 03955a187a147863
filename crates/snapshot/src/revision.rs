//! News for records that are read already.

use std::collections::BTreeMap;

use aeolus_model::{OrganizationId, Time};
use prost::Message as _;

use crate::section::{Changes, Revocations};
use crate::sections::{CHANGES, REVOCATIONS, is_news};
use crate::verify::{content, optional};
use crate::{
    Blobs, Carried, Manifest, Position, SectionError, SectionRef, Snapshot, SnapshotError, Trust,
};

/// A verified manifest that names nothing new but revocations and changes, and these. What else it names is in force
/// already, so a revocation, or a token more, costs a gate as much on a plane of a million tokens as on one of ten.
#[derive(Clone, Debug)]
pub struct Revision {
    manifest: Manifest,
    revocations: BTreeMap<OrganizationId, Revocations>,
    changes: Changes,
}

impl Revision {
    /// Judges a manifest as [`Snapshot::verify`] does. None if it isn't a revision of the one `held`, whose
    /// records were verified: then all of it has to be read. Revocations that are missing are an error,
    /// as control has them.
    pub fn verify(
        trust: &Trust<'_>,
        held: &Manifest,
        manifest: &str,
        blobs: Blobs<'_>,
        now: Time,
    ) -> Result<Option<Self>, SnapshotError> {
        let (manifest, _) = Snapshot::offered(trust, manifest, now)?;
        if !records(&manifest).eq(records(held)) {
            return Ok(None);
        }
        let mut revocations = BTreeMap::new();
        for (name, section) in &manifest.sections {
            let Some(organization) = name.strip_prefix(REVOCATIONS) else {
                continue;
            };
            let organization = organization.parse().map_err(|_| SnapshotError::Malformed)?;
            let read = || {
                let content = content(section, blobs)?;
                Revocations::decode(content.as_slice()).map_err(|_| SectionError::Encoding)
            };
            let section = read().map_err(|cause| SnapshotError::Section {
                section: name.clone(),
                cause,
            })?;
            revocations.insert(organization, section);
        }
        let changes = optional(&manifest, CHANGES, blobs)?;
        Ok(Some(Self {
            manifest,
            revocations,
            changes,
        }))
    }

    /// What was signed.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its place in the feed.
    pub const fn position(&self) -> Position {
        self.manifest.position
    }

    /// What is no longer good, per organization: all of it, not only what is new.
    pub const fn revocations(&self) -> &BTreeMap<OrganizationId, Revocations> {
        &self.revocations
    }

    /// Whoever is no more as the records say: all of them, not only who is new.
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Adds the revocations that control has forgotten, as [`Snapshot::carry`] does.
    pub fn carry(&mut self, carried: &Carried) {
        carried.add_to_all(&mut self.revocations);
    }
}

/// Everything but news, down to the blobs it is read from.
fn records(manifest: &Manifest) -> impl Iterator<Item = (&String, &SectionRef)> {
    let sections = manifest.sections.iter();
    sections.filter(|(name, _)| !is_news(name))
}
