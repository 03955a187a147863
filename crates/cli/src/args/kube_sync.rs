//! Arguments of `kube sync`.

use std::net::SocketAddr;
use std::path::PathBuf;

use aeolus_api::Period;
use clap::{Args, Subcommand};

use super::KubeAccess;

/// `kube sync`: a pass, or one of its questions.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct KubeSync {
    #[command(subcommand)]
    pub(crate) question: Option<KubeSyncQuestion>,
    #[command(flatten)]
    pub(crate) run: KubeSyncRun,
}

/// What can be asked without changing anything.
#[derive(Debug, Subcommand)]
pub(crate) enum KubeSyncQuestion {
    /// Show what a pass would write and delete. Ends with 2 if it is anything.
    Plan(KubeSyncPlan),
    /// Show each source with the state of its copies, who syncs, and when the last pass was.
    Status(KubeSyncScope),
    /// Show why a Secret goes where it goes, or where a copy is from.
    Explain(KubeSyncExplain),
}

/// From where to where, and how annotations are read.
#[derive(Debug, Args)]
pub(crate) struct KubeSyncScope {
    /// The namespace that sources lie in: the platform's own; absent: that of the context or pod.
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) source_namespace: Option<String>,
    /// The namespaces that copies may go to, by name; absent: every one that a source asks for.
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',')]
    pub(crate) target_namespaces: Vec<String>,
    /// The release whose deployments' namespaces carry the label platform-release=RELEASE.
    #[arg(long, value_name = "RELEASE")]
    pub(crate) release: Option<String>,
    /// Which namespaces a source means that says none; absent: those of the release.
    #[arg(long, value_name = "LABELS")]
    pub(crate) selector: Option<String>,
    /// Take the original's annotation by the rules of our own: no other release's name, no private key unless the source says so.
    #[arg(long)]
    pub(crate) strict: bool,
    /// A label that copies take over from their source; may be given more than once.
    #[arg(long, value_name = "KEY")]
    pub(crate) copy_label: Vec<String>,
    #[command(flatten)]
    pub(crate) access: KubeAccess,
}

/// `kube sync plan`.
#[derive(Debug, Args)]
pub(crate) struct KubeSyncPlan {
    #[command(flatten)]
    pub(crate) scope: KubeSyncScope,
    /// Plan deletions however many they are.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `kube sync explain`.
#[derive(Debug, Args)]
pub(crate) struct KubeSyncExplain {
    /// The Secret.
    #[arg(value_name = "NAMESPACE/NAME")]
    pub(crate) secret: String,
    #[command(flatten)]
    pub(crate) scope: KubeSyncScope,
}

/// A pass, or passes.
#[derive(Debug, Args)]
pub(crate) struct KubeSyncRun {
    #[command(flatten)]
    pub(crate) scope: KubeSyncScope,
    /// Go on: a pass whenever a source, a copy or a namespace changes.
    #[arg(long)]
    pub(crate) watch: bool,
    /// With --watch, how long after a pass the next one is made though nothing seems to have changed.
    #[arg(long, value_name = "PERIOD", default_value = "5m", requires = "watch")]
    pub(crate) interval: Period,
    /// How often the values of copies are read, which finds what somebody changed under right marks.
    #[arg(long, value_name = "PERIOD", default_value = "1h")]
    pub(crate) full_every: Period,
    /// How long a pass may take.
    #[arg(long, value_name = "PERIOD", default_value = "5m")]
    pub(crate) timeout: Period,
    /// Delete copies however many they are: not more than 20 at once, or half of them, without it.
    #[arg(long)]
    pub(crate) force: bool,
    /// The Lease in the source namespace by which one of several writes at a time.
    #[arg(long, value_name = "NAME", default_value = "aeolus-kube-sync")]
    pub(crate) lease: String,
    /// Write the certificate of control's signing key into the source namespace first, from this folder of a gate of the cluster's plane.
    #[arg(long, value_name = "DIR", requires = "release")]
    pub(crate) data: Option<PathBuf>,
    /// How old what the gate knows may be. An older certificate is not written.
    #[arg(long, value_name = "PERIOD", default_value = "24h", requires = "data")]
    pub(crate) max_age: Period,
    /// Write figures for Prometheus (node exporter's textfile collector) after each pass.
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
    /// Show the same figures at this address, under /metrics.
    #[arg(long, value_name = "ADDRESS", requires = "watch")]
    pub(crate) metrics_listen: Option<SocketAddr>,
}
