//! The login keychain of macOS, asked by `security`, which is part of it.
//!
//! What is to be kept goes into its standard input as a command of its interactive form, so that it is in
//! nobody's list of processes. That form cuts long lines and says of a command's failure nothing by its status, so what
//! was kept is read again: a keychain that has anything else has refused.

use std::path::{Path, PathBuf};
use std::process::Output;

use aeolus_model::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::process::Command;

use super::KeychainError;
use super::tool::{checked, run};

const SERVICE: &str = "aeolus";
/// The status of a program that found nothing (`errSecItemNotFound`, its last byte).
const NOT_FOUND: i32 = 44;

/// The keychain that is unlocked when somebody signs in to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoginKeychain {
    program: PathBuf,
}

impl Default for LoginKeychain {
    fn default() -> Self {
        Self {
            program: "/usr/bin/security".into(),
        }
    }
}

impl LoginKeychain {
    pub(super) async fn keep(
        &self,
        path: &Path,
        secret: &Secret<String>,
    ) -> Result<(), KeychainError> {
        let value = URL_SAFE_NO_PAD.encode(secret.expose());
        let line = format!(
            "add-generic-password -U -s {SERVICE} -a {} -l \"Aeolus sign-in\" -w {value}\n",
            quoted(account(path)?)
        );
        let mut command = Command::new(&self.program);
        let line = Secret::new(line);
        let said = self.run(command.arg("-i"), Some(&line)).await?;
        checked(&said)?;
        let kept = self.look_up(path).await.ok().flatten();
        if kept.is_some_and(|kept| kept.expose() == secret.expose()) {
            return Ok(());
        }
        self.forget(path).await?;
        let text = "it did not keep what it was given";
        Err(KeychainError::Refused(text.to_owned()))
    }

    pub(super) async fn look_up(
        &self,
        path: &Path,
    ) -> Result<Option<Secret<String>>, KeychainError> {
        let said = self.about("find-generic-password", path, &["-w"]).await?;
        if said.status.code() == Some(NOT_FOUND) {
            return Ok(None);
        }
        let value = checked(&said)?.trim_ascii_end();
        let secret = URL_SAFE_NO_PAD.decode(value).ok();
        let secret = secret.and_then(|bytes| String::from_utf8(bytes).ok());
        let foreign = || KeychainError::Refused("what it has is not ours".to_owned());
        secret
            .map(|text| Some(Secret::new(text)))
            .ok_or_else(foreign)
    }

    pub(super) async fn forget(&self, path: &Path) -> Result<(), KeychainError> {
        let said = self.about("delete-generic-password", path, &[]).await?;
        if said.status.code() == Some(NOT_FOUND) {
            return Ok(());
        }
        checked(&said).map(|_| ())
    }

    async fn about(&self, verb: &str, path: &Path, more: &[&str]) -> Result<Output, KeychainError> {
        let mut command = Command::new(&self.program);
        command.args([verb, "-s", SERVICE, "-a", account(path)?]);
        self.run(command.args(more), None).await
    }

    async fn run(
        &self,
        command: &mut Command,
        input: Option<&Secret<String>>,
    ) -> Result<Output, KeychainError> {
        let missing = KeychainError::Missing {
            program: "security",
            from: "it is part of macOS",
        };
        run(command, input, missing).await
    }
}

/// The name of the entry: the file that says the rest.
fn account(path: &Path) -> Result<&str, KeychainError> {
    let plain = path
        .to_str()
        .filter(|text| !text.contains(char::is_control));
    plain.ok_or_else(|| KeychainError::Refused("the file's name is not plain text".to_owned()))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests;
