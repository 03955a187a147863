//! The contract between planes: what control signs and a gate believes.
//!
//! Trust starts at a pinned [`Root`] document, which names the keys that sign manifests. A
//! [`Manifest`] names the sections of one position of the feed by the hashes of their content, so a
//! [`Snapshot`] is accepted as a whole or not at all. [`Freshness`] says that a position is still the
//! latest one. The defences have the names The Update Framework gave them: rollback, freeze,
//! mix-and-match, endless data, wrong key, recovery from a stolen key.

mod blob;
mod carry;
mod checkpoint;
mod delta;
mod digest;
mod error;
mod freshness;
mod identity;
mod manifest;
pub mod patch;
mod publish;
mod revision;
mod root;
pub mod section;
mod sections;
mod verify;

pub use blob::{MAX_SECTION, compress, max_compressed};
pub use carry::{Carried, Evidence, covers};
pub use checkpoint::{Checkpoint, sign_checkpoint, verify_checkpoint};
pub use digest::{Digest, DigestError};
pub use error::{SectionError, SnapshotError};
pub use freshness::{Freshness, sign_freshness, verify_freshness};
pub use identity::{Identity, identity};
pub use manifest::{
    Lag, MANIFEST_LIFE, MAX_MANIFEST, Manifest, Position, PositionError, READER, SectionRef,
    WITH_CHANGES,
};
pub use publish::{Draft, Earlier, Edition, PublishError, Published, publish};
pub use revision::Revision;
pub use root::{MAX_ROOT, Root, RootBuilder, RootError};
pub use sections::{Canonical, News, Sections};
pub use verify::{Blobs, Snapshot, Trust};
