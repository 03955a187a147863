//! The snapshot in force, indexed anew.

use std::sync::Arc;

use aeolus_snapshot::{Digest, Snapshot, SnapshotError, Trust};

use super::state::{Loaded, Replica};

impl<W> Replica<W> {
    /// Makes what decisions use anew from the snapshot in force, because what it is made by has
    /// changed. Nothing is fetched, and it takes no newer snapshot.
    pub fn rebuild(&self) -> Result<(), SnapshotError> {
        let inner = self.inner();
        let Some(loaded) = self.current() else {
            return Ok(());
        };
        let trust = Trust {
            root: &inner.root,
            plane: self.plane,
            floor: None,
        };
        let find = |digest: &Digest| inner.blobs.get(digest).map(|blob| blob.to_vec());
        let mut snapshot = Snapshot::reload(&trust, &inner.manifest, &find)?;
        snapshot.carry(&inner.remembered.carried);
        self.current.store(Some(Arc::new(Loaded {
            world: (self.build)(&snapshot),
            manifest: loaded.manifest.clone(),
            missing_revocations: snapshot.missing_revocations().clone(),
        })));
        Ok(())
    }
}
