//! TLS of the listeners.

use std::sync::Arc;
use std::time::Duration;

use aeolus_tls::{Bound, Keeper, PairFiles, Protocol, ServerTls, TlsError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::ControlConfig;

/// How often certificates are looked at.
const RENEWED: Duration = Duration::from_secs(5);

/// What each listener shows, and all certificates of this process.
pub(crate) struct Secured {
    pub(crate) control: Option<ServerTls>,
    pub(crate) metrics: Option<ServerTls>,
    pub(crate) scim: Option<ServerTls>,
    pub(crate) certificates: Arc<Keeper>,
}

impl Secured {
    /// Reads the certificates.
    pub(crate) fn open(config: &ControlConfig) -> Result<Self, TlsError> {
        let mut keeper = Keeper::default();
        for kept in &config.kept {
            keeper.keep(Arc::clone(kept));
        }
        let mut open = |files: &Option<PairFiles>| {
            let files = files.as_ref();
            let opened = files.map(|files| keeper.server(files, Protocol::Http1));
            opened.transpose()
        };
        Ok(Self {
            control: open(&config.tls.control)?,
            metrics: open(&config.tls.metrics)?,
            scim: open(&config.tls.scim)?,
            certificates: Arc::new(keeper),
        })
    }
}

/// What a listener shows. A Unix socket is this machine's own.
pub(crate) fn at(tls: Option<&ServerTls>, bound: &Bound) -> Option<ServerTls> {
    tls.filter(|_| matches!(bound, Bound::Tcp(_))).cloned()
}

/// Looks after the certificates until shutdown, never on an async thread.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    if app.tls.certificates.is_empty() {
        return;
    }
    let mut ticks = interval(RENEWED);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let app = app.clone();
        let look = move || app.tls.certificates.look(app.clock.now());
        let looked = tokio::task::spawn_blocking(look);
        if let Some(Err(error)) = shutdown.run_until_cancelled(looked).await {
            tracing::error!(%error, "looking at certificates failed; trying again");
        }
    }
}
