//! A gate as a program runs it: its data folder, its listeners, its tasks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::Listen;
use aeolus_api::client::{Client, ClientError};
use aeolus_decide::World;
use aeolus_keys::SigningKey;
use aeolus_model::{Clock, Rng};
use aeolus_tls::{BindError, HandedOver, Listener};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::adapters::{ControlTokens, GateTime, ReplicaJournal, ReplicaSessions, WorldReplica};
use crate::fastcgi;
use crate::gate::{Gate, Parts};
use crate::listeners;
use crate::observe::probe;
use crate::ports::TokenEndpoint;
use crate::replica::fs::SystemFs;
use crate::replica::{
    self, ApiControl, Counters, Data, DataError, Outbox, Replica, SessionRenewals, SystemBootClock,
    Tasks,
};
use crate::server::{self, Handler};
use crate::settings::{Live, Settings};

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
    /// Control's address, where it differs from the one it enrolled with.
    pub control: Option<String>,
    /// What may change while it runs.
    pub live: Live,
    /// How often every deployment is probed, if at all.
    pub probe: Option<Duration>,
    /// Sockets that a service manager opened: `checks`, `grpc`, `fastcgi`, `proxy`, `metrics`.
    pub handed_over: HandedOver,
}

impl GateConfig {
    /// A listener that others could reach and nothing guards. Only the HTTP checks can be guarded.
    fn exposed(&self) -> Option<&Listen> {
        let guarded = self.live.proxies.is_complete();
        let checks = self.checks.iter().filter(|_| !guarded);
        let mut bare = checks.chain(&self.grpc).chain(&self.fastcgi);
        bare.find(|listen| !listen.is_local())
    }
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
}

/// Why a gate doesn't start.
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
    /// A check listener that others could reach.
    #[error(
        "GATE-0001: checks must not listen on {0}: whoever can ask gets an Airflow token; use a loopback address or unix:PATH, or say for the HTTP checks by gate.checksFrom and gate.proxySecret (32 characters or more) who may ask"
    )]
    ChecksExposed(String),
}

/// Runs a gate until told to stop. What is on disk decides at once; control is not waited for.
/// `ready` gets the real addresses as soon as every listener accepts.
pub async fn serve(
    mut config: GateConfig,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    ready: oneshot::Sender<Bound>,
    shutdown: CancellationToken,
) -> Result<(), GateError> {
    if let Some(listen) = config.exposed() {
        return Err(GateError::ChecksExposed(String::from(listen.clone())));
    }
    let data = Data::open(&config.data, Arc::new(SystemFs))?;
    let url = config.control.take().or(data.settings.control_url.clone());
    let url = url.unwrap_or_default();
    let settings = Settings::new(std::mem::take(&mut config.live));
    let running = Running::open(&data, &url, &settings, (&clock, &rng))?;
    let listeners = bind(&mut config).await?;
    let handler: [Arc<dyn Handler>; 4] = [
        Arc::new(listeners::Checks(Arc::clone(&running.gate))),
        Arc::new(listeners::GrpcChecks(Arc::clone(&running.gate))),
        Arc::new(listeners::Proxy(Arc::clone(&running.gate))),
        Arc::new(listeners::Metrics(Arc::clone(&running.gate))),
    ];
    let [checks, grpc, proxy, metrics] = handler;
    let servers = TaskTracker::new();
    let mut bound = Bound::default();
    let start = |listener: Listener, handler: &Arc<dyn Handler>| {
        let at = listener.bound().clone();
        let handler = Arc::clone(handler);
        let serving = server::run(listener, handler, shutdown.clone());
        servers.spawn(serving);
        at
    };
    for listener in listeners.checks {
        bound.checks.push(start(listener, &checks));
    }
    bound.grpc = listeners.grpc.map(|listener| start(listener, &grpc));
    bound.fastcgi = listeners.fastcgi.map(|listener| {
        let at = listener.bound().clone();
        let gate = Arc::clone(&running.gate);
        servers.spawn(fastcgi::run(listener, gate, shutdown.clone()));
        at
    });
    bound.proxy = listeners.proxy.map(|listener| start(listener, &proxy));
    bound.metrics = listeners.metrics.map(|listener| start(listener, &metrics));
    running.see(&servers, config.probe, &shutdown);
    servers.close();
    // Nobody waiting for the addresses is no reason not to serve.
    let _ = ready.send(bound);
    Box::pin(running.tasks(shutdown)).await;
    servers.wait().await;
    Ok(())
}

/// A gate that knows nothing refuses everything; whoever runs it is told what it takes.
fn say_what_is_missing(folder: &Path, control_url: &str) {
    let remedy = if control_url.is_empty() {
        format!("make one: aeolus plane build --out {}", folder.display())
    } else {
        format!("control sends one: check that {control_url} can be reached from here")
    };
    tracing::error!("no snapshot is in force, so every request is refused with 503; {remedy}");
}

struct Listeners {
    checks: Vec<Listener>,
    grpc: Option<Listener>,
    fastcgi: Option<Listener>,
    proxy: Option<Listener>,
    metrics: Option<Listener>,
}

