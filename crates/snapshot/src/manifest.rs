//! The manifest: which content makes up one position of the feed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aeolus_keys::{Kid, Kind, jws};
use aeolus_model::{OrganizationId, PlaneId, Time};
use serde::{Deserialize, Serialize};

use crate::sections::REVOCATIONS;
use crate::{Digest, MAX_SECTION, Root, SnapshotError, max_compressed};

/// The newest critical format this program understands. A manifest that needs more is refused as a
/// whole; fields and sections that may be ignored don't raise it.
pub const READER: u32 = WITH_CHANGES;

/// The first format that has the section `changes`: whoever doesn't know it would believe what is over.
pub const WITH_CHANGES: u32 = 2;
/// The format of every other manifest.
pub(crate) const PLAIN: u32 = 1;

/// How long a manifest may be offered after it was issued. Control issues a new one well before.
pub const MANIFEST_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The most bytes a manifest may have: 256 KiB, enough for a thousand organizations on one plane. A
/// usual one has 2 KiB.
pub const MAX_MANIFEST: usize = jws::MAX_DOCUMENT;

/// A place in the feed. The epoch rises when control was restored from a backup.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// Which life of control's database.
    pub epoch: u64,
    /// The commit within it.
    pub seq: u64,
}

/// A text that is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is EPOCH.SEQ, such as 1.42")]
pub struct PositionError;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, seq) = text.split_once('.').ok_or(PositionError)?;
        let number = |text: &str| {
            let digits = text.bytes().all(|c| c.is_ascii_digit());
            text.parse().ok().filter(|_| digits).ok_or(PositionError)
        };
        Ok(Self {
            epoch: number(epoch)?,
            seq: number(seq)?,
        })
    }
}

/// Where a section's content is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionRef {
    /// Hash of the compressed base.
    pub base: Digest,
    /// Hashes of the compressed patches, in the order in which they are applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Digest>,
    /// Hash of the uncompressed canonical content after the patches.
    pub hash: Digest,
    /// Bytes of the uncompressed content after the patches.
    pub size: u64,
}

impl SectionRef {
    /// Every blob it needs.
    pub fn blobs(&self) -> impl Iterator<Item = &Digest> {
        std::iter::once(&self.base).chain(&self.patches)
    }
}

/// What an edition says whose revocations are newer than its other records: those travel at once, the
/// rest when its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The position up to which everything is in it.
    pub records: u64,
    /// When that was last known to be the newest, in whole seconds.
    pub as_of: Time,
}

/// What one position of the feed consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The plane it was written for.
    pub plane: PlaneId,
    /// Its place in the feed.
    pub position: Position,
    /// The oldest reader that understands it.
    pub min_reader: u32,
    /// When control issued it, in whole seconds.
    pub issued_at: Time,
    /// If not everything in it is of its position.
    pub lag: Option<Lag>,
    /// Until when it may be offered.
    pub exp: Time,
    /// The oldest generation of the plane secret that is still good.
    pub min_generation: u32,
    /// Section name to content.
    pub sections: BTreeMap<String, SectionRef>,
}

/// The claims of the JWS.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Claims {
    aud: String,
    iat: i64,
    exp: i64,
    epoch: u64,
    seq: u64,
    /// With `as_of` or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_of: Option<i64>,
    min_reader: u32,
    #[serde(default)]
    min_generation: u32,
    /// Absent from a format this program doesn't know, which `min_reader` then says.
    #[serde(default)]
    sections: serde_json::Value,
}

impl Claims {
    fn lag(&self) -> Result<Option<Lag>, SnapshotError> {
        match (self.records, self.as_of) {
            (None, None) => Ok(None),
            (Some(records), Some(at)) if records <= self.seq && (0..=self.iat).contains(&at) => {
                let as_of = Time::from_secs(at);
                Ok(Some(Lag { records, as_of }))
            }
            _ => Err(SnapshotError::Malformed),
        }
    }
}

impl Manifest {
    /// Reads and verifies a compact JWS: signature, key, plane and format, in this order. Position
    /// and time are the caller's to judge, because they depend on where the manifest comes from.
    pub fn open(root: &Root, plane: PlaneId, text: &str) -> Result<(Self, Kid), SnapshotError> {
        if text.len() > MAX_MANIFEST {
            return Err(SnapshotError::TooLarge);
        }
        let (verified, kid) = root.open(Kind::Manifest, text)?;
        let claims = verified.claims().map_err(|_| SnapshotError::Malformed)?;
        Ok((Self::from_claims(claims, plane)?, kid))
    }

    fn from_claims(claims: Claims, plane: PlaneId) -> Result<Self, SnapshotError> {
        if claims.aud != audience(plane) {
            return Err(SnapshotError::OtherPlane);
        }
        if claims.min_reader > READER {
            return Err(SnapshotError::NewerFormat {
                needs: claims.min_reader,
            });
        }
        let life = claims.iat
            ..=claims
                .iat
                .saturating_add(MANIFEST_LIFE.as_secs().cast_signed());
        if claims.iat < 0 || !life.contains(&claims.exp) {
            return Err(SnapshotError::Malformed);
        }
        Ok(Self {
            plane,
            position: Position {
                epoch: claims.epoch,
                seq: claims.seq,
            },
            min_reader: claims.min_reader,
            issued_at: Time::from_secs(claims.iat),
            lag: claims.lag()?,
            exp: Time::from_secs(claims.exp),
            min_generation: claims.min_generation,
            sections: serde_json::from_value(claims.sections)
                .map_err(|_| SnapshotError::Malformed)?,
        })
    }

    pub(crate) fn claims(&self) -> Result<Claims, serde_json::Error> {
        Ok(Claims {
            aud: audience(self.plane),
            iat: self.issued_at.secs(),
            exp: self.exp.secs(),
            epoch: self.position.epoch,
            seq: self.position.seq,
            records: self.lag.map(|lag| lag.records),
            as_of: self.lag.map(|lag| lag.as_of.secs()),
            min_reader: self.min_reader,
            min_generation: self.min_generation,
            sections: serde_json::to_value(&self.sections)?,
        })
    }

    /// Whose revocations it has.
    pub fn organizations(&self) -> Result<Vec<OrganizationId>, SnapshotError> {
        let names = self.sections.keys();
        let names = names.filter_map(|name| name.strip_prefix(REVOCATIONS));
        names
            .map(|name| name.parse().map_err(|_| SnapshotError::Malformed))
            .collect()
    }

    /// Up to which position everything is in it.
    pub fn records(&self) -> u64 {
        self.lag.map_or(self.position.seq, |lag| lag.records)
    }

    /// When everything in it was the newest: what the age of knowledge counts from.
    pub fn as_of(&self) -> Time {
        self.lag.map_or(self.issued_at, |lag| lag.as_of)
    }

    /// Every blob it needs, each once, with the most compressed bytes it may have.
    pub fn blobs(&self) -> BTreeMap<Digest, u64> {
        self.sections
            .values()
            .flat_map(|section| {
                // A base may be larger than what its patches leave of it.
                let size = match section.patches.as_slice() {
                    [] => section.size,
                    _ => MAX_SECTION,
                };
                let limit = max_compressed(size);
                section.blobs().map(move |digest| (*digest, limit))
            })
            .collect()
    }
}

/// The audience of everything written for a plane.
pub(crate) fn audience(plane: PlaneId) -> String {
    format!("urn:aeolus:plane:{plane}")
}
