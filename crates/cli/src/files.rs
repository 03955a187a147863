//! Files that only their owner may read, replaced as a whole; every error names its file.

use std::fmt::Display;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::report::{Failure, Report};

/// A file's bytes, or none if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Report::new(
            "FILE-0001",
            format!("{} can't be read: {error}", path.display()),
        )
        .help("check that this user may read it")
        .failed()),
    }
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
    replace(path, content, 0o600).map_err(|error| unwritable(path, &error))
}

/// Writes what everybody may read: mode 0644.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> Result<(), Failure> {
    replace(path, content, 0o644).map_err(|error| unwritable(path, &error))
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
pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Report::new(
        "FILE-0002",
        format!("{} can't be written: {error}", path.display()),
    )
    .help("choose a place that this user may write to, with room on the disk")
    .failed()
}

/// A reader sees the old content or the new one, also after a crash.
fn replace(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    // One left behind by a crash may have another mode.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

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