async fn bind(config: &mut GateConfig) -> Result<Listeners, BindError> {
    let mut checks = Vec::with_capacity(config.checks.len());
    for listen in &config.checks {
        checks.push(Listener::bind("checks", listen, &mut config.handed_over).await?);
    }
    let handed_over = &mut config.handed_over;
    Ok(Listeners {
        checks,
        grpc: optional("grpc", config.grpc.as_ref(), handed_over).await?,
        fastcgi: optional("fastcgi", config.fastcgi.as_ref(), handed_over).await?,
        proxy: optional("proxy", config.proxy.as_ref(), handed_over).await?,
        metrics: optional("metrics", config.metrics.as_ref(), handed_over).await?,
    })
}

async fn optional(
    name: &str,
    listen: Option<&Listen>,
    handed_over: &mut HandedOver,
) -> Result<Option<Listener>, BindError> {
    match listen {
        Some(listen) => Ok(Some(Listener::bind(name, listen, handed_over).await?)),
        None => Ok(None),
    }
}

/// A gate and what keeps it fresh.
struct Running {
    gate: Arc<Gate>,
    replica: Arc<WorldReplica>,
    client: Option<Client>,
    /// None at a gate that never has news.
    control: Option<Arc<ApiControl>>,
    outbox: Arc<Outbox>,
    renewals: Arc<SessionRenewals>,
    counters: Arc<Counters>,
    rng: Arc<dyn Rng>,
}

/// The plane's RSA key; a gate without one serves everything but Airflow 2.
fn airflow2_key(data: &Data) -> Option<Arc<SigningKey>> {
    match &data.airflow2 {
        Ok(key) => Some(Arc::clone(key)),
        Err(error) => {
            tracing::warn!(
                %error,
                "deployments of Airflow 2 are answered with 503: take the file airflow2.key from a backup of this \
                 folder or from another replica of the plane, or enrol the gate anew"
            );
            None
        }
    }
}

impl Running {
    fn open(
        data: &Data,
        control_url: &str,
        settings: &Settings,
        (clock, rng): (&Arc<dyn Clock>, &Arc<dyn Rng>),
    ) -> Result<Self, GateError> {
        let bounds = settings.clone();
        let parts = replica::Parts {
            wall: Arc::clone(clock),
            boot: Arc::new(SystemBootClock),
            build: Box::new(move |snapshot| {
                let world = World::bounded(snapshot, &bounds.now().rails);
                for refused in world.refused() {
                    tracing::error!(
                        deployment = refused.id,
                        name = refused.name,
                        why = refused.why,
                        "a deployment is not served"
                    );
                }
                Arc::new(world)
            }),
        };
        let replica = Arc::new(Replica::open(data, parts));
        if replica.current().is_none() {
            say_what_is_missing(&data.path, control_url);
        }
        let outbox = Arc::new(Outbox::open(
            &data.path,
            Arc::new(SystemFs),
            Arc::clone(rng),
        ));
        let renewals = Arc::new(SessionRenewals::default());
        let counters = Arc::new(Counters::default());
        let mut control = None;
        let mut reached = None;
        let mut tokens: Option<Arc<dyn TokenEndpoint>> = None;
        if !control_url.is_empty() {
            let client = Client::new(control_url)?;
            let api = Arc::new(ApiControl::new(
                client.clone(),
                data.settings.clone(),
                Arc::clone(&data.identity),
                Arc::new(GateTime(Arc::clone(&replica))),
                Arc::clone(rng),
            ));
            reached = Some(client.clone());
            tokens = Some(Arc::new(ControlTokens {
                client,
                control: Arc::clone(&api),
                plane: data.settings.plane,
            }));
            control = Some(api);
        }
        let gate = Arc::new(Gate::new(Parts {
            plane: data.settings.plane,
            secret: Arc::new(data.secret.clone()),
            airflow2: airflow2_key(data),
            knowledge: Arc::clone(&replica) as _,
            sessions: Arc::new(ReplicaSessions {
                renewals: Arc::clone(&renewals),
                outbox: Arc::clone(&outbox),
            }),
            journal: Arc::new(ReplicaJournal {
                counters: Arc::clone(&counters),
                outbox: Arc::clone(&outbox),
            }),
            tokens,
            rng: Arc::clone(rng),
            settings: settings.clone(),
        }));
        Ok(Self {
            gate,
            replica,
            client: reached,
            control,
            outbox,
            renewals,
            counters,
            rng: Arc::clone(rng),
        })
    }

    /// Begins to write decisions down and to probe.
    fn see(&self, tasks: &TaskTracker, probe: Option<Duration>, shutdown: &CancellationToken) {
        let replica = Arc::clone(&self.replica);
        let now = move || replica.clock().now();
        tasks.spawn(Arc::clone(&self.gate.log).run(now, shutdown.clone()));
        if let Some(every) = probe {
            let probing = probe::run(Arc::clone(&self.gate), self.client.clone(), every);
            let shutdown = shutdown.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = probing => {}
                }
            });
        }
    }

    /// Keeps the replica fresh until told to stop.
    async fn tasks(self, shutdown: CancellationToken) {
        let Some(control) = self.control else {
            shutdown.cancelled().await;
            return;
        };
        let tasks = Tasks {
            replica: self.replica,
            control,
            outbox: self.outbox,
            renewals: self.renewals,
            counters: self.counters,
            rng: self.rng,
        };
        replica::run(tasks, shutdown).await;
    }
}
