//! A keychain's program.

use std::io;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use aeolus_model::Secret;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::KeychainError;

/// How long somebody may take to unlock it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it. A secret goes through a pipe, never into its arguments.
pub(super) async fn run(
    command: &mut Command,
    input: Option<&Secret<String>>,
    missing: KeychainError,
) -> Result<Output, KeychainError> {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = piped.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing,
        _ => KeychainError::Broken(error),
    })?;
    let stdin = child.stdin.take();
    let talk = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            stdin.write_all(input.expose().as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let said = tokio::time::timeout(PATIENCE, talk).await;
    said.map_err(|_| KeychainError::Silent)?
        .map_err(KeychainError::Broken)
}

/// What it printed, if it did what it was told.
pub(super) fn checked(said: &Output) -> Result<&[u8], KeychainError> {
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
