//! The working tree as the checks see it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// One working tree: its root and the files that are, or are about to be, tracked.
pub(crate) struct Repo {
    pub(crate) root: PathBuf,
    /// Paths relative to the root, sorted, with forward slashes.
    pub(crate) files: Vec<String>,
}

impl Repo {
    /// The repository this program was built from. Files that git ignores are left out; new ones
    /// that nobody added yet are not, so that a check fails before the commit and not after it.
    pub(crate) fn open() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in a folder of the repository")?
            .to_owned();
        let mut git = Command::new("git");
        // A checkout owned by another user is the rule in containers; listing its files is harmless.
        git.args(["-c", "safe.directory=*", "ls-files", "-z"])
            .args(["--cached", "--others", "--exclude-standard"])
            .current_dir(&root);
        let listing = String::from_utf8(run(&mut git)?).context("a file name is not UTF-8")?;
        let mut files: Vec<String> = listing
            .split_terminator('\0')
            // Deleted but not yet committed, or a nested checkout.
            .filter(|path| {
                root.join(path)
                    .symlink_metadata()
                    .is_ok_and(|meta| !meta.is_dir())
            })
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(Self { root, files })
    }

    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>> {
        fs::read(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }
}

/// Runs a program to its end and returns its standard output; a failure shows its standard error.
pub(crate) fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed ({}):\n{reason}", output.status);
    }
    Ok(output.stdout)
}

#[cfg(test)]
pub(crate) mod fixture {
    //! A repository in a temporary folder.

    use std::fs;

    use tempfile::TempDir;

    use super::Repo;

    /// The folder lives as long as the first value.
    pub(crate) fn repo(files: &[(&str, &str)]) -> (TempDir, Repo) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let target = folder.path().join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, text).unwrap();
        }
        let repo = Repo {
            root: folder.path().to_owned(),
            files: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
        };
        (folder, repo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_repository_lists_this_file_and_no_build_output() {
        let repo = Repo::open().unwrap();
        assert!(repo.files.iter().any(|path| path == "xtask/src/repo.rs"));
        assert!(!repo.files.iter().any(|path| path.starts_with("target/")));
    }

    #[test]
    fn failing_program_is_an_error_with_its_own_words() {
        let error = run(Command::new("sh").args(["-c", "echo out of wind >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("out of wind"), "{error}");
    }
}
