//! Writing a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_keys::{KeyError, Kind, SigningKey};
use aeolus_model::{PlaneId, Time};

use crate::delta::{self, Layers};
use crate::manifest::PLAIN;
use crate::sections::{
    CERTIFICATES, CHANGES, CONNECTIONS, Canonical, DEPLOYMENTS, GRANTS, KEYS, REVOCATIONS,
    ROLLOUTS, SUBJECTS, is_news,
};
use crate::{
    Blobs, Digest, Lag, MANIFEST_LIFE, MAX_MANIFEST, Manifest, News, Position, SectionError,
    SectionRef, Sections, WITH_CHANGES,
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
    /// If not everything in it is of its position.
    pub lag: Option<Lag>,
    /// The oldest generation of the plane secret that is still good.
    pub min_generation: u32,
}

/// A snapshot, ready to be stored and served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The compact JWS.
    pub manifest: String,
    /// The content it names that the earlier snapshot didn't, each blob once.
    pub blobs: Vec<(Digest, Vec<u8>)>,
    /// The blobs of the earlier snapshot that it names too.
    pub kept: Vec<Digest>,
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

/// The earlier snapshot of a plane: what its gates have.
#[derive(Clone, Copy)]
pub struct Earlier<'a> {
    /// What was signed.
    pub manifest: &'a Manifest,
    /// Its content, as far as it is there. The bytes are checked.
    pub blobs: Blobs<'a>,
}

/// A snapshot's content, encoded. How it travels depends on what gates have.
#[derive(Clone, Debug)]
pub struct Draft(BTreeMap<String, Content>);

#[derive(Clone, Debug)]
enum Content {
    Encoded {
        bytes: Vec<u8>,
        hash: Digest,
    },
    /// How it travels is settled.
    Laid(Layers),
}

impl Content {
    fn of(section: &impl Canonical) -> Result<Self, PublishError> {
        let bytes = section.canonical()?;
        let hash = Digest::of(&bytes);
        Ok(Self::Encoded { bytes, hash })
    }

    fn is(&self, section: &SectionRef) -> bool {
        match self {
            Self::Encoded { bytes, hash } => {
                *hash == section.hash && bytes.len() as u64 == section.size
            }
            Self::Laid(layers) => layers.section == *section,
        }
    }
}

impl Draft {
    /// Encodes.
    pub fn new(sections: &Sections) -> Result<Self, PublishError> {
        let mut draft = Self(BTreeMap::new());
        draft.add(DEPLOYMENTS, &sections.deployments)?;
        draft.add(SUBJECTS, &sections.subjects)?;
        draft.add(GRANTS, &sections.grants)?;
        draft.add(KEYS, &sections.keys)?;
        draft.add(CONNECTIONS, &sections.connections)?;
        if !sections.rollouts.rollouts.is_empty() {
            draft.add(ROLLOUTS, &sections.rollouts)?;
        }
        if !sections.certificates.certificates.is_empty() {
            draft.add(CERTIFICATES, &sections.certificates)?;
        }
        draft.with_news(&News {
            revocations: sections.revocations.clone(),
            changes: Some(sections.changes.clone()),
        })
    }

    /// News with the records of an earlier snapshot, which are not even read.
    pub fn held(earlier: &Manifest, news: &News) -> Result<Self, PublishError> {
        let layers = |section: &SectionRef| Layers {
            section: section.clone(),
            blobs: Vec::new(),
        };
        let sections = earlier.sections.iter();
        let draft = sections.map(|(name, held)| (name.clone(), Content::Laid(layers(held))));
        Self(draft.collect()).with_news(news)
    }

    /// The same records with other news.
    pub fn with_news(mut self, news: &News) -> Result<Self, PublishError> {
        self.0.retain(|name, _| !name.starts_with(REVOCATIONS));
        if let Some(changes) = &news.changes {
            self.0.remove(CHANGES);
            if !changes.is_empty() {
                self.add(CHANGES, changes)?;
            }
        }
        for (organization, revocations) in &news.revocations {
            self.add(&format!("{REVOCATIONS}{organization}"), revocations)?;
        }
        Ok(self)
    }

