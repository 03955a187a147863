//! Revocations that outlive a restore: what control once signed holds, also when it has forgotten.

use std::collections::BTreeMap;

use aeolus_model::{OrganizationId, PlaneId, Time};
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::blob::expand;
use crate::section::{End, EndedSession, Mark, Revocations};
use crate::sections::REVOCATIONS;
use crate::verify::content;
use crate::{Blobs, Digest, Manifest, Position, Root, SectionError, SnapshotError, compress};

/// One organization's revocations with the manifest that names them: control's own signature under
/// what it may have forgotten, so that it need not trust the gate that reminds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whose revocations.
    pub organization: OrganizationId,
    /// The signed manifest.
    pub manifest: String,
    /// The section's content, compressed.
    #[serde(with = "text")]
    pub content: Vec<u8>,
}

impl Evidence {
    /// From a manifest, as it was signed and as it was read, and the blobs that it names.
    pub fn new(
        organization: OrganizationId,
        (signed, manifest): (&str, &Manifest),
        blobs: Blobs<'_>,
    ) -> Result<Self, SnapshotError> {
        let name = format!("{REVOCATIONS}{organization}");
        let section = manifest.sections.get(&name);
        let section = section.ok_or(SnapshotError::NoSection("revocations"))?;
        let content = content(section, blobs).and_then(|content| compress(&content));
        let content = content.map_err(|cause| SnapshotError::Section {
            section: name,
            cause,
        })?;
        Ok(Self {
            organization,
            manifest: signed.to_owned(),
            content,
        })
    }

    /// Verifies the signature, the plane, and that the content is what the manifest names. Its end
    /// doesn't count: what was revoked stays so.
    pub fn open(
        &self,
        root: &Root,
        plane: PlaneId,
    ) -> Result<(Position, Revocations), SnapshotError> {
        let (manifest, _) = Manifest::open(root, plane, &self.manifest)?;
        let name = format!("{REVOCATIONS}{}", self.organization);
        let section = manifest.sections.get(&name);
        let section = section.ok_or(SnapshotError::NoSection("revocations"))?;
        let read = || {
            let content = expand(&self.content, section.size)?;
            if Digest::of(&content) != section.hash {
                return Err(SectionError::Hash);
            }
            Revocations::decode(content.as_slice()).map_err(|_| SectionError::Encoding)
        };
        let revocations = read().map_err(|cause| SnapshotError::Section {
            section: name,
            cause,
        })?;
        Ok((manifest.position, revocations))
    }
}

/// Revocations of earlier times, by organization. It only grows stricter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carried(BTreeMap<OrganizationId, Revocations>);

impl Carried {
    /// Adds one organization's revocations.
    pub fn add(&mut self, organization: OrganizationId, earlier: &Revocations) {
        merge(self.0.entry(organization).or_default(), earlier);
    }

    /// Whether other revocations revoke all of this by themselves, as far as it still matters: control lists a
    /// session until its end, and a value that has ended early becomes a status bit.
    pub fn is_part_of(
        &self,
        revocations: &BTreeMap<OrganizationId, Revocations>,
        now: Time,
    ) -> bool {
        self.0.iter().all(|(organization, carried)| {
            let own = revocations.get(organization);
            own.is_some_and(|own| {
                let mut needed = carried.clone();
                let lives = |session: &EndedSession| session.absolute_end > now.secs();
                needed.sessions.retain(lives);
                needed.ends.retain(|end| !revokes(own, end.index));
                let mut both = own.clone();
                merge(&mut both, &needed);
                both == *own
            })
        })
    }

    /// Makes the revocations of organizations that are there at least as strict as these.
    pub(crate) fn add_to_all(&self, all: &mut BTreeMap<OrganizationId, Revocations>) {
        for (organization, revocations) in all {
            if let Some(carried) = self.0.get(organization) {
                merge(revocations, carried);
            }
        }
    }
}

/// Whether a section revokes everything that an earlier one did. Within an epoch status bits and the
/// organization's mark never go back, so a newer section that doesn't proves a restore; the records
/// of people and sessions that are gone may go.
pub fn covers(newer: &Revocations, earlier: &Revocations) -> bool {
    let bits = newer.status.iter().chain(std::iter::repeat(&0));
    let kept = bits
        .zip(&earlier.status)
        .all(|(new, old)| new & old == *old);
    kept && newer.not_before >= earlier.not_before
}

fn revokes(revocations: &Revocations, index: u32) -> bool {
    let byte = revocations.status.get((index / 8) as usize);
    byte.is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

/// The stricter of both, record by record.
fn merge(into: &mut Revocations, earlier: &Revocations) {
    if into.status.len() < earlier.status.len() {
        into.status.resize(earlier.status.len(), 0);
    }
    for (bits, more) in into.status.iter_mut().zip(&earlier.status) {
        *bits |= more;
    }
    into.not_before = into.not_before.max(earlier.not_before);
    let ends = |end: &mut End, more: &End| end.not_after = end.not_after.min(more.not_after);
    union(&mut into.ends, &earlier.ends, |end| end.index, ends);
    let marks =
        |mark: &mut Mark, more: &Mark| mark.not_before = mark.not_before.max(more.not_before);
    let subject = |mark: &Mark| (mark.subject_kind, mark.subject.clone());
    union(&mut into.marks, &earlier.marks, subject, marks);
    let later = |session: &mut EndedSession, more: &EndedSession| {
        session.absolute_end = session.absolute_end.max(more.absolute_end);
    };
    union(
        &mut into.sessions,
        &earlier.sessions,
        |session| session.id.clone(),
        later,
    );
    union(&mut into.lost, &earlier.lost, |lost| *lost, |_, _| {});
}

fn union<T: Clone, K: Ord>(
    into: &mut Vec<T>,
    more: &[T],
    key: impl Fn(&T) -> K,
    join: impl Fn(&mut T, &T),
) {
    let mut places: BTreeMap<K, usize> = into.iter().map(&key).zip(0..).collect();
    for record in more {
        let held = places.get(&key(record)).and_then(|at| into.get_mut(*at));
        if let Some(held) = held {
            join(held, record);
        } else {
            places.insert(key(record), into.len());
            into.push(record.clone());
        }
    }
}

mod text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}
