//! A gate as a program runs it: its data folder, its listeners, its tasks.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_model::{Clock, Rng};
use aeolus_tls::{Keeper, Listener};
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
use crate::secured::{self, Secured, behind};
use crate::server::{self, Handler};
use crate::settings::Settings;
use crate::{fastcgi, listeners};

/// How often certificates are looked at.
const RENEWED: Duration = Duration::from_secs(5);

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
    let mut certificates = Keeper::default();
    let client = match url.filter(|url| !url.is_empty()) {
        Some(url) => {
            let tls = config.control_tls.open()?;
            tls.kept
                .into_iter()
                .for_each(|kept| certificates.keep(kept));
            Some(Client::with_tls(&url, tls.config)?)
        }
        None => None,
    };
    let secured = Secured::open(&config.tls, &mut certificates)?;
    for kept in std::mem::take(&mut config.kept) {
        certificates.keep(kept);
    }
    let certificates = Arc::new(certificates);
    let settings = Settings::new(std::mem::take(&mut config.live));
    let running = Running::open(
        &data,
        (
            client.as_ref(),
            &config.egress,
            std::mem::take(&mut config.upstream_tls),
        ),
        (
            &settings,
            Arc::clone(&config.lines_lost),
            Arc::clone(&certificates),
        ),
        (&clock, &rng),
    );
    let listeners = bind(&mut config).await?;
    let stop = CancellationToken::new();
    let servers = TaskTracker::new();
    let bound = start(listeners, (&running, &secured), (&servers, &stop));
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
        let beginning = running.begin_with(config.siblings);
        let stop = stop.clone();
        seen.spawn(async move { stop.run_until_cancelled(beginning).await });
    }
    if !certificates.is_empty() {
        let look = move || {
            certificates.look(clock.now());
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
    (running, secured): (&Running, &Secured),
    (servers, stop): (&TaskTracker, &CancellationToken),
) -> Bound {
    let gate = &running.gate;
    let mut bound = Bound::default();
    let start = |listener: Listener, handler: Arc<dyn Handler>| {
        let at = listener.bound().clone();
        servers.spawn(server::run(listener, handler, stop.clone()));
        at
    };
    let checks: Arc<dyn Handler> = Arc::new(listeners::Checks(Arc::clone(gate)));
    for listener in listeners.checks {
        let at = listener.bound();
        let handler = behind(secured.checks.as_ref(), Arc::clone(&checks), at);
        bound.checks.push(start(listener, handler));
    }
    bound.grpc = listeners.grpc.map(|listener| {
        let grpc = Arc::new(listeners::GrpcChecks(Arc::clone(gate)));
        let handler = behind(secured.grpc.as_ref(), grpc, listener.bound());
        start(listener, handler)
    });
    bound.fastcgi = listeners.fastcgi.map(|listener| {
        let at = listener.bound().clone();
        servers.spawn(fastcgi::run(listener, Arc::clone(gate), stop.clone()));
        at
    });
    bound.proxy = listeners.proxy.map(|listener| {
        let tls = secured::at(secured.proxy.as_ref(), listener.bound());
        let proxy = listeners::Proxy(Arc::clone(gate), tls.cloned());
        start(listener, Arc::new(proxy))
    });
    bound.metrics = listeners.metrics.map(|listener| {
        let metrics = Arc::new(listeners::Metrics(Arc::clone(gate)));
        let handler = behind(secured.metrics.as_ref(), metrics, listener.bound());
        start(listener, handler)
    });
    bound.siblings = listeners.siblings.map(|listener| {
        let siblings = Arc::new(running.siblings());
        let handler = behind(secured.siblings.as_ref(), siblings, listener.bound());
        start(listener, handler)
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
