//! A certificate and its key in two files, replaced in one step.
//!
//! Two files can't be renamed at once. So when a pair is replaced, both files become links into a folder of
//! generations beside them, first to what they held before, and one rename of one link swaps both. Whoever is
//! stopped anywhere leaves the old pair or the new one.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::files::{Access, replace, sync, unwritable, with, write, write_private, write_public};
use crate::report::{Failure, Report};

/// The two files.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Pair {
    pub(in crate::commands) certificate: PathBuf,
    pub(in crate::commands) key: PathBuf,
    /// The folder of generations.
    store: PathBuf,
    folder: PathBuf,
}

const CERTIFICATE: &str = "certificate";
const KEY: &str = "key";
const CURRENT: &str = "current";

impl Pair {
    /// `STEM.crt` and `STEM.key`.
    pub(in crate::commands) fn of(stem: &Path) -> Self {
        let name = stem.file_name().unwrap_or_default();
        Self::stored((with(stem, ".crt"), with(stem, ".key")), name)
    }

    /// Two files of any names, in one folder: a link swaps both, and there is no link across file systems.
    pub(in crate::commands) fn at(certificate: PathBuf, key: PathBuf) -> Option<Self> {
        let fits = certificate.parent() == key.parent() && certificate != key;
        let name = certificate.file_name()?.to_owned();
        key.file_name()?;
        fits.then(|| Self::stored((certificate, key), &name))
    }

    fn stored((certificate, key): (PathBuf, PathBuf), name: &OsStr) -> Self {
        let folder = match certificate.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut store = OsString::from(".");
        store.push(name);
        store.push(".pair");
        Self {
            certificate,
            key,
            store: folder.join(store),
            folder,
        }
    }

    /// Whether one of the two is there.
    pub(in crate::commands) fn exists(&self) -> bool {
        [&self.certificate, &self.key]
            .iter()
            .any(|path| fs::symlink_metadata(path).is_ok())
    }

    /// Everything that belongs to it, whether it is there or not.
    pub(super) fn files(&self) -> [PathBuf; 3] {
        [&self.certificate, &self.key, &self.store].map(Clone::clone)
    }

    /// Nothing is replaced that nobody wants to be.
    pub(in crate::commands) fn may_be_written(&self, force: bool) -> Result<(), Failure> {
        if force || !self.exists() {
            return Ok(());
        }
        Err(exists(&self.certificate))
    }

