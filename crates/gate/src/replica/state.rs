//! The snapshot in force.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aeolus_model::{Clock, OrganizationId, PlaneId, Time};
use aeolus_snapshot::{
    Blobs, Digest, Manifest, Position, Revision, Root, RootError, SectionError, Snapshot,
    SnapshotError, Trust,
};
use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use super::age::NEVER;
use super::alarms::Alarms;
use super::clock::{BootClock, GateClock};
use super::cold::Cold;
use super::data::Data;
use super::disk::{BlobMap, Disk};
use super::fs::Fs;
use super::news::News;
use super::remember::{Remembered, Replaced};

/// A snapshot in force, together with what the gate made of it.
#[derive(Debug)]
pub struct Loaded<W> {
    /// The indexes that decisions use.
    pub world: W,
    /// What was signed.
    pub manifest: Manifest,
    /// Organizations whose revocations couldn't be read from disk: denied until they are fetched.
    pub missing_revocations: BTreeSet<OrganizationId>,
}

/// Where the snapshot in force stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Its place in the feed: its revocations are of there.
    pub position: Position,
    /// The position up to which everything is in it.
    pub records: u64,
}

impl Held {
    fn of<W>(loaded: &Loaded<W>) -> Self {
        Self {
            position: loaded.manifest.position,
            records: loaded.manifest.records(),
        }
    }
}

/// What became of an offered manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is in force now.
    Swapped(Position),
    /// It already was.
    Unchanged,
}

/// Why an answer of control wasn't taken. What was in force stays in force.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The manifest, a section or the freshness statement.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The next root document.
    #[error(transparent)]
    Root(#[from] RootError),
}

/// What a replica takes from its surroundings.
pub struct Parts<W> {
    /// The wall clock, asked once.
    pub wall: Arc<dyn Clock>,
    /// The counting clock.
    pub boot: Arc<dyn BootClock>,
    /// Turns a verified snapshot into what decisions use.
    pub build: Box<dyn Fn(&Snapshot) -> W + Send + Sync>,
    /// Makes it of what decisions use and newer revocations, where that is less work; absent, it is made
    /// anew.
    pub revise: Option<Revise<W>>,
}

/// What decisions use, with other revocations.
pub type Revise<W> = Box<dyn Fn(&W, &Revision) -> W + Send + Sync>;

/// The handle that checks read and the stream writes.
pub struct Replica<W> {
    pub(super) plane: PlaneId,
    pub(super) current: ArcSwapOption<Loaded<W>>,
    pub(super) build: Box<dyn Fn(&Snapshot) -> W + Send + Sync>,
    revise: Option<Revise<W>>,
    pub(super) clock: GateClock,
    /// The latest time that control has signed, of whatever position, in milliseconds: one that isn't
    /// later says nothing of time, for it may be a replay.
    pub(super) signed: AtomicI64,
    /// When everything in force was last the newest there was, in milliseconds. Apart from `inner`,
    /// which is held while a snapshot is verified: checks must not wait for that.
    pub(super) as_of: AtomicI64,
    pub(super) doubtful: AtomicBool,
    /// Whether control has said anything that was taken since the start.
    pub(super) heard: AtomicBool,
    inner: Mutex<Inner>,
    pub(super) alarms: Mutex<Alarms>,
    pub(super) disk: Mutex<Disk>,
    pub(super) fs: Arc<dyn Fs>,
    pub(super) folder: PathBuf,
    pub(crate) changed: Notify,
    /// Control says less than it once signed.
    pub(super) forgotten: Notify,
}

