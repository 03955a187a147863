//! From one replica of a plane to another that has nothing yet: the snapshot in force with all that
//! goes with it, so that the other begins where this one stands and not behind it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aeolus_model::{Clock as _, Time};
use aeolus_snapshot::{Digest, Evidence, Root, RootError, Snapshot, SnapshotError, Trust};
use prost::Message;

use super::cold::Cold;
use super::disk::{BlobMap, Found, Stored, Times};
use super::state::{Inner, Replica};

/// What a replica knows. Whoever takes it believes control's signatures in it; for the time and for
/// nothing being left out it believes the plane secret that it came sealed with.
#[derive(Clone, PartialEq, Message)]
pub struct Handover {
    /// The root document in force.
    #[prost(string, tag = "1")]
    root: String,
    /// The signed manifest.
    #[prost(string, tag = "2")]
    manifest: String,
    /// Its content, compressed, in any order.
    #[prost(bytes = "bytes", repeated, tag = "3")]
    blobs: Vec<bytes::Bytes>,
    /// Control's last freshness statement of it.
    #[prost(string, optional, tag = "4")]
    freshness: Option<String>,
    /// The replica's time, in milliseconds.
    #[prost(int64, tag = "5")]
    now: i64,
    /// What control has forgotten, as on disk.
    #[prost(bytes = "vec", tag = "6")]
    remembered: Vec<u8>,
}

/// Why a handover is not taken.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// Not one.
    #[error("it is no handover")]
    Malformed,
    /// Its root document is neither ours nor the next.
    #[error("its root document can't be believed from the one here ({0}): copy root.json from it")]
    Root(#[from] RootError),
    /// Its snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Revocations of an organization are not in it.
    #[error("its revocations are not whole")]
    Incomplete,
}

impl<W> Replica<W> {
    /// What a replica without a snapshot needs. None while there is any doubt that this is the newest
    /// that was known here.
    pub fn hand_over(&self) -> Option<Handover> {
        let inner = self.inner();
        self.whole()?;
        if self.is_suspect() || inner.pending.is_some() {
            return None;
        }
        let remembered = serde_json::to_vec(&inner.remembered.evidence).ok()?;
        Some(Handover {
            root: inner.root.document().to_owned(),
            manifest: inner.manifest.to_string(),
            blobs: inner
                .blobs
                .values()
                .map(|blob| bytes::Bytes::from_owner(Arc::clone(blob)))
                .collect(),
            freshness: inner.freshness.as_deref().map(str::to_owned),
            now: self.clock.now().millis(),
            remembered,
        })
    }

    /// Begins where a sibling stands, as after a restart: in memory at once, on disk by
    /// [`Self::persist`]. Says whether it did; it does not if something is in force already.
    pub fn adopt(&self, handover: Handover) -> Result<bool, HandoverError> {
        let mut inner = self.inner();
        if self.peek().is_some() {
            return Ok(false);
        }
        let root = successor(&inner, &handover.root)?;
        let now = Time::from_millis(handover.now);
        let newer_root = root.version() != inner.root.version();
        let trust = Trust {
            root: &root,
            plane: self.plane,
            floor: inner.floor,
        };
        let found = found(handover, &trust)?;
        let cold = Cold::of(found, root, self.plane, &self.build);
        *inner = cold.inner;
        inner.unsaved.snapshot = true;
        inner.unsaved.root = newer_root;
        inner.remembered.unsaved = !inner.remembered.evidence.is_empty();
        if inner.remembered.unsaved {
            self.forgotten.notify_one();
        }
        self.clock.reached(now.max(cold.signed.unwrap_or(now)));
        self.current.store(cold.loaded);
        // Last: what is in force must never be called newer than it is.
        if let Some((signed, as_of)) = cold.signed.zip(cold.as_of) {
            self.signed.fetch_max(signed.millis(), Ordering::SeqCst);
            self.as_of.store(as_of.millis(), Ordering::SeqCst);
        }
        drop(inner);
        self.changed.notify_one();
        Ok(true)
    }
}

/// The root document to believe: ours, or the next one of the chain.
fn successor(inner: &Inner, document: &str) -> Result<Root, RootError> {
    let known = inner.pending.as_ref().unwrap_or(&inner.root);
    if known.document() == document {
        return Ok(known.clone());
    }
    known.accept_next(document)
}

/// The same as a disk would have given.
fn found(handover: Handover, trust: &Trust<'_>) -> Result<Found, HandoverError> {
    let blobs: BlobMap = handover
        .blobs
        .iter()
        .map(|blob| (Digest::of(blob), Arc::from(&**blob)))
        .collect();
    let find = |digest: &Digest| blobs.get(digest).map(|blob| blob.to_vec());
    let snapshot = Snapshot::reload(trust, &handover.manifest, &find)?;
    if !snapshot.missing_revocations().is_empty() {
        return Err(HandoverError::Incomplete);
    }
    let remembered: Vec<Evidence> =
        serde_json::from_slice(&handover.remembered).map_err(|_| HandoverError::Malformed)?;
    Ok(Found {
        floor: Some(snapshot.position()),
        stored: Some(Stored {
            manifest: handover.manifest,
            blobs,
            snapshot,
        }),
        times: Some(Times {
            gate: Time::from_millis(handover.now),
            freshness: handover.freshness,
        }),
        remembered,
        doubtful: false,
        refused: Vec::new(),
    })
}
