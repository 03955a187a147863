//! Arguments of `kube certificates` and `kube pull-certificate`.

use std::path::PathBuf;

use aeolus_api::Period;
use clap::Args;

use super::KubeAccess;

/// The Secret with the certificate of control's signing key.
#[derive(Debug, Args)]
pub(crate) struct KubeSigning {
    /// The release whose Secret it is: RELEASE-houston-jwt-signing-certificate.
    #[arg(long, value_name = "RELEASE")]
    pub(crate) release: String,
    /// The namespace that the Secret lies in: the platform's own.
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) namespace: String,
    /// Take the Secret over from whoever wrote it, such as the original's job. Without it, a Secret of somebody
    /// else's is left alone, and that is an error.
    #[arg(long)]
    pub(crate) force: bool,
    /// Have the cluster check it, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) access: KubeAccess,
}

/// `kube certificates`.
#[derive(Debug, Args)]
pub(crate) struct KubeCertificates {
    /// The folder of a gate of the cluster's plane. It is only read, as the gate's own user.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) signing: KubeSigning,
    /// How old what the gate knows may be. An older certificate is not written.
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    pub(crate) max_age: Period,
    /// Go on, and write the Secret whenever it should be another one: within seconds of a change at control.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) watch: bool,
    /// Write figures for Prometheus (node exporter's textfile collector): which revision the cluster has, until when it is good, and whether
    /// it could be written.
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
}

/// `kube pull-certificate`.
#[derive(Debug, Args)]
pub(crate) struct KubePullCertificate {
    /// The URL of control, or of the key itself (/v1/.well-known/jwks.json).
    #[arg(long, value_name = "URL")]
    pub(crate) from: String,
    #[command(flatten)]
    pub(crate) signing: KubeSigning,
    /// How often it is tried again where control can't be reached or has a fault.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) retries: u32,
    /// How long it waits before each of these tries.
    #[arg(long, value_name = "PERIOD", default_value = "10s")]
    pub(crate) retry_after: Period,
    /// Fetch it without encryption, where whoever is on the way can put another certificate in its place.
    #[arg(long)]
    pub(crate) plain_http: bool,
}