pub(super) struct Inner {
    pub(super) root: Root,
    /// A newer root that drops the key of the snapshot in force: it takes effect with the first
    /// manifest signed under it.
    pub(super) pending: Option<Root>,
    pub(super) floor: Option<Position>,
    pub(super) manifest: Arc<str>,
    pub(super) blobs: BlobMap,
    pub(super) freshness: Option<Arc<str>>,
    pub(super) remembered: Remembered,
    pub(super) unsaved: Unsaved,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Unsaved {
    pub(super) snapshot: bool,
    pub(super) root: bool,
    pub(super) marks_reset: bool,
}

impl<W> Replica<W> {
    /// Loads what is on disk: no network, and nothing on disk is a good answer too (checks are then
    /// refused until control was reached once).
    pub fn open(data: &Data, parts: Parts<W>) -> Self {
        let mut disk = Disk::new(data.path.join("replica"), Arc::clone(&data.fs));
        let plane = data.settings.plane;
        let mut found = disk.load(&data.root, plane);
        let (doubtful, refused) = (found.doubtful, std::mem::take(&mut found.refused));
        let cold = Cold::of(found, data.root.clone(), plane, &parts.build);
        let alarms = Alarms {
            refused: refused.last().map(|error| error.code().to_owned()),
            ..Alarms::default()
        };
        for error in &refused {
            tracing::error!(%error, "a snapshot on disk was passed over");
        }
        let forgotten = Notify::new();
        if !cold.inner.remembered.evidence.is_empty() {
            forgotten.notify_one();
        }
        Self {
            plane,
            current: ArcSwapOption::from(cold.loaded),
            build: parts.build,
            revise: parts.revise,
            clock: GateClock::start(&*parts.wall, parts.boot, cold.reached),
            signed: AtomicI64::new(cold.signed.map_or(NEVER, Time::millis)),
            as_of: AtomicI64::new(cold.as_of.map_or(NEVER, Time::millis)),
            doubtful: AtomicBool::new(doubtful),
            heard: AtomicBool::new(false),
            inner: Mutex::new(cold.inner),
            alarms: Mutex::new(alarms),
            disk: Mutex::new(disk),
            fs: Arc::clone(&data.fs),
            folder: data.path.clone(),
            changed: Notify::new(),
            forgotten,
        }
    }

    /// The snapshot in force; none before the first one: checks are then refused.
    pub fn current(&self) -> Option<Arc<Loaded<W>>> {
        self.current.load_full()
    }

    /// The same without touching a reference count, for the length of one check.
    pub fn peek(&self) -> arc_swap::Guard<Option<Arc<Loaded<W>>>> {
        self.current.load()
    }

    /// Whether what is in force was on disk at the start and nothing has been heard since.
    pub fn is_from_disk(&self) -> bool {
        !self.heard.load(Ordering::Relaxed)
    }

    /// Gate time: what `exp` and `nbf` are judged by.
    pub const fn clock(&self) -> &GateClock {
        &self.clock
    }

    /// The root document in force, or the newer one that waits for its first manifest.
    pub fn root_version(&self) -> u64 {
        let inner = self.inner();
        inner.pending.as_ref().unwrap_or(&inner.root).version()
    }

    /// What is in force.
    pub fn held(&self) -> Option<Held> {
        self.peek().as_ref().map(|loaded| Held::of(loaded))
    }

    /// What a poll may ask for news after; none if something in force is incomplete, or signed by a key
    /// that is trusted no more.
    pub fn after(&self) -> Option<Held> {
        let believed = self.inner().pending.is_none();
        self.whole().filter(|_| believed)
    }

    /// What is in force, if all of it is.
    pub(super) fn whole(&self) -> Option<Held> {
        let loaded = self.peek();
        let whole = loaded
            .as_ref()
            .filter(|loaded| loaded.missing_revocations.is_empty());
        whole.map(|loaded| Held::of(loaded))
    }

    fn position(&self) -> Option<Position> {
        self.whole().map(|held| held.position)
    }

    /// Takes the next root document.
    pub fn take_root(&self, document: &str) -> Result<(), RefreshError> {
        let mut inner = self.inner();
        let known = inner.pending.as_ref().unwrap_or(&inner.root);
        let next = known.accept_next(document)?;
        let kept = Manifest::open(&next, self.plane, &inner.manifest).is_ok();
        if kept || self.peek().is_none() {
            inner.root = next;
            inner.pending = None;
            inner.unsaved.root = true;
        } else {
            inner.pending = Some(next);
            // What the dropped key said of time goes first: the next word of time begins anew.
            self.signed.store(NEVER, Ordering::SeqCst);
        }
        drop(inner);
        self.changed.notify_one();
        Ok(())
    }

    /// The content that a manifest needs and this replica doesn't have, with the most bytes each may
    /// have; none if the manifest is already in force.
    pub fn missing(&self, manifest: &str) -> Result<Option<BTreeMap<Digest, u64>>, RefreshError> {
        let inner = self.inner();
        let root = inner.pending.as_ref().unwrap_or(&inner.root);
        let (offered, _) = Manifest::open(root, self.plane, manifest)?;
        if self.position() == Some(offered.position) && inner.pending.is_none() {
            return Ok(None);
        }
        inner.may_take(&offered, self.clock.now())?;
        let mut missing = offered.blobs();
        missing.retain(|digest, _| !inner.blobs.contains_key(digest));
        Ok(Some(missing))
    }

