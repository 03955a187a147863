//! Reading a snapshot: as a whole or not at all.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aeolus_keys::Kid;
use aeolus_model::{OrganizationId, PlaneId, Time};
use prost::Message;

use crate::blob::expand;
use crate::sections::{
    CERTIFICATES, CHANGES, CONNECTIONS, DEPLOYMENTS, GRANTS, KEYS, REVOCATIONS, ROLLOUTS, SUBJECTS,
};
use crate::{
    Carried, Digest, MAX_SECTION, Manifest, Position, Root, SectionError, SectionRef, Sections,
    SnapshotError, patch,
};

/// What a manifest is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// Whose signatures count.
    pub root: &'a Root,
    /// The plane it must be for.
    pub plane: PlaneId,
    /// The highest position ever taken: nothing below is accepted.
    pub floor: Option<Position>,
}

/// Content by hash. The bytes are checked; the source need not be trusted.
pub type Blobs<'a> = &'a dyn Fn(&Digest) -> Option<Vec<u8>>;

/// A verified snapshot. The only way to one is through [`Self::verify`] or [`Self::reload`].
#[derive(Clone, Debug)]
pub struct Snapshot {
    manifest: Manifest,
    signer: Kid,
    sections: Sections,
    missing: BTreeSet<OrganizationId>,
}

impl Snapshot {
    /// Judges a manifest that somebody offers now. Checked in this order: size, form, key, signature,
    /// plane, format, position, `exp`; then per section the hash of every blob, its size while it
    /// expands, patches, the hash of the result, the encoding.
    pub fn verify(
        trust: &Trust<'_>,
        manifest: &str,
        blobs: Blobs<'_>,
        now: Time,
    ) -> Result<Self, SnapshotError> {
        let (manifest, signer) = Self::offered(trust, manifest, now)?;
        Self::assemble(manifest, signer, blobs)
    }

    /// Judges a manifest that this machine already took once. The same, except for `exp`, which only
    /// bounds how long a manifest may be offered: how long it may be used without news is each
    /// deployment's staleness rule.
    pub fn reload(
        trust: &Trust<'_>,
        manifest: &str,
        blobs: Blobs<'_>,
    ) -> Result<Self, SnapshotError> {
        let (manifest, signer) = Self::position_checked(trust, manifest)?;
        Self::assemble(manifest, signer, blobs)
    }

    /// What of this needs no content.
    pub(crate) fn offered(
        trust: &Trust<'_>,
        manifest: &str,
        now: Time,
    ) -> Result<(Manifest, Kid), SnapshotError> {
        let (manifest, signer) = Self::position_checked(trust, manifest)?;
        if manifest.exp <= now {
            return Err(SnapshotError::Expired);
        }
        Ok((manifest, signer))
    }

    fn position_checked(
        trust: &Trust<'_>,
        manifest: &str,
    ) -> Result<(Manifest, Kid), SnapshotError> {
        let (manifest, signer) = Manifest::open(trust.root, trust.plane, manifest)?;
        match trust.floor {
            Some(floor) if manifest.position < floor => Err(SnapshotError::Rollback {
                floor,
                offered: manifest.position,
            }),
            _ => Ok((manifest, signer)),
        }
    }

    fn assemble(manifest: Manifest, signer: Kid, blobs: Blobs<'_>) -> Result<Self, SnapshotError> {
        let mut sections = Sections {
            deployments: required(&manifest, DEPLOYMENTS, blobs)?,
            subjects: required(&manifest, SUBJECTS, blobs)?,
            grants: required(&manifest, GRANTS, blobs)?,
            keys: required(&manifest, KEYS, blobs)?,
            connections: required(&manifest, CONNECTIONS, blobs)?,
            rollouts: optional(&manifest, ROLLOUTS, blobs)?,
            certificates: optional(&manifest, CERTIFICATES, blobs)?,
            changes: optional(&manifest, CHANGES, blobs)?,
            ..Sections::default()
        };
        let mut missing = BTreeSet::new();
        for (name, section) in &manifest.sections {
            let Some(organization) = name.strip_prefix(REVOCATIONS) else {
                continue;
            };
            let organization: OrganizationId =
                organization.parse().map_err(|_| SnapshotError::Malformed)?;
            match decode(section, blobs) {
                Ok(revocations) => {
                    sections.revocations.insert(organization, revocations);
                }
                Err(_) => {
                    missing.insert(organization);
                }
            }
        }
        Ok(Self {
            manifest,
            signer,
            sections,
            missing,
        })
    }

