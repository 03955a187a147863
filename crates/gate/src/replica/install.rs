//! A snapshot that was built elsewhere, put into a data folder by hand.

use std::io;
use std::path::Path;
use std::sync::Arc;

use aeolus_model::{Rng, Time};
use aeolus_snapshot::{Position, Published, Root};

use super::data::{Data, DataError, NewKeys, Settings};
use super::disk::{BlobMap, Disk, Times};
use super::fs::SystemFs;

/// What is put into the folder.
pub struct Installation<'a> {
    /// Whose folder it is.
    pub settings: &'a Settings,
    /// Who signed.
    pub root: &'a Root,
    /// What they signed.
    pub published: &'a Published,
    /// Its place in the feed.
    pub position: Position,
    /// When it was signed.
    pub issued_at: Time,
}

/// Why it couldn't be.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The folder.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The folder is another plane's, or trusts another root.
    #[error("the folder belongs to another plane or trusts another root document")]
    Foreign,
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Key(#[from] aeolus_keys::KeyError),
    /// The folder can't be written.
    #[error("the folder can't be written: {0}")]
    Io(#[from] io::Error),
}

/// Installs a snapshot; the folder is made if it isn't one yet, and keeps its identity and the
/// plane's secret if it is. A gate takes it at its next start.
pub fn install(path: &Path, what: &Installation<'_>, rng: &dyn Rng) -> Result<(), InstallError> {
    let fs = Arc::new(SystemFs);
    if !Data::exists(path, &*fs) {
        let keys = NewKeys::generate(rng)?;
        Data::create(path, &*fs, (what.settings, what.root), &keys)?;
    }
    let data = Data::open(path, Arc::<SystemFs>::clone(&fs))?;
    if data.settings.plane != what.settings.plane || data.root.hash() != what.root.hash() {
        return Err(InstallError::Foreign);
    }
    let mut disk = Disk::new(path.join("replica"), fs);
    disk.load(&data.root, data.settings.plane);
    let blobs = what.published.blobs.iter();
    let blobs: BlobMap = blobs
        .map(|(digest, bytes)| (*digest, bytes.as_slice().into()))
        .collect();
    disk.store(&what.published.manifest, &blobs)?;
    disk.store_floor(what.position)?;
    disk.store_times(&Times {
        gate: what.issued_at,
        freshness: None,
    })?;
    Ok(())
}
