//! A gate as a program runs it: its data folder, its listeners, its tasks.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_model::{Clock, Rng};
use aeolus_tls::{Listener, ServerTls};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::DRAIN;
use crate::again::again;
use crate::bind::{Listeners, bind};
use crate::config::{Bound, GateConfig, GateError};
use crate::drill::{self, Orders};
use crate::gate::Gate;
use crate::replica::Data;
use crate::replica::fs::SystemFs;
use crate::running::Running;
use crate::server::{self, Handler};
use crate::settings::Settings;
use crate::{fastcgi, listeners};

/// How often certificates are looked at.
const RENEWED: Duration = Duration::from_secs(10);

/// The kill switch, where the configuration names no other file: in the data folder.
const KILL_SWITCH: &str = "kill-switch";

/// Runs a gate until told to stop. What is on disk decides at once; control is not waited for.
/// `ready` gets the real addresses as soon as every listener accepts.
pub async fn serve(
    mut config: GateConfig,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    ready: oneshot::Sender<Bound>,
    shutdown: CancellationToken,
) -> Result<(), GateError> {
    config.check()?;
    let data = Data::open(&config.data, Arc::new(SystemFs))?;
    let url = config.control.take().or(data.settings.control_url.clone());
    let mut certificates = Vec::new();
    let client = match url.filter(|url| !url.is_empty()) {
        Some(url) => {
            let tls = config.control_tls.open()?;
            certificates.extend(tls.own);
            Some(Client::with_tls(&url, tls.config)?)
        }
        None => None,
    };
    let proxy_tls = config.proxy_tls.take().map(ServerTls::open).transpose()?;
    certificates.extend(proxy_tls.as_ref().map(|tls| Arc::clone(tls.certificate())));
    let settings = Settings::new(std::mem::take(&mut config.live));
    let running = Running::open(
        &data,
        (client.as_ref(), &config.egress),
        (&settings, Arc::clone(&config.lines_lost)),
        (&clock, &rng),
    );
    let listeners = bind(&mut config).await?;
    let stop = CancellationToken::new();
    let servers = TaskTracker::new();
    let bound = start(listeners, (&running, proxy_tls), (&servers, &stop));
    servers.close();
    let (seen, over) = (TaskTracker::new(), CancellationToken::new());
    if let Some(reloads) = config.reloads.take() {
        let reloading = running.reload(config.checks, settings, reloads);
        let over = over.clone();
        seen.spawn(async move { over.run_until_cancelled(reloading).await });
    }
    let switch = config.kill_switch.take();
    let switch = switch.unwrap_or_else(|| config.data.join(KILL_SWITCH));
    running.see(&seen, (config.probe, switch), (&stop, &over));
    let orders = Orders::of(&config.data, Arc::new(SystemFs));
    seen.spawn(drill::watch(
        Arc::clone(&running.gate),
        orders,
        stop.clone(),
    ));
    if !config.siblings.peers.is_empty() {
        let beginning = running.begin_with(config.siblings.peers);
        let stop = stop.clone();
        seen.spawn(async move { stop.run_until_cancelled(beginning).await });
    }
    if !certificates.is_empty() {
        let look = move || {
            for certificate in &certificates {
                certificate.look();
            }
        };
        seen.spawn(again(
            RENEWED,
            "looking at certificates",
            look,
            stop.clone(),
        ));
    }
    seen.close();
    // Nobody waiting for the addresses is no reason not to serve.
    let _ = ready.send(bound);
    let gate = Arc::clone(&running.gate);
    let ending = async {
        drained(&gate, &shutdown).await;
        stop.cancel();
        tokio::join!(servers.wait(), gate.end(DRAIN));
        // The last decisions are written, too.
        over.cancel();
    };
    tokio::join!(Box::pin(running.tasks(stop.clone())), ending);
    seen.wait().await;
    Ok(())
}

/// Begins to answer at every listener.
fn start(
    listeners: Listeners,
    (running, proxy_tls): (&Running, Option<ServerTls>),
    (servers, stop): (&TaskTracker, &CancellationToken),
) -> Bound {
    let handler: [Arc<dyn Handler>; 4] = [
        Arc::new(listeners::Checks(Arc::clone(&running.gate))),
        Arc::new(listeners::GrpcChecks(Arc::clone(&running.gate))),
        Arc::new(listeners::Proxy(Arc::clone(&running.gate), proxy_tls)),
        Arc::new(listeners::Metrics(Arc::clone(&running.gate))),
    ];
    let [checks, grpc, proxy, metrics] = handler;
    let mut bound = Bound::default();
    let start = |listener: Listener, handler: &Arc<dyn Handler>| {
        let at = listener.bound().clone();
        let handler = Arc::clone(handler);
        servers.spawn(server::run(listener, handler, stop.clone()));
        at
    };
    for listener in listeners.checks {
        bound.checks.push(start(listener, &checks));
    }
    bound.grpc = listeners.grpc.map(|listener| start(listener, &grpc));
    bound.fastcgi = listeners.fastcgi.map(|listener| {
        let at = listener.bound().clone();
        let gate = Arc::clone(&running.gate);
        servers.spawn(fastcgi::run(listener, gate, stop.clone()));
        at
    });
    bound.proxy = listeners.proxy.map(|listener| start(listener, &proxy));
    bound.metrics = listeners.metrics.map(|listener| start(listener, &metrics));
    bound.siblings = listeners.siblings.map(|listener| {
        let siblings: Arc<dyn Handler> = Arc::new(running.siblings());
        start(listener, &siblings)
    });
    bound
}

/// Waits for the stop, says that no more requests should come, and gives whoever sends them time to
/// hear it.
async fn drained(gate: &Gate, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    gate.drain();
    let delay = gate.settings.now().drain_delay;
    if !delay.is_zero() {
        tracing::info!(seconds = delay.as_secs(), "draining");
        sleep(delay).await;
    }
}