    /// What was signed.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The key that signed it.
    pub const fn signer(&self) -> Kid {
        self.signer
    }

    /// Its place in the feed.
    pub const fn position(&self) -> Position {
        self.manifest.position
    }

    /// Its content.
    pub const fn sections(&self) -> &Sections {
        &self.sections
    }

    /// Adds the revocations that control has forgotten, of organizations that are here. What was
    /// revoked stays so.
    pub fn carry(&mut self, carried: &Carried) {
        carried.add_to_all(&mut self.sections.revocations);
    }

    /// Organizations whose revocations are listed but missing or damaged. What they revoked isn't
    /// known, so everything of theirs must be denied.
    pub const fn missing_revocations(&self) -> &BTreeSet<OrganizationId> {
        &self.missing
    }
}

fn required<T: Message + Default>(
    manifest: &Manifest,
    name: &'static str,
    blobs: Blobs<'_>,
) -> Result<T, SnapshotError> {
    let section = manifest.sections.get(name);
    let section = section.ok_or(SnapshotError::NoSection(name))?;
    whole(name, section, blobs)
}

/// A section that is absent where it would be empty. One that is listed has to be good.
pub(crate) fn optional<T: Message + Default>(
    manifest: &Manifest,
    name: &'static str,
    blobs: Blobs<'_>,
) -> Result<T, SnapshotError> {
    let section = manifest.sections.get(name);
    section.map_or_else(|| Ok(T::default()), |section| whole(name, section, blobs))
}

fn whole<T: Message + Default>(
    name: &str,
    section: &SectionRef,
    blobs: Blobs<'_>,
) -> Result<T, SnapshotError> {
    decode(section, blobs).map_err(|cause| SnapshotError::Section {
        section: name.to_owned(),
        cause,
    })
}

fn decode<T: Message + Default>(section: &SectionRef, blobs: Blobs<'_>) -> Result<T, SectionError> {
    T::decode(content(section, blobs)?.as_slice()).map_err(|_| SectionError::Encoding)
}

/// A section's content: the very bytes that were signed, with fields that this program doesn't know.
pub(crate) fn content(section: &SectionRef, blobs: Blobs<'_>) -> Result<Vec<u8>, SectionError> {
    let limit = match section.patches.as_slice() {
        [] => section.size,
        _ => MAX_SECTION,
    };
    let base = expand(&fetch(&section.base, blobs)?, limit)?;
    let (content, _) = patched(&base, section, blobs)?;
    Ok(content.into_owned())
}

/// A section's content from its base, and how many compressed bytes its patches have.
pub(crate) fn patched<'a>(
    base: &'a [u8],
    section: &SectionRef,
    blobs: Blobs<'_>,
) -> Result<(Cow<'a, [u8]>, usize), SectionError> {
    let mut content = Cow::Borrowed(base);
    let mut bytes = 0;
    for digest in &section.patches {
        let blob = fetch(digest, blobs)?;
        bytes += blob.len();
        content = Cow::Owned(patch::apply(&content, &expand(&blob, MAX_SECTION)?)?);
    }
    if content.len() as u64 != section.size {
        return Err(SectionError::Size);
    }
    if Digest::of(&content) != section.hash {
        return Err(SectionError::Hash);
    }
    Ok((content, bytes))
}

pub(crate) fn fetch(digest: &Digest, blobs: Blobs<'_>) -> Result<Vec<u8>, SectionError> {
    let blob = blobs(digest).ok_or(SectionError::Missing)?;
    if Digest::of(&blob) == *digest {
        Ok(blob)
    } else {
        Err(SectionError::Hash)
    }
}
