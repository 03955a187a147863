//! What survives a restart: two generations of the snapshot, and marks that only rise.
//!
//! ```text
//! replica/{a,b}/manifest     the compact JWS
//! replica/{a,b}/blobs/HEX    its content, by hash
//! replica/floor              highest position ever taken, and which older manifest may stand in
//! replica/remembered         signed revocations that control has forgotten
//! replica/time               last gate time, last freshness statement
//! ```
//!
//! A generation is complete before its manifest is renamed into place, and the other one isn't
//! touched meanwhile, so at every moment at least one is whole. Each has files of its own: one bad
//! sector can't damage both.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aeolus_model::{PlaneId, Time};
use aeolus_snapshot::{Digest, Evidence, Position, Root, Snapshot, SnapshotError, Trust};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fs::{Fs, replace};

/// Compressed content by hash.
pub(crate) type BlobMap = HashMap<Digest, Arc<[u8]>>;

/// One snapshot with the bytes it came from.
pub(crate) struct Stored {
    pub(crate) manifest: String,
    pub(crate) blobs: BlobMap,
    pub(crate) snapshot: Snapshot,
}

/// The mark against turning the disk back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Floor {
    /// The highest position ever taken.
    pub(crate) highest: Position,
    /// The manifest of the generation before: the only one below `highest` that may be loaded, and
    /// only if the newest is damaged.
    previous: Option<Digest>,
}

/// What a cold start found.
pub(crate) struct Found {
    pub(crate) stored: Option<Stored>,
    pub(crate) floor: Option<Position>,
    pub(crate) times: Option<Times>,
    pub(crate) remembered: Vec<Evidence>,
    /// A mark is missing or damaged although a snapshot is there, or the newest generation is
    /// damaged: something newer may have been known.
    pub(crate) doubtful: bool,
    /// Why generations were passed over.
    pub(crate) refused: Vec<SnapshotError>,
}

/// What was known of time before a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Times {
    /// Gate time: the wall clock isn't believed below it.
    pub(crate) gate: Time,
    /// Control's last freshness statement as it was signed, if it came after the manifest.
    pub(crate) freshness: Option<String>,
}

/// The replica folder.
pub(crate) struct Disk {
    fs: Arc<dyn Fs>,
    folder: PathBuf,
    newest: Option<(usize, Digest)>,
    /// The manifest that the newest one came after.
    previous: Option<Digest>,
    /// The floor as it is on disk.
    floor: Option<Floor>,
}

const REMEMBERED: &str = "remembered";
const GENERATIONS: [&str; 2] = ["a", "b"];

impl Disk {
    pub(crate) fn new(folder: PathBuf, fs: Arc<dyn Fs>) -> Self {
        Self {
            fs,
            folder,
            newest: None,
            previous: None,
            floor: None,
        }
    }

    /// The newest whole generation that isn't below the floor, else the one before it.
    pub(crate) fn load(&mut self, root: &Root, plane: PlaneId) -> Found {
        let floor = self.mark::<Floor>("floor");
        let times = self.mark::<Times>("time");
        let remembered = self.mark::<Vec<Evidence>>(REMEMBERED);
        let lost = remembered.is_none() && self.fs.read(&self.folder.join(REMEMBERED)).is_ok();
        let mut refused = Vec::new();
        let mut whole = Vec::new();
        for index in 0..GENERATIONS.len() {
            match self.read(index, root, plane) {
                Ok(Some(stored)) => whole.push((index, stored)),
                Ok(None) => {}
                Err(error) => refused.push(error),
            }
        }
        let highest = floor.map(|floor| floor.highest);
        let below = |stored: &Stored| Some(stored.snapshot.position()) < highest;
        whole.retain(|(_, stored)| {
            let digest = Digest::of(stored.manifest.as_bytes());
            let stands_in = floor.is_some_and(|floor| floor.previous == Some(digest));
            let offered = stored.snapshot.position();
            match highest {
                Some(floor) if below(stored) && !stands_in => {
                    refused.push(SnapshotError::Rollback { floor, offered });
                    false
                }
                _ => true,
            }
        });
        whole.sort_by_key(|(_, stored)| stored.snapshot.position());
        let best = whole.pop();
        let digest = |stored: &Stored| Digest::of(stored.manifest.as_bytes());
        self.floor = floor;
        self.newest = best
            .as_ref()
            .map(|(index, stored)| (*index, digest(stored)));
        self.previous = whole.last().map(|(_, stored)| digest(stored));
        let doubtful = best
            .as_ref()
            .is_some_and(|(_, stored)| floor.is_none() || times.is_none() || lost || below(stored));
        Found {
            doubtful,
            stored: best.map(|(_, stored)| stored),
            floor: highest,
            times,
            remembered: remembered.unwrap_or_default(),
            refused,
        }
    }

