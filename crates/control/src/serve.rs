//! Running the server.

use std::sync::Arc;

use aeolus_model::{Clock, Rng};
use aeolus_tls::{Listener, ServerTls};
use axum::Router;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::bootstrap::{self, ControlError};
use crate::config::ControlConfig;
use crate::connections::reload::{self, Reload};
use crate::{
    audit, connections, email, groups, jobs, keys, publish, router, scim, secured, server, tokens,
};

/// Where control really listens, and under which URL it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The API and the pages.
    pub control: aeolus_tls::Bound,
    /// Metrics.
    pub metrics: Option<aeolus_tls::Bound>,
    /// Provisioning.
    pub scim: Option<aeolus_tls::Bound>,
    /// The issuer: the public URL, without a trailing slash.
    pub issuer: String,
}

/// An opened control plane without listeners: what tests drive.
pub struct Control {
    app: App,
}

impl Control {
    /// Opens the database, the keys and the rest, under a known public URL.
    pub async fn open(
        config: &ControlConfig,
        issuer: &str,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, ControlError> {
        let app = bootstrap::open(config, issuer.to_owned(), clock, rng).await?;
        Ok(Self { app })
    }

    /// Lets what it was started with count for every replica, once it answers requests: of several that were
    /// started with something else, the last one to get so far.
    pub async fn started(&self) -> Result<(), aeolus_store::StoreError> {
        let app = &self.app;
        app.built_ins.note(&app.store, app.clock.now()).await
    }

    /// Every route.
    pub fn router(&self) -> Router {
        router::router(self.app.clone())
    }

    /// The routes of the listener that is for provisioning alone.
    pub fn scim_router(&self) -> Router {
        router::scim(self.app.clone())
    }

    /// The metrics listener's routes.
    pub fn metrics_router(&self) -> Router {
        router::metrics(self.app.clone())
    }

    /// Runs the publisher, the keepers of our keys and the providers', the audit log's sinks, the sender of
    /// e-mails, who asks providers for groups, the senders of SCIM events, who looks after certificates and the
    /// housekeeping until shutdown.
    pub async fn work(&self, shutdown: CancellationToken) {
        tokio::join!(
            publish::run(self.app.clone(), shutdown.clone()),
            publish::renew(self.app.clone(), shutdown.clone()),
            keys::run(self.app.clone(), shutdown.clone()),
            connections::run(self.app.clone(), shutdown.clone()),
            tokens::note_uses(self.app.clone(), shutdown.clone()),
            audit::run(self.app.clone(), shutdown.clone()),
            email::run(self.app.clone(), shutdown.clone()),
            groups::run(self.app.clone(), shutdown.clone()),
            scim::run(self.app.clone(), shutdown.clone()),
            scim::events::run(self.app.clone(), shutdown.clone()),
            secured::run(self.app.clone(), shutdown.clone()),
            jobs::run(self.app.clone(), shutdown),
        );
    }

    /// Takes what whoever looks at the configuration finds, until shutdown.
    pub async fn follow(&self, reloads: mpsc::Receiver<Reload>, shutdown: CancellationToken) {
        reload::follow(self.app.clone(), reloads, shutdown).await;
    }

    /// One round of housekeeping, as [`Control::work`] does every quarter of an hour: forgets what nobody
    /// needs, and says what there is to say of API tokens.
    pub async fn tend(&self) -> Result<(), aeolus_store::StoreError> {
        jobs::tend(&self.app).await
    }

    async fn close(&self) {
        self.app.store.close().await;
    }
}

/// Runs control until told to stop. `ready` gets the real addresses once requests are answered; `reloads` brings
/// what is found of the configuration from then on.
pub async fn serve(
    mut config: ControlConfig,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    (ready, reloads): (oneshot::Sender<Bound>, mpsc::Receiver<Reload>),
    shutdown: CancellationToken,
) -> Result<(), ControlError> {
    let listener = Listener::bind("control", &config.listen, &mut config.handed_over).await?;
    let metrics = match &config.metrics {
        Some(at) => Some(Listener::bind("metrics", at, &mut config.handed_over).await?),
        None => None,
    };
    let scim = match &config.scim.listen {
        Some(at) => Some(Listener::bind("scim", at, &mut config.handed_over).await?),
        None => None,
    };
    let told = (listener.bound(), config.tls.control.is_some());
    let issuer = bootstrap::issuer(config.public_url.as_deref(), told)?;
    let control = Control::open(&config, &issuer, clock, rng).await?;
    let bound = Bound {
        control: listener.bound().clone(),
        metrics: metrics.as_ref().map(|metrics| metrics.bound().clone()),
        scim: scim.as_ref().map(|scim| scim.bound().clone()),
        issuer,
    };
    let servers = TaskTracker::new();
    let tls = &control.app.tls;
    let start = |listener: Listener, tls: Option<&ServerTls>, routes: Router| {
        let tls = secured::at(tls, listener.bound());
        let shutdown = shutdown.clone();
        let places = server::Places::behind(config.trusted_hops);
        servers.spawn(server::run((listener, tls), places, routes, shutdown));
    };
    start(listener, tls.control.as_ref(), control.router());
    if let Some(metrics) = metrics {
        start(metrics, tls.metrics.as_ref(), control.metrics_router());
    }
    if let Some(scim) = scim {
        start(scim, tls.scim.as_ref(), control.scim_router());
    }
    servers.close();
    if let Err(error) = control.started().await {
        shutdown.cancel();
        return Err(error.into());
    }
    // Nobody waiting for the addresses is no reason not to serve.
    let _ = ready.send(bound);
    let reloading = control.follow(reloads, shutdown.clone());
    tokio::join!(Box::pin(control.work(shutdown)), reloading);
    servers.wait().await;
    control.close().await;
    Ok(())
}
