//! The client's folder: accounts, what is remembered, answers to challenges, and a lock.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aeolus_keys::digest;
use aeolus_model::hex;
use tokio::time::{Instant, sleep};

use crate::error::AcmeError;
use crate::solver::Token;
use crate::state::State;

/// The folder. Processes that share it are one client: one of them acts, and each shows every answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    dir: PathBuf,
}

/// The folder, while no other run is in it.
pub(crate) struct Locked {
    folder: Folder,
    _lock: File,
}

const CHALLENGES: &str = "challenges";
const ACCOUNTS: &str = "accounts";
const STATE: &str = "state.json";

impl Folder {
    /// Makes it if it isn't there; it is its owner's alone.
    pub fn open(dir: &Path) -> Result<Self, AcmeError> {
        for folder in [dir, &dir.join(CHALLENGES), &dir.join(ACCOUNTS)] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|source| failed(folder, source))?;
        }
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// Where the answer to a challenge lies.
    pub(crate) fn answer(&self, token: &Token) -> PathBuf {
        self.dir.join(CHALLENGES).join(token.as_str())
    }

    /// Waits for other runs; one that hangs is named after a while.
    pub(crate) async fn lock(&self, patience: Duration) -> Result<Locked, AcmeError> {
        let deadline = Instant::now() + patience;
        let path = self.dir.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| failed(&path, source))?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(failed(&path, source)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(AcmeError::Busy(self.dir.clone()));
                }
                Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(200)).await,
            }
        }
        Ok(Locked {
            folder: self.clone(),
            _lock: file,
        })
    }
}

impl Locked {
    pub(crate) const fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn state(&self) -> Result<State, AcmeError> {
        let path = self.folder.dir.join(STATE);
        match read(&path)? {
            Some(json) => State::parse(&json).map_err(|error| damaged(&path, &error)),
            None => Ok(State::default()),
        }
    }

    pub(crate) fn remember(&self, state: &State) -> Result<(), AcmeError> {
        let path = self.folder.dir.join(STATE);
        put(&path, &state.json(), 0o600).map_err(|source| failed(&path, source))
    }

    /// Where the account at an authority lies.
    pub(crate) fn account(&self, directory: &str) -> PathBuf {
        let name = digest::sha256(directory.as_bytes());
        let name: String = hex(&name).chars().take(16).collect();
        self.folder.dir.join(ACCOUNTS).join(format!("{name}.json"))
    }
}

pub(crate) fn failed(path: &Path, source: io::Error) -> AcmeError {
    AcmeError::File {
        path: path.to_owned(),
        source,
    }
}

pub(crate) fn damaged(path: &Path, why: &dyn std::fmt::Display) -> AcmeError {
    AcmeError::Damaged {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// A file's bytes, or none if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, AcmeError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, error)),
    }
}

/// A reader sees the old content or the new one, also after a crash.
pub(crate) fn put(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent()
        .map_or(Ok(()), |above| File::open(above)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn two_runs_wait_for_each_other_and_one_that_hangs_is_named() {
        let above = tempfile::tempdir().unwrap();
        let folder = Folder::open(&above.path().join("acme")).unwrap();
        let mode = fs::metadata(above.path().join("acme"))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o700);
        let first = folder.lock(Duration::ZERO).await.unwrap();
        let second = folder.lock(Duration::from_millis(300)).await;
        assert!(matches!(second, Err(AcmeError::Busy(_))));
        let waiting = tokio::spawn({
            let folder = folder.clone();
            async move { folder.lock(Duration::from_secs(10)).await.is_ok() }
        });
        drop(first);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn what_is_remembered_is_private_and_damage_is_said() {
        let above = tempfile::tempdir().unwrap();
        let folder = Folder::open(above.path()).unwrap();
        let locked = folder.lock(Duration::ZERO).await.unwrap();
        assert_eq!(locked.state().unwrap(), State::default());
        locked.remember(&State::default()).unwrap();
        let path = above.path().join(STATE);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::write(&path, "{").unwrap();
        let Err(AcmeError::Damaged { path: named, .. }) = locked.state() else {
            panic!("taken");
        };
        assert_eq!(named, path);
    }
}