    /// Writes both. Where there was a pair before, says where that lies now.
    pub(in crate::commands) fn write(
        &self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Option<PathBuf>, Failure> {
        let failed = |error: io::Error| unwritable(&self.certificate, &error);
        if !self.exists() {
            // A key without a certificate is nothing yet; the certificate makes it a pair.
            write_private(&self.key, key)?;
            write_public(&self.certificate, certificate)?;
            return Ok(None);
        }
        for step in self.steps(certificate, key).map_err(failed)? {
            step.take().map_err(failed)?;
        }
        Ok(Some(self.store.join("before")))
    }

    /// Removes both, and what was before them.
    pub(super) fn remove(&self) -> Result<(), Failure> {
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(fs::remove_file(&self.key))
            .and_then(|()| gone(fs::remove_file(&self.certificate)))
            .and_then(|()| gone(fs::remove_dir_all(&self.store)))
            .map_err(|error| unwritable(&self.certificate, &error))
    }

    /// Removes what was before them.
    pub(super) fn forget(&self) -> Result<(), Failure> {
        let last = self.last();
        let before = match fs::remove_file(self.store.join("before")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        let mut older = self.generations().filter(|number| *number != last);
        before
            .and_then(|()| {
                older.try_for_each(|number| Step::Remove(self.generation(number)).take())
            })
            .map_err(|error| unwritable(&self.certificate, &error))
    }

    /// What replaces the pair, step by step; after each, the two files belong together.
    fn steps(&self, certificate: &[u8], key: &[u8]) -> io::Result<Vec<Step>> {
        self.refuse_links()?;
        let (links, last) = (self.links(), self.last());
        let like = if links {
            let last = self.generation(last);
            Like::of(&last.join(CERTIFICATE), &last.join(KEY))
        } else {
            Like::of(&self.certificate, &self.key)
        };
        let mut steps = Vec::new();
        let mut before = last;
        if !links {
            before += 1;
            let [old, old_key] = [&self.certificate, &self.key].map(fs::read);
            steps.push(Step::Generation {
                folder: self.generation(before),
                certificate: readable(old)?,
                key: readable(old_key)?,
                like,
            });
            steps.push(self.link(CURRENT, before));
            for (path, name) in [(&self.certificate, CERTIFICATE), (&self.key, KEY)] {
                let store = self.store.file_name().unwrap_or_default();
                steps.push(Step::Link {
                    at: path.clone(),
                    to: Path::new(store).join(CURRENT).join(name),
                });
            }
        }
        steps.push(Step::Generation {
            folder: self.generation(before + 1),
            certificate: Some(certificate.to_vec()),
            key: Some(key.to_vec()),
            like,
        });
        steps.push(self.link("before", before));
        steps.push(self.link(CURRENT, before + 1));
        // One before the last may have stayed where a run was stopped: keys aren't left lying about.
        let older = self.generations().filter(|number| *number < before);
        steps.extend(older.map(|number| Step::Remove(self.generation(number))));
        Ok(steps)
    }

    /// Whoever may write into the folder must not lead this process elsewhere: what it makes is a folder.
    fn refuse_links(&self) -> io::Result<()> {
        let last = self.generation(self.last());
        for folder in [&self.store, &last] {
            match fs::symlink_metadata(folder) {
                Ok(found) if !found.is_dir() => {
                    let what = format!("{} is no folder: remove it", folder.display());
                    return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn generations(&self) -> impl Iterator<Item = u32> {
        let names = fs::read_dir(&self.store).into_iter().flatten().flatten();
        names.filter_map(|entry| number(Path::new(&entry.file_name())))
    }

    fn generation(&self, number: u32) -> PathBuf {
        self.store.join(number.to_string())
    }

    fn link(&self, name: &str, number: u32) -> Step {
        Step::Link {
            at: self.store.join(name),
            to: PathBuf::from(number.to_string()),
        }
    }

    /// Whether both files are links into the generations.
    fn links(&self) -> bool {
        let into = |path: &Path| {
            fs::read_link(path).is_ok_and(|to| self.folder.join(to).starts_with(&self.store))
        };
        into(&self.certificate) && into(&self.key)
    }

    /// The generation that counts, else the highest there is.
    fn last(&self) -> u32 {
        let current = fs::read_link(self.store.join(CURRENT)).ok();
        let current = current.filter(|_| self.links()).and_then(|to| number(&to));
        current.or_else(|| self.generations().max()).unwrap_or(0)
    }
}

/// Owner and mode of the two files that are replaced: who could read them still can, but for a key that everybody could.
#[derive(Clone, Copy, Debug)]
struct Like {
    certificate: Access,
    key: Access,
}

impl Like {
    fn of(certificate: &Path, key: &Path) -> Self {
        Self {
            certificate: Access::of(certificate, 0o777).unwrap_or(Access::PUBLIC),
            key: Access::of(key, 0o640).unwrap_or(Access::PRIVATE),
        }
    }
}

/// Others reach a certificate in it by its name, and can't list it; the key has a mode of its own.
const PASSABLE: u32 = 0o711;

/// One step.
enum Step {
    Generation {
        folder: PathBuf,
        certificate: Option<Vec<u8>>,
        key: Option<Vec<u8>>,
        like: Like,
    },
    Link {
        at: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
}

impl Step {
    fn take(self) -> io::Result<()> {
        match self {
            Self::Generation {
                folder,
                certificate,
                key,
                like,
            } => {
                fs::create_dir_all(&folder)?;
                for folder in [Some(&*folder), folder.parent()].into_iter().flatten() {
                    fs::set_permissions(folder, fs::Permissions::from_mode(PASSABLE))?;
                }
                if let Some(key) = key {
                    replace(&folder.join(KEY), &key, like.key)?;
                }
                if let Some(certificate) = certificate {
                    replace(&folder.join(CERTIFICATE), &certificate, like.certificate)?;
                }
                folder.parent().map_or(Ok(()), sync)
            }
            Self::Link { at, to } => {
                let temporary = with(&at, ".new");
                let _ = fs::remove_file(&temporary);
                symlink(&to, &temporary)?;
                fs::rename(&temporary, &at)?;
                at.parent().map_or(Ok(()), sync)
            }
            Self::Remove(folder) => match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }
}

/// Writes one file. One that is there is replaced if asked, and kept beside it; says where.
pub(super) fn write_one(
    path: &Path,
    content: &[u8],
    (access, force): (Access, bool),
) -> Result<Option<PathBuf>, Failure> {
    let mut backup = None;
    if fs::symlink_metadata(path).is_ok() {
        if !force {
            return Err(exists(path));
        }
        let before = fs::read(path).map_err(|error| unwritable(path, &error))?;
        let beside = with(path, ".before");
        write(&beside, &before, access)?;
        backup = Some(beside);
    }
    write(path, content, access)?;
    Ok(backup)
}

fn readable(read: io::Result<Vec<u8>>) -> io::Result<Option<Vec<u8>>> {
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn number(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.parse().ok()
}

fn exists(path: &Path) -> Failure {
    Report::new("PKI-001", format!("{} is there already", path.display()))
        .why("Nothing was written.")
        .help("choose another place, or say --force: what is there is kept beside the new one")
        .usage()
}

#[cfg(test)]
mod tests;
