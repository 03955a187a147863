//! Files that only their owner may read, replaced as a whole; every error names its file.

use std::fmt::Display;
use std::fs::{File, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::report::{Failure, Report};

/// A file's bytes, or none if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Report::new(
            "FILE-0001",
            format!("{} can't be read: {error}", path.display()),
        )
        .help("check that this user may read it")
        .failed()),
    }
}

/// All that a source gives, if it isn't more than is taken: a pipe or a device may never end. What is read may be a
/// key.
pub(crate) fn at_most(max: usize, source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > max {
        let what = format!("it has more than {} MiB", max / (1024 * 1024));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

/// Makes a folder, and those above it, that only its owner can look into.
pub(crate) fn folder(path: &Path) -> Result<(), Failure> {
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|error| unwritable(path, &error))
}

/// Writes a secret: mode 0600.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Failure> {
    write(path, content, Access::PRIVATE)
}

/// Writes what everybody may read: mode 0644.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> Result<(), Failure> {
    write(path, content, Access::PUBLIC)
}

/// Writes a file for those who may read it.
pub(crate) fn write(path: &Path, content: &[u8], access: Access) -> Result<(), Failure> {
    replace(path, content, access).map_err(|error| unwritable(path, &error))
}

/// Whose a file is, and what others may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    mode: u32,
    /// User and group; none: whoever writes it.
    owner: Option<(u32, u32)>,
}

impl Access {
    /// Its owner's alone.
    pub(crate) const PRIVATE: Self = Self {
        mode: 0o600,
        owner: None,
    };
    /// Everybody's to read.
    pub(crate) const PUBLIC: Self = Self {
        mode: 0o644,
        owner: None,
    };

    /// That of a file that is there, for the one that takes its place, as far as `most` goes. A link may lead to
    /// anybody's file, so it only says whose it is itself.
    pub(crate) fn of(path: &Path, most: u32) -> Option<Self> {
        let found = std::fs::symlink_metadata(path).ok()?;
        let mode = if found.is_file() { found.mode() } else { 0o600 };
        Some(Self {
            mode: mode & most,
            owner: Some((found.uid(), found.gid())),
        })
    }

    /// Gives a file to its owner first: the mode is never for another's group.
    fn give(self, file: &File) -> io::Result<()> {
        let Some(owner) = self.owner else {
            return Ok(());
        };
        let found = file.metadata()?;
        if (found.uid(), found.gid()) != owner {
            fchown(file, Some(owner.0), Some(owner.1))?;
        }
        file.set_permissions(Permissions::from_mode(self.mode))
    }
}

/// A reader sees the old content or the new one, also after a crash, and nobody a secret before it is its owner's.
pub(crate) fn replace(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let temporary = with(path, ".new");
    // One left behind by a crash may have another mode.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = access.owner.map_or(access.mode, |_| 0o600);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)?;
    access.give(&file)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync)
}

/// Makes what was renamed in a folder last.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

/// With more at the end of its name, which may have dots.
pub(crate) fn with(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}

/// A file whose content makes no sense.
pub(crate) fn damaged(path: &Path, cause: &dyn Display) -> Failure {
    Report::new(
        "FILE-0003",
        format!("{} is damaged: {cause}", path.display()),
    )
    .why("Nothing of it was used.")
    .help("restore it from a backup, or remove it to begin anew")
    .failed()
}

/// A place that can not be written to.
pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Report::new(
        "FILE-0002",
        format!("{} can't be written: {error}", path.display()),
    )
    .help("choose a place that this user may write to, with room on the disk")
    .failed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_owners_alone_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(read(&path).unwrap(), None);
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_can_not_be_made_names_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write_public(&file, b"").unwrap();
        let below = file.join("below");
        let failure = super::folder(&below).unwrap_err();
        assert!(failure.render().contains(&below.display().to_string()));
    }
}
