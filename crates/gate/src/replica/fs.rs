//! The file system behind a port, so that tests can make every single step fail.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The few operations that durable files need. Everything is created for the owner only.
pub trait Fs: Send + Sync {
    /// The whole file. A symbolic link in the last component is refused.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Creates or truncates a file (mode 0600) and writes it, without making it durable.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's content, or a folder's entries, durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Replaces `to` by `from`, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Creates a folder (mode 0700) and its parents; an existing one is fine.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;
    /// What kind of thing is there, not following links.
    fn inspect(&self, path: &Path) -> io::Result<Entry>;
}

/// What is found at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Neither a plain file nor a folder.
    pub special: bool,
    /// Permission bits.
    pub mode: u32,
}

/// The machine's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFs;

impl Fs for SystemFs {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if fs::symlink_metadata(path)?.is_file() {
            fs::read(path)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a plain file",
            ))
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true).mode(0o600);
        options.open(path)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn inspect(&self, path: &Path) -> io::Result<Entry> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Entry {
            special: !metadata.is_file() && !metadata.is_dir(),
            mode: metadata.mode() & 0o777,
        })
    }
}

/// Replaces a file so that after a crash either the old or the new content is there: temporary
/// file, fsync, rename, fsync of the folder.
pub(crate) fn replace(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    fs.write(&temporary, bytes)?;
    fs.sync(&temporary)?;
    fs.rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |folder| fs.sync(folder))
}
