//! `aeolus kube certificates`: from a gate's verified replica into the cluster, once or for as long as it runs.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aeolus_model::{Clock, SystemClock, rfc3339};
use aeolus_snapshot::Position;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cluster::{Cluster, Done, How, bring};
use super::figures::{self, Figures};
use super::replica;
use super::signing::{Target, Wanted};
use crate::args::{KubeCertificates, KubeSigning};
use crate::commands::Context;
use crate::commands::process::cancel_on_signal;
use crate::report::Failure;
use crate::ui::{self, Output, Table};

/// How often the replica's files are looked at: a `stat` of each.
const LOOK: Duration = Duration::from_secs(1);
/// How often the cluster is looked at though nothing changed here: somebody may have changed the Secret.
const FULL: Duration = Duration::from_secs(60);
/// How long after a failure it is tried again, at first and at last.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));
/// A large plane's replica takes a second to read. At most a fifth of the time goes into that.
const SHARE: u32 = 4;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    secret: String,
    done: Done,
    dry_run: bool,
    /// Of which position of control's feed the certificate in the cluster was when it was written.
    revision: Option<String>,
    sha256: String,
    not_after: String,
    #[serde(skip)]
    pub(super) figures: Figures,
}

impl Shown {
    pub(super) fn of(
        wanted: &Wanted,
        (done, written): (Done, Option<Position>),
        dry_run: bool,
    ) -> Self {
        let current = wanted.current();
        let of = |text: &dyn Fn(&aeolus_pki::Certificate) -> String| current.map(text);
        Self {
            secret: wanted.target().place().to_string(),
            done,
            dry_run,
            revision: written.map(|position| position.to_string()),
            sha256: of(&|one| one.fingerprint().to_string()).unwrap_or_default(),
            not_after: of(&|one| rfc3339(one.not_after.secs())).unwrap_or_default(),
            figures: Figures {
                not_after: current.map(|one| one.not_after),
                written,
                replica: wanted.position(),
            },
        }
    }

    pub(super) fn print(&self, output: Output) -> Result<(), Failure> {
        let mut table = Table::new(&["SECRET", "DONE", "REVISION", "GOOD UNTIL", "SHA-256"]);
        let done = self.done.name();
        table.row([
            self.secret.clone(),
            if self.dry_run {
                format!("{done} (dry run)")
            } else {
                done.to_owned()
            },
            self.revision.clone().unwrap_or_else(|| "-".to_owned()),
            self.not_after.clone(),
            self.sha256.clone(),
        ]);
        ui::answer(output, self, &table)
    }
}

/// Writes the Secret, and follows the replica where that is wanted.
pub(in crate::commands) async fn certificates(
    args: &KubeCertificates,
    context: &Context,
) -> Result<(), Failure> {
    let target = args.signing.target()?;
    let client = args.signing.access.client().await?;
    let work = Work {
        cluster: &client,
        folder: &args.data,
        max_age: args.max_age.duration(),
        target,
        how: args.signing.how(),
        clock: Arc::new(SystemClock),
        figures: args.metrics.as_deref(),
    };
    if args.watch {
        let shutdown = CancellationToken::new();
        cancel_on_signal(shutdown.clone())?;
        let say = |passed: Result<&Shown, &Failure>| match passed {
            Ok(shown) => shown.print(context.output),
            Err(failure) => {
                ui::note(failure.render().trim_end());
                Ok(())
            }
        };
        work.follow(&shutdown, &say).await
    } else {
        work.once().await?.print(context.output)
    }
}

/// What is brought where.
pub(super) struct Work<'a, C> {
    pub(super) cluster: &'a C,
    pub(super) folder: &'a Path,
    pub(super) max_age: Duration,
    pub(super) target: Target,
    pub(super) how: How,
    pub(super) clock: Arc<dyn Clock>,
    /// Where figures go.
    pub(super) figures: Option<&'a Path>,
}

impl<C: Cluster> Work<'_, C> {
    /// Once, with figures of what came of it.
    pub(super) async fn once(&self) -> Result<Shown, Failure> {
        let passed = self.pass().await;
        if let Some(path) = self.figures {
            let place = self.target.place();
            let shown = passed.as_ref().ok().map(|shown| &shown.figures);
            figures::write(path, place, (shown, self.clock.now()))?;
        }
        passed
    }

    async fn pass(&self) -> Result<Shown, Failure> {
        let held = replica::read(self.folder, self.max_age, &self.clock).await?;
        let now = self.clock.now();
        let wanted = Wanted::of_replica(&self.target, &held, now)?;
        let brought = bring(self.cluster, &wanted, self.how, now).await?;
        let dry_run = self.how.dry == aeolus_kube::Dry::Run;
        Ok(Shown::of(&wanted, brought, dry_run))
    }

    /// Again and again, until shutdown: when the replica's files are others, after a failure, and now and then. What
    /// fails is said once; the certificate that the cluster has stays.
    pub(super) async fn follow(
        &self,
        shutdown: &CancellationToken,
        say: &impl Fn(Result<&Shown, &Failure>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut said: Option<Failure> = None;
        let mut wait = AGAIN.0;
        let mut first = true;
        loop {
            // Before it is read: what is replaced meanwhile is read again.
            let (seen, started) = (versions(self.folder), Instant::now());
            let passed = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                passed = self.once() => passed,
            };
            let rest = (started.elapsed() * SHARE).clamp(LOOK, FULL);
            let due = match passed {
                Ok(shown) => {
                    if first || said.is_some() || shown.done != Done::Unchanged {
                        say(Ok(&shown))?;
                    }
                    (first, said, wait) = (false, None, AGAIN.0);
                    started + FULL
                }
                Err(failure) => {
                    if said.as_ref() != Some(&failure) {
                        say(Err(&failure))?;
                    }
                    said = Some(failure);
                    let due = Instant::now() + wait;
                    wait = (wait * 2).min(AGAIN.1);
                    due
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(rest) => {}
            }
            while Instant::now() < due && versions(self.folder) == seen {
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        }
    }
}

/// A file's place, last change and size.
type Version = Option<(u64, u64, i64, i64, u64)>;

/// Which files the replica consists of now: the manifests of both generations, and the root document.
fn versions(folder: &Path) -> [Version; 3] {
    ["replica/a/manifest", "replica/b/manifest", "root.json"].map(|name| {
        let found = std::fs::metadata(folder.join(name)).ok()?;
        let changed = (found.ctime(), found.ctime_nsec());
        Some((found.dev(), found.ino(), changed.0, changed.1, found.size()))
    })
}

impl KubeSigning {
    /// Which Secret is meant.
    pub(super) fn target(&self) -> Result<Target, Failure> {
        Target::new(&self.release, &self.namespace)
    }

    /// How it is written.
    pub(super) const fn how(&self) -> How {
        How {
            force: self.force,
            dry: if self.dry_run {
                aeolus_kube::Dry::Run
            } else {
                aeolus_kube::Dry::No
            },
        }
    }
}

#[cfg(test)]
mod tests;
