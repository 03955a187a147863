//! Arguments of `kube`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KubeCertificates, KubePullCertificate, KubeSync};

/// The cluster of a data plane.
#[derive(Debug, Subcommand)]
pub(crate) enum KubeCommand {
    /// Write the certificate of control's signing key into the cluster, from what a gate of its plane has verified: at once, and
    /// with --watch within seconds of each change at control.
    Certificates(KubeCertificates),
    /// Fetch the certificate of control's signing key from control, and write it into the cluster: where there is no gate.
    PullCertificate(KubePullCertificate),
    /// Copy annotated Secrets of one namespace to those that need them, and keep the copies equal: one pass, or with --watch for good.
    Sync(Box<KubeSync>),
}

/// How the cluster is reached.
#[derive(Debug, Args)]
pub(crate) struct KubeAccess {
    /// The kubeconfig; absent: `KUBECONFIG`, else ~/.kube/config, else the service account of the pod that this runs in.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context in it; absent: its current one.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}
