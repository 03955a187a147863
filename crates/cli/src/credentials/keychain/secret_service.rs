//! The freedesktop.org Secret Service, asked by `secret-tool`, which comes with libsecret.

use std::path::{Path, PathBuf};
use std::process::Output;

use aeolus_model::Secret;
use tokio::process::Command;

use super::KeychainError;
use super::tool::{checked, run};
use crate::config::Environment;

/// Whatever answers as Secret Service: GNOME Keyring, `KWallet`, `KeePassXC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretService {
    program: PathBuf,
}

impl Default for SecretService {
    fn default() -> Self {
        Self {
            program: "secret-tool".into(),
        }
    }
}

/// Whether there is a session bus, on which one may be.
pub(super) fn may_answer(environment: &Environment) -> bool {
    let named = environment.get("DBUS_SESSION_BUS_ADDRESS").is_some();
    let folder = environment.get("XDG_RUNTIME_DIR");
    let usual = || folder.is_some_and(|folder| Path::new(&folder).join("bus").exists());
    named || usual()
}

impl SecretService {
    pub(super) async fn keep(
        &self,
        path: &Path,
        secret: &Secret<String>,
    ) -> Result<(), KeychainError> {
        let label = format!("--label=Aeolus sign-in ({})", path.display());
        let said = self.run(&["store", &label], path, Some(secret)).await?;
        checked(&said).map(|_| ())
    }

    pub(super) async fn look_up(
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

    pub(super) async fn forget(&self, path: &Path) -> Result<(), KeychainError> {
        let said = self.run(&["clear"], path, None).await?;
        if !said.status.success() && said.stderr.is_empty() {
            return Ok(());
        }
        checked(&said).map(|_| ())
    }

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
        let missing = KeychainError::Missing {
            program: "secret-tool",
            from: "Debian: libsecret-tools; Fedora: libsecret",
        };
        run(&mut command, secret, missing).await
    }
}
