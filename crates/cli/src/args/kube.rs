//! Arguments of `kube`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    KubeApplyTls, KubeCertificates, KubeCheck, KubePullCertificate, KubeRenew, KubeRestartIngress,
    KubeSync,
};

/// Kubernetes clusters.
#[derive(Debug, Subcommand)]
pub(crate) enum KubeCommand {
    /// Write the certificate of control's signing key into the cluster, from what a gate of its plane has verified: at once, and
    /// with --watch within seconds of each change at control.
    Certificates(KubeCertificates),
    /// Fetch the certificate of control's signing key from control, and write it into the cluster: where there is no gate.
    PullCertificate(KubePullCertificate),
    /// Copy annotated Secrets of one namespace to those that need them, and keep the copies equal: one pass, or with --watch for good.
    Sync(Box<KubeSync>),
    /// Put a certificate and its key into a Secret of the type kubernetes.io/tls, once the two are known to serve.
    ApplyTls(Box<KubeApplyTls>),
    /// Say what is wrong with the certificates of a cluster's Secrets, as `aeolus pki check` does.
    ///
    /// Exit status: 0 nothing, 1 an error, 2 something can't be read, 3 only warnings.
    Check(KubeCheck),
    /// Issue the certificate of a Secret again, with a new key, and wait until servers show it.
    Renew(Box<KubeRenew>),
    /// Restart who serves certificates, pod by pod, and wait until all pods are new.
    RestartIngress(KubeRestartIngress),
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