    fn generation(&self, index: usize) -> PathBuf {
        self.folder
            .join(GENERATIONS.get(index).unwrap_or(&GENERATIONS[0]))
    }

    fn read(
        &self,
        index: usize,
        root: &Root,
        plane: PlaneId,
    ) -> Result<Option<Stored>, SnapshotError> {
        // Judged against the floor afterwards: the generation before the newest may stand in.
        let trust = Trust {
            root,
            plane,
            floor: None,
        };
        let folder = self.generation(index);
        let Ok(manifest) = self.fs.read(&folder.join("manifest")) else {
            return Ok(None);
        };
        let manifest = String::from_utf8(manifest).map_err(|_| SnapshotError::Malformed)?;
        let blobs = std::cell::RefCell::new(BlobMap::new());
        let blob = |digest: &Digest| {
            let bytes = self.fs.read(&blob_path(&folder, digest)).ok()?;
            let mut blobs = blobs.borrow_mut();
            if Digest::of(&bytes) == *digest {
                blobs.insert(*digest, bytes.as_slice().into());
            }
            Some(bytes)
        };
        let snapshot = Snapshot::reload(&trust, &manifest, &blob)?;
        Ok(Some(Stored {
            manifest,
            blobs: blobs.into_inner(),
            snapshot,
        }))
    }

    /// Writes a generation over the older one. An error leaves the newest as it was.
    pub(crate) fn store(&mut self, manifest: &str, blobs: &BlobMap) -> io::Result<()> {
        let index = match self.newest {
            Some((0, _)) => 1,
            _ => 0,
        };
        let folder = self.generation(index);
        let content = folder.join("blobs");
        self.fs.create_dir(&content)?;
        for (digest, bytes) in blobs {
            let path = blob_path(&folder, digest);
            let there = self.fs.read(&path);
            if !there.is_ok_and(|there| Digest::of(&there) == *digest) {
                let temporary = path.with_extension("tmp");
                self.fs.write(&temporary, bytes)?;
                self.fs.sync(&temporary)?;
                self.fs.rename(&temporary, &path)?;
            }
        }
        self.fs.sync(&content)?;
        self.fs.sync(&self.folder)?;
        replace(&*self.fs, &folder.join("manifest"), manifest.as_bytes())?;
        self.previous = self.newest.map(|(_, digest)| digest);
        self.newest = Some((index, Digest::of(manifest.as_bytes())));
        self.sweep(&folder, blobs);
        Ok(())
    }

    /// Removes content that the generation no longer names. Failing is harmless.
    fn sweep(&self, folder: &Path, blobs: &BlobMap) {
        let content = folder.join("blobs");
        for name in self.fs.list(&content).unwrap_or_default() {
            let digest = name.to_str().and_then(|name| name.parse().ok());
            if !digest.is_some_and(|digest: Digest| blobs.contains_key(&digest)) {
                let _ = self.fs.remove(&content.join(name));
            }
        }
    }

    /// Raises the floor, if it isn't there already.
    pub(crate) fn store_floor(&mut self, highest: Position) -> io::Result<()> {
        let floor = Floor {
            highest,
            previous: self.previous,
        };
        if self.floor != Some(floor) {
            self.store_mark("floor", &floor)?;
            self.floor = Some(floor);
        }
        Ok(())
    }

    /// Forgets the floor and the time: only before a root document takes effect that drops the key which
    /// set them.
    pub(crate) fn forget_marks(&mut self) -> io::Result<()> {
        self.floor = None;
        for mark in ["floor", "time"] {
            match self.fs.remove(&self.folder.join(mark)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.fs.sync(&self.folder)
    }

    /// Remembers the time.
    pub(crate) fn store_times(&self, times: &Times) -> io::Result<()> {
        self.store_mark("time", times)
    }

    /// Remembers what control has forgotten.
    pub(crate) fn store_remembered(&self, evidence: &[Evidence]) -> io::Result<()> {
        self.store_mark(REMEMBERED, &evidence)
    }

    fn store_mark(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(value).map_err(io::Error::other)?;
        let line = format!("{json} {}\n", Digest::of(json.as_bytes()));
        self.fs.create_dir(&self.folder)?;
        replace(&*self.fs, &self.folder.join(name), line.as_bytes())
    }

    /// A mark with its checksum: a flipped digit must not become another position.
    fn mark<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let bytes = self.fs.read(&self.folder.join(name)).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let (json, digest) = text.trim_end().rsplit_once(' ')?;
        let digest: Digest = digest.parse().ok()?;
        if Digest::of(json.as_bytes()) != digest {
            return None;
        }
        serde_json::from_str(json).ok()
    }
}

fn blob_path(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join("blobs").join(digest.to_string())
}
