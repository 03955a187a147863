//! SIGHUP: the configuration is read again, and takes effect as a whole or not at all.

use std::collections::BTreeSet;

use aeolus_gate::{Live, Reload};
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};

use super::{live, refused};
use crate::commands::Context;
use crate::commands::logs::{self, Logs};
use crate::config::{Effective, Sources};
use crate::report::Failure;

/// What takes effect without a restart, by how its path begins.
const LIVE: [&str; 7] = [
    "gate.checksFrom",
    "gate.trustedProxies",
    "gate.proxySecret",
    "gate.rails.",
    "limits.",
    "observability.allowSample",
    "compat.parentCookie.",
];

/// What concerns a gate at all.
const OF_A_GATE: [&str; 4] = ["gate.", "limits.", "observability.", "compat."];

/// Reads the configuration again when it is asked to.
pub(super) struct Reloader<'a> {
    pub(super) sources: Sources<'a>,
    pub(super) context: &'a Context,
    /// What is in force, as far as it can be.
    pub(super) effective: Effective,
    pub(super) logs: &'a Logs,
    pub(super) reloads: mpsc::Sender<Reload>,
}

impl Reloader<'_> {
    /// Serves one hangup after the other, for ever.
    pub(super) async fn run(&mut self, mut hangups: Signal) {
        while hangups.recv().await.is_some() {
            if let Err(failure) = self.reload().await {
                say(&failure);
            }
        }
    }

    /// What waits for a start is compared with what this process was started with.
    async fn reload(&mut self) -> Result<(), Failure> {
        let (effective, live, filter) = self.read()?;
        let (taken, answer) = oneshot::channel();
        let reload = Reload { live, taken };
        if self.reloads.send(reload).await.is_err() {
            return Ok(());
        }
        if let Ok(Err(error)) = answer.await {
            return Err(refused(&error));
        }
        self.logs.refilter(filter);
        let waits = restarts(&self.effective, &effective);
        if waits.is_empty() {
            tracing::info!("the configuration was reloaded");
        } else {
            tracing::warn!(
                waits = waits.join(", "),
                "the configuration was reloaded, but for what takes effect at the next start only"
            );
        }
        Ok(())
    }

    /// Everything, checked; nothing of it is in force yet.
    fn read(&self) -> Result<(Effective, Live, tracing_subscriber::EnvFilter), Failure> {
        let effective = self.sources.load()?;
        let live = live::live(&effective, self.context)?;
        let filter = logs::filter(&effective.config)?;
        Ok((effective, live, filter))
    }
}

/// The keys of a gate that changed and that only a start reads.
fn restarts(before: &Effective, after: &Effective) -> Vec<String> {
    let paths: BTreeSet<_> = before.values.keys().chain(after.values.keys()).collect();
    let value = |of: &Effective, path: &str| of.values.get(path).map(|(value, _)| value.clone());
    let changed = paths.into_iter().filter(|path| {
        let ours = OF_A_GATE.iter().any(|start| path.starts_with(start));
        ours && !is_live(path) && value(before, path) != value(after, path)
    });
    changed.cloned().collect()
}

fn is_live(path: &str) -> bool {
    path == "observability.log" || LIVE.iter().any(|start| path.starts_with(start))
}

fn say(failure: &Failure) {
    for report in &failure.reports {
        tracing::error!(
            code = report.code(),
            error = report.what(),
            "the configuration was not reloaded: what was in force stays in force"
        );
    }
}
