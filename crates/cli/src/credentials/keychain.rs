//! The desktop's keychain: the freedesktop.org Secret Service, asked by `secret-tool`, which comes with libsecret.
//!
//! A program rather than a library: the D-Bus stack would be a sixth of what this command line links, and
//! whoever has a keychain has or gets this program with it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use aeolus_model::Secret;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::config::Environment;

/// How long somebody may take to unlock it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The keychain of whoever runs the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keychain {
    program: PathBuf,
}

/// Why the keychain is of no use now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeychainError {
    /// The program isn't installed.
    #[error("there is no `secret-tool` (Debian: libsecret-tools; Fedora: libsecret)")]
    Missing,
    /// It can't be run.
    #[error("`secret-tool` can't be run: {0}")]
    Broken(io::Error),
    /// Nobody unlocked it.
    #[error("the keychain did not answer for a minute")]
    Silent,
    /// It said no.
    #[error("the keychain refused: {0}")]
    Refused(String),
}

impl Default for Keychain {
    fn default() -> Self {
        Self {
            program: "secret-tool".into(),
        }
    }
}

impl Keychain {
    /// The keychain, where the environment is that of a desktop session that may have one.
    pub(crate) fn of_session(environment: &Environment) -> Option<Self> {
        let named = environment.get("DBUS_SESSION_BUS_ADDRESS").is_some();
        let folder = environment.get("XDG_RUNTIME_DIR");
        let usual = || folder.is_some_and(|folder| Path::new(&folder).join("bus").exists());
        (named || usual()).then(Self::default)
    }

    /// Keeps a secret for the sign-in at this path, in place of the one before.
    pub(crate) async fn keep(
        &self,
        path: &Path,
        secret: &Secret<String>,
    ) -> Result<(), KeychainError> {
        let label = format!("--label=Aeolus sign-in ({})", path.display());
        let said = self.run(&["store", &label], path, Some(secret)).await?;
        checked(&said).map(|_| ())
    }

    /// What is kept for the sign-in at this path.
    pub(crate) async fn look_up(
        &self,
        path: &Path,
    ) -> Result<Option<Secret<String>>, KeychainError> {
        let said = self.run(&["lookup"], path, None).await?;
        if !said.status.success() && said.stderr.is_empty() {
            return Ok(None);
        }
        let secret = String::from_utf8(checked(&said)?.to_vec());
        let not_text = |_| KeychainError::Refused("what it has is not text".to_owned());
        secret
            .map(|secret| Some(Secret::new(secret)))
            .map_err(not_text)
    }

    /// Forgets what is kept for the sign-in at this path.
    pub(crate) async fn forget(&self, path: &Path) -> Result<(), KeychainError> {
        let said = self.run(&["clear"], path, None).await?;
        if !said.status.success() && said.stderr.is_empty() {
            return Ok(());
        }
        checked(&said).map(|_| ())
    }

    /// Runs the program. A secret goes through a pipe, never into its arguments.
    async fn run(
        &self,
        verb: &[&str],
        path: &Path,
        secret: Option<&Secret<String>>,
    ) -> Result<Output, KeychainError> {
        let mut command = Command::new(&self.program);
        command
            .args(verb)
            .args(["application", "aeolus", "file"])
            .arg(path);
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = piped.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => KeychainError::Missing,
            _ => KeychainError::Broken(error),
        })?;
        let stdin = child.stdin.take();
        let talk = async {
            if let (Some(mut stdin), Some(secret)) = (stdin, secret) {
                stdin.write_all(secret.expose().as_bytes()).await?;
            }
            child.wait_with_output().await
        };
        let said = tokio::time::timeout(PATIENCE, talk).await;
        said.map_err(|_| KeychainError::Silent)?
            .map_err(KeychainError::Broken)
    }
}

/// What it printed, if it did what it was told.
fn checked(said: &Output) -> Result<&[u8], KeychainError> {
    if said.status.success() {
        return Ok(&said.stdout);
    }
    let text = String::from_utf8_lossy(&said.stderr);
    let line = text.lines().find(|line| !line.trim().is_empty());
    Err(KeychainError::Refused(line.map_or_else(
        || ended(said.status),
        |line| line.trim().to_owned(),
    )))
}

fn ended(status: ExitStatus) -> String {
    format!("it ended with {status}")
}
