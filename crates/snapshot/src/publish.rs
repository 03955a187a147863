//! Writing a snapshot.

use std::collections::BTreeMap;

use aeolus_keys::{KeyError, Kind, SigningKey};
use aeolus_model::{PlaneId, Time};

use crate::sections::{
    CONNECTIONS, Canonical, DEPLOYMENTS, GRANTS, KEYS, REVOCATIONS, ROLLOUTS, SUBJECTS,
};
use crate::{
    Digest, MANIFEST_LIFE, MAX_MANIFEST, Manifest, Position, READER, SectionError, SectionRef,
    Sections, compress,
};

/// Which snapshot this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition {
    /// For whom.
    pub plane: PlaneId,
    /// Its place in the feed.
    pub position: Position,
    /// When; whole seconds count.
    pub issued_at: Time,
    /// The oldest generation of the plane secret that is still good.
    pub min_generation: u32,
}

/// A snapshot, ready to be stored and served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The compact JWS.
    pub manifest: String,
    /// The content it names, each blob once.
    pub blobs: Vec<(Digest, Vec<u8>)>,
}

/// Why nothing is published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Two records of a section have one key.
    #[error("two records of a section have the same key")]
    Duplicate,
    /// A section that readers would refuse.
    #[error("a section can't be written: {0}")]
    Section(#[from] SectionError),
    /// A manifest that readers would refuse: too many organizations on one plane.
    #[error(
        "the manifest has {0} bytes, more than readers take: spread the organizations over more planes"
    )]
    TooLarge(usize),
    /// The claims can't be written.
    #[error("the manifest can't be written: {0}")]
    Encoding(#[from] serde_json::Error),
    /// The key can't sign.
    #[error("the manifest can't be signed: {0}")]
    Signing(#[from] KeyError),
}

/// Encodes and signs. A pure function: the same edition, content and key give the same bytes, so
/// replicas of control that publish the same position agree.
pub fn publish(
    edition: &Edition,
    sections: &Sections,
    key: &SigningKey,
) -> Result<Published, PublishError> {
    let mut blobs = BTreeMap::new();
    let mut refs = BTreeMap::new();
    let mut add = |name: &str, content: Result<Vec<u8>, PublishError>| {
        let content = content?;
        let blob = compress(&content)?;
        let base = Digest::of(&blob);
        let section = SectionRef {
            base,
            patches: Vec::new(),
            hash: Digest::of(&content),
            size: content.len() as u64,
        };
        blobs.insert(base, blob);
        refs.insert(name.to_owned(), section);
        Ok::<_, PublishError>(())
    };
    add(DEPLOYMENTS, sections.deployments.canonical())?;
    add(SUBJECTS, sections.subjects.canonical())?;
    add(GRANTS, sections.grants.canonical())?;
    add(KEYS, sections.keys.canonical())?;
    add(CONNECTIONS, sections.connections.canonical())?;
    if !sections.rollouts.rollouts.is_empty() {
        add(ROLLOUTS, sections.rollouts.canonical())?;
    }
    for (organization, revocations) in &sections.revocations {
        add(
            &format!("{REVOCATIONS}{organization}"),
            revocations.canonical(),
        )?;
    }
    let manifest = Manifest {
        plane: edition.plane,
        position: edition.position,
        min_reader: READER,
        issued_at: edition.issued_at,
        exp: edition.issued_at.plus(MANIFEST_LIFE),
        min_generation: edition.min_generation,
        sections: refs,
    };
    let manifest = key.sign(Kind::Manifest, &manifest.claims()?)?;
    if manifest.len() > MAX_MANIFEST {
        return Err(PublishError::TooLarge(manifest.len()));
    }
    Ok(Published {
        manifest,
        blobs: blobs.into_iter().collect(),
    })
}