    /// Settles how the records travel, which is most of the work of [`Self::publish`]: by then only
    /// the news may have become others.
    pub fn lay(&self, earlier: Option<Earlier<'_>>) -> Result<Self, PublishError> {
        let lay = |(name, content): (&String, &Content)| {
            let laid = if is_news(name) {
                content.clone()
            } else {
                Content::Laid(content.layers(name, earlier, true)?)
            };
            Ok((name.clone(), laid))
        };
        self.0.iter().map(lay).collect::<Result<_, _>>().map(Self)
    }

    fn add(&mut self, name: &str, section: &impl Canonical) -> Result<(), PublishError> {
        self.0.insert(name.to_owned(), Content::of(section)?);
        Ok(())
    }

    /// Whether an earlier snapshot says the same.
    pub fn is_in(&self, earlier: &Manifest) -> bool {
        let same = |(name, content): (&String, &Content)| {
            let held = earlier.sections.get(name);
            held.is_some_and(|section| content.is(section))
        };
        self.0.len() == earlier.sections.len() && self.0.iter().all(same)
    }

    /// The blobs of an earlier snapshot without which [`Self::publish`] can't say what has changed
    /// since: those of sections that have.
    pub fn needs(&self, earlier: &Manifest) -> BTreeSet<Digest> {
        self.0
            .iter()
            .filter(|(_, content)| matches!(content, Content::Encoded { .. }))
            .filter_map(|(name, content)| {
                let section = earlier.sections.get(name)?;
                (!content.is(section)).then_some(section)
            })
            .flat_map(SectionRef::blobs)
            .copied()
            .collect()
    }

    /// Signs. A section that is as it was keeps its blobs, one that changed little gets a patch. What
    /// of the earlier snapshot can't be read is sent whole.
    pub fn publish(
        &self,
        edition: &Edition,
        earlier: Option<Earlier<'_>>,
        key: &SigningKey,
    ) -> Result<Published, PublishError> {
        match self.sign(edition, earlier, true, key) {
            // So many sections that naming their patches makes the manifest too large.
            Err(PublishError::TooLarge(_)) if earlier.is_some() => {
                self.sign(edition, earlier, false, key)
            }
            other => other,
        }
    }

    fn sign(
        &self,
        edition: &Edition,
        earlier: Option<Earlier<'_>>,
        patches: bool,
        key: &SigningKey,
    ) -> Result<Published, PublishError> {
        let mut blobs = BTreeMap::new();
        let mut refs = BTreeMap::new();
        for (name, content) in &self.0 {
            let layers = content.layers(name, earlier, patches)?;
            blobs.extend(layers.blobs);
            refs.insert(name.clone(), layers.section);
        }
        let named = refs.values().flat_map(SectionRef::blobs).copied();
        let kept: BTreeSet<Digest> = named.filter(|d| !blobs.contains_key(d)).collect();
        let manifest = Manifest {
            plane: edition.plane,
            position: edition.position,
            min_reader: if refs.contains_key(CHANGES) {
                WITH_CHANGES
            } else {
                PLAIN
            },
            issued_at: edition.issued_at,
            lag: edition.lag,
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
            kept: kept.into_iter().collect(),
        })
    }
}

impl Content {
    fn layers(
        &self,
        name: &str,
        earlier: Option<Earlier<'_>>,
        patches: bool,
    ) -> Result<Layers, PublishError> {
        let (bytes, hash) = match self {
            Self::Encoded { bytes, hash } => (bytes, *hash),
            Self::Laid(layers) => return Ok(layers.clone()),
        };
        let held = earlier.and_then(|earlier| {
            let section = earlier.manifest.sections.get(name)?;
            (patches || section.patches.is_empty()).then_some((section, earlier.blobs))
        });
        match held {
            Some((section, _)) if self.is(section) => {
                return Ok(Layers {
                    section: section.clone(),
                    blobs: Vec::new(),
                });
            }
            Some((section, blobs)) if patches => {
                if let Ok(layers) = delta::after(section, blobs, (bytes, hash)) {
                    return Ok(layers);
                }
            }
            _ => {}
        }
        Ok(delta::whole(bytes, hash)?)
    }
}

/// Encodes and signs a snapshot of which gates have nothing. A pure function: the same edition,
/// content and key give the same bytes, so replicas of control that publish the same position agree.
pub fn publish(
    edition: &Edition,
    sections: &Sections,
    key: &SigningKey,
) -> Result<Published, PublishError> {
    Draft::new(sections)?.publish(edition, None, key)
}
