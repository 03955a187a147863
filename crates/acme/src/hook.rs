//! A program that edits a zone (dns-01).

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// What a hook is asked to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Present,
    Cleanup,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Cleanup => "cleanup",
        }
    }
}

/// Why an answer was not given or taken back.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// No such program, or none that can be run.
    #[error("the hook {} can't be run: {source}", program.display())]
    NotRun {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It says so.
    #[error("the hook {} failed to {action} the record of {name}: {status}", program.display())]
    Failed {
        /// Which.
        program: PathBuf,
        /// What it was asked to do.
        action: &'static str,
        /// For which name.
        name: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It hangs.
    #[error("the hook {} had not done with the record of {name} after {secs} s, and was ended", program.display())]
    TooLong {
        /// Which.
        program: PathBuf,
        /// For which name.
        name: String,
        /// How long it had.
        secs: u64,
    },
    /// A record of an earlier run that nobody can remove.
    #[error(
        "the record of {0} is still in its zone, and there is no hook any more that removes it"
    )]
    None(String),
    /// The answer's file.
    #[error("the answer to a challenge: {0}")]
    File(io::Error),
}

/// The program, and how long it may take each time.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Its path. No shell is involved, and no arguments are given.
    pub program: PathBuf,
    /// The record has to be seen by the name's own servers by the time it ends.
    pub patience: Duration,
}

impl Hook {
    /// Runs it. What it prints goes to standard error.
    pub(crate) async fn run(
        &self,
        action: Action,
        (name, value): (&str, &str),
    ) -> Result<(), HookError> {
        let not_run = |source| HookError::NotRun {
            program: self.program.clone(),
            source,
        };
        let mut child = Command::new(&self.program)
            .env("AEOLUS_ACME_ACTION", action.name())
            .env("AEOLUS_ACME_NAME", name)
            .env("AEOLUS_ACME_RECORD", format!("_acme-challenge.{name}"))
            .env("AEOLUS_ACME_VALUE", value)
            .stdin(Stdio::null())
            .stdout(Stdio::from(io::stderr()))
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(not_run)?;
        let Ok(ended) = tokio::time::timeout(self.patience, child.wait()).await else {
            end(&mut child).await;
            return Err(HookError::TooLong {
                program: self.program.clone(),
                name: name.to_owned(),
                secs: self.patience.as_secs(),
            });
        };
        let status = ended.map_err(not_run)?;
        if status.success() {
            return Ok(());
        }
        Err(HookError::Failed {
            program: self.program.clone(),
            action: action.name(),
            name: name.to_owned(),
            status,
        })
    }
}

/// Ends it with everything that it started.
async fn end(child: &mut Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(group) = id.and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill().await;
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn hook(folder: &std::path::Path, script: &str) -> Hook {
        let program = folder.join("hook");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        Hook {
            program,
            patience: Duration::from_secs(10),
        }
    }

    #[tokio::test]
    async fn it_is_told_everything_by_its_environment() {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        let script = format!(
            "printf '%s %s %s %s' $AEOLUS_ACME_ACTION $AEOLUS_ACME_NAME $AEOLUS_ACME_RECORD $AEOLUS_ACME_VALUE >{}",
            said.display()
        );
        let hook = hook(folder.path(), &script);
        hook.run(Action::Present, ("a.b", "v")).await.unwrap();
        assert_eq!(
            std::fs::read_to_string(&said).unwrap(),
            "present a.b _acme-challenge.a.b v"
        );
        hook.run(Action::Cleanup, ("a.b", "v")).await.unwrap();
        assert!(
            std::fs::read_to_string(&said)
                .unwrap()
                .starts_with("cleanup")
        );
    }

    #[tokio::test]
    async fn one_that_fails_hangs_or_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let failing = hook(folder.path(), "exit 3");
        let error = failing
            .run(Action::Present, ("a.b", "v"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
        let mut hanging = hook(folder.path(), "sleep 600 & wait");
        hanging.patience = Duration::from_millis(200);
        let error = hanging
            .run(Action::Present, ("a.b", "v"))
            .await
            .unwrap_err();
        assert!(matches!(error, HookError::TooLong { .. }), "{error}");
        let gone = Hook {
            program: folder.path().join("gone"),
            patience: Duration::from_secs(1),
        };
        let error = gone.run(Action::Cleanup, ("a.b", "v")).await.unwrap_err();
        assert!(matches!(error, HookError::NotRun { .. }), "{error}");
    }
}
