//! Files that are read again when they are others.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{TlsError, TlsFilesError};

/// What is read together. Whoever owns it looks now and then, where a disk that hangs holds up nobody: a
/// signal or a notice of the system can be missed.
#[derive(Debug)]
pub struct Watched {
    name: &'static str,
    files: Vec<PathBuf>,
    seen: Mutex<Seen>,
    failures: AtomicU64,
}

/// What came of the last looks.
#[derive(Debug, Default)]
struct Seen {
    /// The files that were read.
    read: Option<Vec<Version>>,
    /// Why they can't be used, as it was said.
    said: Option<String>,
}

/// A file's place, last change of any kind, and size: none stays the same when it is replaced, even with
/// the times of another one.
type Version = (u64, u64, i64, i64, u64);

impl Watched {
    /// Not read yet. `name` is the configuration's for them.
    pub(crate) fn new(name: &'static str, files: Vec<PathBuf>) -> Self {
        Self {
            name,
            files,
            seen: Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// The same for files that the caller reads next: what is replaced meanwhile is read again.
    pub(crate) fn read_now(name: &'static str, files: Vec<PathBuf>) -> Self {
        let watched = Self::new(name, files);
        watched.seen().read = watched.versions();
        watched
    }

    /// The configuration's name for them.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// How often they could not be used.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Reads them if they are others since. Files that can't be used, such as a new certificate beside the
    /// old key, change nothing, are said once, and are tried again at the next look.
    pub(crate) fn look(&self, read: impl FnOnce() -> Result<(), TlsFilesError>) {
        let failed = self.try_look(read).err().map(|error| error.to_string());
        let mut seen = self.seen();
        if let Some(error) = &failed {
            self.failures.fetch_add(1, Ordering::Relaxed);
            if failed != seen.said {
                tracing::warn!(%error, "a certificate can't be used; the one before it, if any, stays");
            }
        }
        seen.said = failed;
    }

    /// The same, for a start: what is wrong is the caller's to say.
    pub(crate) fn try_look(
        &self,
        read: impl FnOnce() -> Result<(), TlsFilesError>,
    ) -> Result<(), TlsError> {
        let mut seen = self.seen();
        // Before they are read: what is replaced meanwhile is read again.
        let found = self.versions();
        if found == seen.read && found.is_some() {
            return Ok(());
        }
        let name = self.name;
        read().map_err(TlsError::of(name))?;
        seen.read = found;
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn versions(&self) -> Option<Vec<Version>> {
        self.files.iter().map(|file| version(file)).collect()
    }
}

/// Which file it is now; none if that can't be told.
fn version(path: &Path) -> Option<Version> {
    let found = std::fs::metadata(path).ok()?;
    let changed = (found.ctime(), found.ctime_nsec());
    Some((found.dev(), found.ino(), changed.0, changed.1, found.size()))
}
