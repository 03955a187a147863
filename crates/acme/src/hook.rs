//! A program that edits a zone (dns-01).

use std::ffi::OsStr;
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
    /// There is no time any more.
    #[error("the record of {0} is still in its zone: the next run takes it back")]
    Left(String),
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
        let mut child = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
            child.env_remove(name);
        }
        let mut child = child
            .env("AEOLUS_ACME_ACTION", action.name())
            .env("AEOLUS_ACME_NAME", name)
            .env("AEOLUS_ACME_RECORD", format!("_acme-challenge.{name}"))
            .env("AEOLUS_ACME_VALUE", value)
            .stdin(Stdio::null())
            .stdout(Stdio::from(io::stderr()))
            .process_group(0)
            .spawn()
            .map(Group)
            .map_err(not_run)?;
        let Ok(ended) = tokio::time::timeout(self.patience, child.0.wait()).await else {
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

/// Whether a variable of the environment says something to this program alone, such as a passphrase or where the
/// database is. Programs of the operator's have their own, and get these not.
pub fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("AEOLUS_") || name.starts_with("SCIM_AUTH_CODE_") || name.contains("__")
}

/// A program that is ended with everything that it started, however whoever waits for it stops: an answer
/// that is taken back must not be given again by what was left running.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Absent once it has ended, and its number may be another's: what it left behind is its own affair.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
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

    #[test]
    fn what_is_said_to_this_program_is_said_to_no_other() {
        for (name, ours) in [
            ("AEOLUS_PKI_PASSPHRASE", true),
            ("CONTROL__DATABASE_URL", true),
            ("SCIM_AUTH_CODE_OKTA", true),
            ("PATH", false),
            ("CF_API_TOKEN", false),
        ] {
            assert_eq!(is_ours(OsStr::new(name)), ours, "{name}");
        }
    }

    #[tokio::test]
    async fn whoever_stops_waiting_ends_what_it_started_too() {
        let folder = tempfile::tempdir().unwrap();
        let child = folder.path().join("child");
        let script = format!("sleep 600 & echo $! >{}\nwait", child.display());
        let hook = hook(folder.path(), &script);
        let started = async {
            loop {
                let read = std::fs::read_to_string(&child).unwrap_or_default();
                if let Ok(id) = read.trim_end().parse::<i32>() {
                    return Pid::from_raw(id).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let id = tokio::select! {
            id = started => id,
            ended = hook.run(Action::Present, ("a.b", "v")) => panic!("it ended: {ended:?}"),
        };
        let gone = tokio::time::timeout(Duration::from_secs(10), async {
            while is_running(id) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        gone.await.unwrap();
    }

    /// Whether a process computes: who has ended may wait for its parent.
    fn is_running(id: Pid) -> bool {
        let stat = format!("/proc/{}/stat", id.as_raw_nonzero());
        std::fs::read_to_string(stat).is_ok_and(|stat| !stat.contains(") Z "))
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
