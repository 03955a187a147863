//! What a gate is told, where it really listens, and why it doesn't start.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use aeolus_api::Listen;
use aeolus_api::client::ClientError;
use aeolus_api::egress::Way;
use aeolus_snapshot::SnapshotError;
use aeolus_tls::{BindError, ClientFiles, HandedOver, Kept, PairFiles, TlsError};
use tokio::sync::{mpsc, oneshot};

use crate::replica::DataError;
use crate::settings::Live;
use crate::siblings::SiblingConfig;
use crate::upstream::UpstreamTls;

/// What a gate is told.
#[derive(Default)]
pub struct GateConfig {
    /// Its data folder, made by `gate enroll`.
    pub data: PathBuf,
    /// Where proxies and Airflow ask: loopback addresses and Unix sockets, others only with
    /// `live.proxies`, because whoever can ask gets an Airflow token.
    pub checks: Vec<Listen>,
    /// Where Envoy asks over gRPC; as local as `checks`.
    pub grpc: Option<Listen>,
    /// Where Apache asks over FastCGI; as local as `checks`.
    pub fastcgi: Option<Listen>,
    /// The built-in proxy's address.
    pub proxy: Option<Listen>,
    /// Where metrics are read.
    pub metrics: Option<Listen>,
    /// Where replicas of the same plane meet.
    pub siblings: SiblingConfig,
    /// TLS of the listeners.
    pub tls: ListenerTls,
    /// Control's address, where it differs from the one it enrolled with.
    pub control: Option<String>,
    /// TLS towards it.
    pub control_tls: ClientFiles,
    /// The way out to identity providers, at sign-ins while control is away.
    pub egress: Way,
    /// How applications that speak TLS prove who they are; without it, none is reached.
    pub upstream_tls: UpstreamTls,
    /// What else is read again when its files are others, such as whom `egress`, `siblings` and `upstream_tls` believe.
    pub kept: Vec<Arc<dyn Kept>>,
    /// What may change while it runs.
    pub live: Live,
    /// Where other such settings come from, if from anywhere.
    pub reloads: Option<mpsc::Receiver<Reload>>,
    /// The file that chooses the path of everything on the plane; none: `kill-switch` in the data folder.
    pub kill_switch: Option<PathBuf>,
    /// How often every deployment is probed, if at all.
    pub probe: Option<Duration>,
    /// Counts the lines of its log that were not written.
    pub lines_lost: Arc<AtomicU64>,
    /// Sockets that a service manager opened: `checks`, `grpc`, `fastcgi`, `proxy`, `metrics`,
    /// `siblings`.
    pub handed_over: HandedOver,
}

/// The certificates of listeners; those without one speak plainly. Unix sockets do at any rate, but the proxy's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerTls {
    /// Of HTTP checks.
    pub checks: Option<PairFiles>,
    /// Of checks over gRPC.
    pub grpc: Option<PairFiles>,
    /// Of the built-in proxy; none where a load balancer ends TLS.
    pub proxy: Option<PairFiles>,
    /// Of metrics.
    pub metrics: Option<PairFiles>,
    /// Of siblings.
    pub siblings: Option<PairFiles>,
}

/// Other settings for a gate that runs.
pub struct Reload {
    /// The settings, all of them.
    pub live: Live,
    /// Told what became of them: in force, or refused and without any effect.
    pub taken: oneshot::Sender<Result<(), GateError>>,
}

impl GateConfig {
    /// Whether no listener that others could reach is without a guard. Only the HTTP checks can be
    /// guarded.
    pub(crate) fn check(&self) -> Result<(), GateError> {
        let mut bare = self.grpc.iter().chain(&self.fastcgi);
        match bare.find(|listen| !listen.is_local()) {
            Some(listen) => Err(GateError::ChecksExposed(String::from(listen.clone()))),
            None => check_guard(&self.checks, &self.live),
        }
    }
}

/// Whether checks that others could reach are guarded.
pub(crate) fn check_guard(checks: &[Listen], live: &Live) -> Result<(), GateError> {
    let guarded = live.proxies.is_complete();
    let bare = checks.iter().find(|listen| !guarded && !listen.is_local());
    bare.map_or(Ok(()), |listen| {
        Err(GateError::ChecksExposed(String::from(listen.clone())))
    })
}

/// Where a gate really listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Checks, in the order of the configuration.
    pub checks: Vec<aeolus_tls::Bound>,
    /// Checks over gRPC.
    pub grpc: Option<aeolus_tls::Bound>,
    /// Checks over FastCGI.
    pub fastcgi: Option<aeolus_tls::Bound>,
    /// The built-in proxy.
    pub proxy: Option<aeolus_tls::Bound>,
    /// Metrics.
    pub metrics: Option<aeolus_tls::Bound>,
    /// Siblings.
    pub siblings: Option<aeolus_tls::Bound>,
}

/// Why a gate doesn't start, or doesn't take other settings.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The data folder.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Control's address.
    #[error("control's address can't be used: {0}")]
    Control(#[from] ClientError),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A check listener that others could reach.
    #[error(
        "GATE-0001: checks must not listen on {0}: whoever can ask gets an Airflow token; use a loopback address or unix:PATH, or say for the HTTP checks by gate.checksFrom and gate.proxySecret (32 characters or more) who may ask"
    )]
    ChecksExposed(String),
    /// Other rails, under which the snapshot in force can't be read again.
    #[error("GATE-0010: the snapshot in force can't be read again for other gate.rails: {0}")]
    Rebuild(SnapshotError),
}
