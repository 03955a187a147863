//! Why a snapshot is refused.

use aeolus_keys::jws::JwsError;

use crate::Position;

/// What is wrong with one section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SectionError {
    /// A base or patch isn't there.
    #[error("its content is missing")]
    Missing,
    /// Bytes that aren't those the manifest names.
    #[error("its content does not have the hash that the manifest names")]
    Hash,
    /// The content has another size than the manifest says.
    #[error("its content does not have the size that the manifest names")]
    Size,
    /// More than is allowed.
    #[error("its content is larger than allowed")]
    TooLarge,
    /// No frame, a damaged frame, or one that doesn't state its size.
    #[error("its content can't be decompressed")]
    Compression,
    /// No protobuf of this section.
    #[error("its content can't be decoded")]
    Encoding,
    /// A patch that doesn't fit what it is applied to.
    #[error("a patch does not fit its base")]
    Patch,
}

/// Why a manifest and its sections are not taken. What was known before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Not a JWS of this kind, or its signature is wrong (F11, F28).
    #[error("the manifest is not signed as it must be: {0}")]
    Signature(#[from] JwsError),
    /// Signed by a key that the root document doesn't name (F28).
    #[error("the manifest is signed by a key that root.json does not name")]
    UnknownKey,
    /// More than [`MAX_MANIFEST`](crate::MAX_MANIFEST) bytes.
    #[error("the manifest is larger than allowed")]
    TooLarge,
    /// Signed, but not a manifest's claims.
    #[error("the manifest's content can't be read")]
    Malformed,
    /// For another plane (F27).
    #[error("the manifest is for another plane")]
    OtherPlane,
    /// Written for newer readers.
    #[error(
        "the manifest needs reader {needs}, this program is reader {}: upgrade the gate",
        crate::READER
    )]
    NewerFormat {
        /// The oldest reader that understands it.
        needs: u32,
    },
    /// Older than what was already known (F22, F24).
    #[error("the manifest is at {offered}, but {floor} was already known")]
    Rollback {
        /// The highest position ever taken.
        floor: Position,
        /// The position refused.
        offered: Position,
    },
    /// Offered after its end: a frozen or replayed answer.
    #[error("the manifest has expired")]
    Expired,
    /// A section that every snapshot has isn't listed.
    #[error("the manifest lists no section {0}")]
    NoSection(&'static str),
    /// A section is damaged.
    #[error("section {section}: {cause}")]
    Section {
        /// Its name.
        section: String,
        /// What is wrong with it.
        cause: SectionError,
    },
}

impl SnapshotError {
    /// A stable word for metrics and alarms.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signature(_) => "signature",
            Self::UnknownKey => "unknown_key",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::OtherPlane => "other_plane",
            Self::NewerFormat { .. } => "newer_format",
            Self::Rollback { .. } => "rollback",
            Self::Expired => "expired",
            Self::NoSection(_) => "no_section",
            Self::Section { .. } => "section",
        }
    }
}
