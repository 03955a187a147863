//! What a replica begins with: a snapshot that was in force before, here or at a sibling.

use std::sync::Arc;

use aeolus_model::{PlaneId, Time};
use aeolus_snapshot::{Digest, Root, Snapshot, verify_freshness};

use super::disk::{BlobMap, Found};
use super::remember::Remembered;
use super::state::{Inner, Loaded, Unsaved};

/// The beginning of a replica. Nothing in it calls anything newer than control once signed it.
pub(super) struct Cold<W> {
    pub(super) inner: Inner,
    pub(super) loaded: Option<Arc<Loaded<W>>>,
    /// Control's latest time that belongs to this snapshot.
    pub(super) signed: Option<Time>,
    /// When everything in it was last the newest.
    pub(super) as_of: Option<Time>,
    /// The latest time that is known to have been reached.
    pub(super) reached: Option<Time>,
}

impl<W> Cold<W> {
    pub(super) fn of(
        found: Found,
        root: Root,
        plane: PlaneId,
        build: impl Fn(&Snapshot) -> W,
    ) -> Self {
        let mut inner = Inner {
            pending: None,
            floor: found.floor,
            manifest: Arc::from(""),
            blobs: BlobMap::new(),
            freshness: None,
            remembered: Remembered::of(found.remembered, &root, plane),
            unsaved: Unsaved::default(),
            root,
        };
        let (mut loaded, mut signed, mut as_of) = (None, None, None);
        if let Some(mut stored) = found.stored {
            let position = stored.snapshot.position();
            let own = &stored.snapshot.sections().revocations;
            inner.remembered.begin(own, position);
            stored.snapshot.carry(&inner.remembered.carried);
            inner.floor = inner.floor.max(Some(position));
            let said = found.times.as_ref().and_then(|times| {
                let text = times.freshness.as_deref()?;
                let said = verify_freshness(&inner.root, plane, text).ok()?;
                let named = Digest::of(stored.manifest.as_bytes());
                (said.position == position && said.manifest == named)
                    .then_some((said, Arc::from(text)))
            });
            let (said, freshness) = said.unzip();
            inner.freshness = freshness;
            let manifest = stored.snapshot.manifest();
            signed = said.map(|said| said.at).max(Some(manifest.issued_at));
            as_of = said.map(|said| said.as_of).max(Some(manifest.as_of()));
            inner.manifest = stored.manifest.into();
            inner.blobs = stored.blobs;
            loaded = Some(Arc::new(Loaded {
                world: build(&stored.snapshot),
                manifest: stored.snapshot.manifest().clone(),
                missing_revocations: stored.snapshot.missing_revocations().clone(),
            }));
        }
        Self {
            inner,
            loaded,
            signed,
            as_of,
            reached: found.times.map(|times| times.gate).max(signed),
        }
    }
}
