//! What planes are answered while the database is away (F43): what this process last knew.
//!
//! A plane that was put in quarantine meanwhile elsewhere can learn nothing by it that it couldn't have
//! learnt before: what is remembered of its state is as new as what is remembered for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aeolus_model::PlaneId;
use aeolus_snapshot::Digest;
use aeolus_store::{Plane, Publication, StoreError};
use axum::body::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Bytes of blobs that are kept for all planes together.
const ROOM: u64 = 64 * 1024 * 1024;
/// Blobs of a usual size that fit in there.
const BLOBS: usize = 4_096;

/// What was last published for a plane, and the feed's epoch then.
#[derive(Clone)]
pub(super) struct LastTold {
    pub(super) epoch: u64,
    pub(super) publication: Publication,
}

#[derive(Clone, Copy)]
struct Size;

impl Weighter<(PlaneId, Digest), Bytes> for Size {
    fn weight(&self, _: &(PlaneId, Digest), blob: &Bytes) -> u64 {
        u64::try_from(blob.len()).unwrap_or(u64::MAX).max(1)
    }
}

/// Planes, what they were told, and blobs as far as there is room for them. All of it comes from the
/// database, which is asked first as long as it answers.
pub(crate) struct LastKnown {
    planes: Mutex<HashMap<PlaneId, (Plane, Option<LastTold>)>>,
    blobs: Cache<(PlaneId, Digest), Bytes, Size>,
}

impl Default for LastKnown {
    fn default() -> Self {
        Self {
            planes: Mutex::default(),
            blobs: Cache::with_weighter(BLOBS, ROOM, Size),
        }
    }
}

impl LastKnown {
    /// The plane that the database knows, or that it knew when it was last there.
    pub(super) fn plane(
        &self,
        id: PlaneId,
        read: Result<Option<Plane>, StoreError>,
    ) -> Result<Option<Plane>, StoreError> {
        let mut planes = self.planes.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(Some(plane)) => {
                let known = planes.entry(id);
                known
                    .and_modify(|(known, _)| known.clone_from(&plane))
                    .or_insert_with(|| (plane.clone(), None));
                Ok(Some(plane))
            }
            Ok(None) => {
                planes.remove(&id);
                Ok(None)
            }
            Err(error) if error.is_outage() => match planes.get(&id) {
                Some((plane, _)) => Ok(Some(plane.clone())),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Notes what was read to be published in an epoch of the feed, for a plane that has proven itself.
    pub(super) fn told(&self, epoch: u64, publication: Option<&Publication>) {
        let Some(publication) = publication else {
            return;
        };
        let mut planes = self.planes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, last)) = planes.get_mut(&publication.plane) else {
            return;
        };
        // Looks overlap: one that began earlier may end later.
        let place = |told: &Publication| (told.epoch, told.seq, told.records, told.published_at);
        let is_older =
            |last: &LastTold| last.epoch != epoch || place(&last.publication) < place(publication);
        if last.as_ref().is_none_or(is_older) {
            *last = Some(LastTold {
                epoch,
                publication: publication.clone(),
            });
        }
    }

    /// What was last published.
    pub(super) fn last_told(&self, plane: PlaneId) -> Option<LastTold> {
        let planes = self.planes.lock().unwrap_or_else(PoisonError::into_inner);
        planes.get(&plane).and_then(|(_, told)| told.clone())
    }

    /// Keeps a blob.
    pub(crate) fn keep(&self, plane: PlaneId, digest: Digest, blob: Bytes) {
        self.blobs.insert((plane, digest), blob);
    }

    /// A blob that was kept.
    pub(super) fn blob(&self, plane: PlaneId, digest: Digest) -> Option<Bytes> {
        self.blobs.get(&(plane, digest))
    }
}