    /// Verifies a manifest with the content it needs, and puts it in force: in memory at once, on
    /// disk by [`Self::persist`].
    pub fn take(&self, manifest: &str, fetched: &BlobMap) -> Result<Applied, RefreshError> {
        let mut inner = self.inner();
        let root = inner.pending.as_ref().unwrap_or(&inner.root);
        let reset = inner.pending.is_some();
        let trust = Trust {
            root,
            plane: self.plane,
            floor: inner.floor.filter(|_| !reset),
        };
        let find = |digest: &Digest| {
            let blob = fetched.get(digest).or_else(|| inner.blobs.get(digest))?;
            Some(blob.to_vec())
        };
        let held = self.current();
        let mut news = self.read(
            (&trust, manifest, &find),
            held.as_deref().filter(|_| !reset),
        )?;
        let position = news.manifest().position;
        if !reset && self.position() == Some(position) {
            return Ok(Applied::Unchanged);
        }
        let blobs = news.manifest().blobs();
        let blobs = blobs.keys().filter_map(|digest| {
            let blob = fetched.get(digest).or_else(|| inner.blobs.get(digest))?;
            Some((*digest, Arc::clone(blob)))
        });
        let blobs = blobs.collect();
        let replaced = Replaced {
            manifest: held.as_ref().map(|held| &held.manifest),
            dropped: reset,
            now: self.clock.now(),
        };
        if inner.remember((position, news.revocations()), &replaced) {
            self.forgotten.notify_one();
        }
        news.carry(&inner.remembered.carried);
        inner.blobs = blobs;
        inner.manifest = Arc::from(manifest);
        inner.floor = Some(position);
        inner.freshness = None;
        inner.unsaved.snapshot = true;
        if let Some(root) = inner.pending.take() {
            inner.root = root;
            inner.unsaved.root = true;
            inner.unsaved.marks_reset = true;
        }
        let manifest = news.manifest();
        let (signed, as_of) = (manifest.issued_at.millis(), manifest.as_of().millis());
        if reset {
            // The dropped key's word of it counts no more.
            self.as_of.fetch_min(as_of, Ordering::SeqCst);
        }
        self.current.store(Some(Arc::new(Loaded {
            world: news.world(&self.build),
            manifest: manifest.clone(),
            missing_revocations: BTreeSet::new(),
        })));
        // Last: what is in force must never be called newer than it is.
        self.signed.fetch_max(signed, Ordering::SeqCst);
        self.as_of.fetch_max(as_of, Ordering::SeqCst);
        drop(inner);
        self.heard.store(true, Ordering::Relaxed);
        self.changed.notify_one();
        Ok(Applied::Swapped(position))
    }

    /// Verifies a manifest, and reads as much of it as is needed.
    fn read<'a>(
        &'a self,
        (trust, manifest, find): (&Trust<'_>, &str, Blobs<'_>),
        held: Option<&'a Loaded<W>>,
    ) -> Result<News<'a, W>, RefreshError> {
        let now = self.clock.now();
        if let (Some(held), Some(revise)) = (held, &self.revise)
            && let Some(revision) = Revision::verify(trust, &held.manifest, manifest, find, now)?
        {
            return Ok(News::Revised(Box::new(revision), held, revise));
        }
        let snapshot = Snapshot::verify(trust, manifest, find, now)?;
        match snapshot.missing_revocations().first() {
            None => Ok(News::Whole(Box::new(snapshot))),
            // From control everything can be had: nothing less than the whole is taken.
            Some(organization) => Err(RefreshError::Snapshot(SnapshotError::Section {
                section: format!("revocations/{organization}"),
                cause: SectionError::Missing,
            })),
        }
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Inner {
    fn may_take(&self, offered: &Manifest, now: Time) -> Result<(), SnapshotError> {
        match self.floor.filter(|_| self.pending.is_none()) {
            Some(floor) if offered.position < floor => Err(SnapshotError::Rollback {
                floor,
                offered: offered.position,
            }),
            _ if offered.exp <= now => Err(SnapshotError::Expired),
            _ => Ok(()),
        }
    }
}

/// A panic while the lock was held left nothing half done that isn't replaced as a whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
