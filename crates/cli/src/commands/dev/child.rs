//! One supervised process.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{ChildStdout, Command};

use crate::files;
use crate::report::{Failure, Report};

/// How long a process has to get ready.
const READY: Duration = Duration::from_secs(60);
/// How long it has to end in good order.
const END: Duration = Duration::from_secs(10);

/// A running process with its pid file.
pub(super) struct Child {
    name: &'static str,
    process: tokio::process::Child,
    stdout: Option<ChildStdout>,
    pid_file: PathBuf,
}

impl Child {
    /// Starts it.
    pub(super) fn start(
        name: &'static str,
        mut command: Command,
        pid_file: PathBuf,
    ) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Report::new("DEV-0005", format!("{name} can't be started: {error}")).failed()
        };
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let stdout = process.stdout.take();
        let pid = process.id().unwrap_or_default();
        files::write_private(&pid_file, format!("{pid}\n").as_bytes())?;
        Ok(Self {
            name,
            process,
            stdout,
            pid_file,
        })
    }

    /// Waits for its one line of JSON. What it has to say besides goes to standard error, which is
    /// ours.
    pub(super) async fn ready<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let name = self.name;
        let failed = |what: &str| {
            Report::new("DEV-0006", format!("{name} did not get ready: {what}"))
                .help("it says why above")
                .failed()
        };
        let Some(stdout) = self.stdout.take() else {
            return Err(failed("it was asked before"));
        };
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(READY, lines.next_line()).await;
        match line {
            Ok(Ok(Some(line))) => {
                serde_json::from_str(&line).map_err(|_| failed("it said something else"))
            }
            Ok(_) => Err(failed("it ended")),
            Err(_) => Err(failed("it takes longer than a minute")),
        }
    }

    /// Waits for its end, and says how it was.
    pub(super) async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Ends it in good order, or otherwise after ten seconds, and reaps it.
    pub(super) async fn end(&mut self) {
        let id = self.process.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
            if tokio::time::timeout(END, self.process.wait())
                .await
                .is_err()
            {
                let _ = self.process.kill().await;
            }
        }
        let _ = std::fs::remove_file(&self.pid_file);
    }
}
