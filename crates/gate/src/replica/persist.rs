//! Memory to disk, behind the checks' back.

use std::io;
use std::sync::Arc;

use aeolus_model::Clock as _;

use super::data::Data;
use super::disk::Times;
use super::state::{Replica, lock};

impl<W> Replica<W> {
    /// Writes what isn't on disk yet. Failing leaves memory, and the floor on disk, as they are; the
    /// next call tries again.
    pub fn persist(&self) -> io::Result<()> {
        // One writer at a time; what it writes is taken after it has the turn.
        let mut disk = lock(&self.disk);
        let (manifest, blobs, floor, root, unsaved, times, evidence) = {
            let inner = self.inner();
            let times = Times {
                gate: self.clock.now(),
                freshness: inner.freshness.as_deref().map(str::to_owned),
            };
            (
                Arc::clone(&inner.manifest),
                inner.blobs.clone(),
                inner.floor,
                inner.root.clone(),
                inner.unsaved,
                times,
                (inner.remembered.unsaved).then(|| inner.remembered.evidence.clone()),
            )
        };
        let believed = !self.is_suspect();
        let mut write = || {
            if let Some(evidence) = &evidence {
                // Before the snapshot that has forgotten it.
                disk.store_remembered(evidence)?;
            }
            if unsaved.snapshot {
                disk.store(&manifest, &blobs)?;
            }
            if unsaved.marks_reset {
                disk.forget_marks()?;
            }
            if unsaved.root {
                Data::store_root(&self.folder, &*self.fs, &root)?;
            }
            if let Some(floor) = floor.filter(|_| believed || unsaved.snapshot) {
                disk.store_floor(floor)?;
            }
            if believed {
                disk.store_times(&times)?;
            }
            Ok(())
        };
        let result: io::Result<()> = write();
        lock(&self.alarms).disk = result.as_ref().err().map(ToString::to_string);
        if result.is_ok() {
            let mut inner = self.inner();
            if Arc::ptr_eq(&inner.manifest, &manifest) {
                inner.unsaved.snapshot = false;
                inner.unsaved.marks_reset = false;
                inner.remembered.unsaved = false;
            }
            if inner.root.version() == root.version() {
                inner.unsaved.root = false;
            }
        }
        result
    }
}
