//! One run at a time in a folder.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::ui;

/// How long another run is waited for without a word: most take less.
const PATIENCE: Duration = Duration::from_secs(3);

/// Keeps other runs out of a folder until the file is closed; waits for the one that is in it.
pub(super) fn lock(dir: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path(dir))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::Error(error)) => return Err(error),
        Err(TryLockError::WouldBlock) => {}
    }
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(file.lock().map(|()| file)));
    let locked = receiver.recv_timeout(PATIENCE).or_else(|_| {
        ui::note(&format!(
            "Another run of aeolus is in {}: this one waits until it has ended.",
            dir.display()
        ));
        receiver.recv()
    });
    locked.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The file that is locked.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("lock")
}
