//! A gate's parts, put together, and the tasks beside its requests.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use aeolus_api::Listen;
use aeolus_api::client::Client;
use aeolus_api::egress::Way;
use aeolus_decide::World;
use aeolus_model::{Clock, Rng};
use aeolus_tls::Keeper;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::adapters::{
    ControlConsent, ControlTokens, GateTime, ReplicaJournal, ReplicaSessions, WorldReplica,
};
use crate::again::again;
use crate::config::{GateError, Reload, check_guard};
use crate::gate::{Gate, Parts};
use crate::observe::probe;
use crate::ports::{Central, TokenEndpoint};
use crate::provider;
use crate::replica::fs::SystemFs;
use crate::replica::{
    self, ApiControl, Counters, Data, Outbox, Replica, SessionRenewals, SystemBootClock, Tasks,
};
use crate::rollout::{self, SwitchFile};
use crate::secret::{PlaneSecret, Watch, say_if_airflow2_goes_unserved};
use crate::settings::Settings;
use crate::siblings::{self, SiblingConfig, Siblings};
use crate::upstream::UpstreamTls;

/// How often minted tokens are looked through for those that are over.
const SWEEP: Duration = Duration::from_secs(30);

/// A gate and what keeps it fresh.
pub(crate) struct Running {
    pub(crate) gate: Arc<Gate>,
    replica: Arc<WorldReplica>,
    client: Option<Client>,
    /// None at a gate that never has news.
    control: Option<Arc<ApiControl>>,
    outbox: Arc<Outbox>,
    renewals: Arc<SessionRenewals>,
    counters: Arc<Counters>,
    secret: Arc<Watch>,
    rng: Arc<dyn Rng>,
}

impl Running {
    pub(crate) fn open(
        data: &Data,
        (client, egress, upstream_tls): (Option<&Client>, &Way, UpstreamTls),
        (settings, lines_lost, certificates): (&Settings, Arc<AtomicU64>, Arc<Keeper>),
        (clock, rng): (&Arc<dyn Clock>, &Arc<dyn Rng>),
    ) -> Self {
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
            revise: Some(Box::new(|world: &Arc<World>, revision| {
                Arc::new(world.revised(revision))
            })),
        };
        let replica = Arc::new(Replica::open(data, parts));
        if replica.current().is_none() {
            say_what_is_missing(&data.path, client);
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
        let mut central: Option<Arc<dyn Central>> = None;
        if let Some(client) = client {
            let api = Arc::new(ApiControl::new(
                client,
                data.settings.clone(),
                Arc::clone(&data.identity),
                Arc::new(GateTime(Arc::clone(&replica))),
                Arc::clone(rng),
            ));
            reached = Some(client.clone());
            central = Some(Arc::new(ControlConsent {
                client: client.clone(),
                control: Arc::clone(&api),
            }));
            tokens = Some(Arc::new(ControlTokens {
                client: client.clone(),
                control: Arc::clone(&api),
                plane: data.settings.plane,
            }));
            control = Some(api);
        }
        say_if_airflow2_goes_unserved(data.no_rsa.as_ref());
        let secret = Arc::new(PlaneSecret::new(
            data.settings.plane,
            data.secret.clone(),
            replica.clock().now(),
            replica.min_generation(),
        ));
        let gate = Arc::new(Gate::new(Parts {
            plane: data.settings.plane,
            secret: Arc::clone(&secret),
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
            providers: control.as_ref().and_then(|_| provider::client(egress)),
            central,
            rng: Arc::clone(rng),
            wall: Arc::clone(clock),
            settings: settings.clone(),
            lines_lost,
            certificates,
            upstream_tls,
        }));
        Self {
            gate,
            replica,
            client: reached,
            control,
            outbox,
            renewals,
            counters,
            secret: Arc::new(Watch::new(
                secret,
                data.secret_file.clone(),
                data.secret_content,
            )),
            rng: Arc::clone(rng),
        }
    }

    /// Puts settings in force as they come.
    pub(crate) fn reload(
        &self,
        checks: Vec<Listen>,
        settings: Settings,
        mut reloads: mpsc::Receiver<Reload>,
    ) -> impl Future<Output = ()> + use<> {
        let replica = Arc::clone(&self.replica);
        async move {
            while let Some(Reload { live, taken }) = reloads.recv().await {
                let done = check_guard(&checks, &live).and_then(|()| {
                    let before = settings.replace(live);
                    if settings.now().rails == before.rails {
                        return Ok(());
                    }
                    // Other rails take effect in a world made anew; without one, nothing does.
                    replica.rebuild().map_err(|error| {
                        settings.replace(before);
                        GateError::Rebuild(error)
                    })
                });
                // Whoever asked may be gone.
                let _ = taken.send(done);
            }
        }
    }

    /// What answers siblings.
    pub(crate) fn siblings(&self) -> Siblings {
        let (gate, replica) = (Arc::clone(&self.gate), Arc::clone(&self.replica));
        let secret = Arc::clone(self.secret.secret());
        Siblings::new(gate, replica, secret, Arc::clone(&self.rng))
    }

    /// Asks siblings for a first snapshot until there is one.
    pub(crate) fn begin_with(&self, config: SiblingConfig) -> impl Future<Output = ()> + use<> {
        let replica = Arc::clone(&self.replica);
        let secret = Arc::clone(self.secret.secret());
        siblings::begin(replica, secret, (config, Arc::clone(&self.rng)))
    }

    /// Begins to write decisions down, until the last is made, and, until the stop, to look after the
    /// plane secret and to probe.
    pub(crate) fn see(
        &self,
        tasks: &TaskTracker,
        (probe, switch): (Option<Duration>, PathBuf),
        (stop, over): (&CancellationToken, &CancellationToken),
    ) {
        let replica = Arc::clone(&self.replica);
        let now = move || replica.clock().now();
        tasks.spawn(Arc::clone(&self.gate.log).run(now, over.clone()));
        let (watch, replica) = (Arc::clone(&self.secret), Arc::clone(&self.replica));
        let moment = move || (replica.clock().now(), replica.min_generation());
        tasks.spawn(watch.run(moment, stop.clone()));
        let gate = Arc::clone(&self.gate);
        let sweeping = move || gate.sweep();
        tasks.spawn(again(
            SWEEP,
            "forgetting old tokens",
            sweeping,
            stop.clone(),
        ));
        let gate = Arc::clone(&self.gate);
        tasks.spawn(rollout::look_after(
            gate,
            SwitchFile::new(switch),
            stop.clone(),
        ));
        if let Some(every) = probe {
            let probing = probe::run(Arc::clone(&self.gate), self.client.clone(), every);
            let stop = stop.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = probing => {}
                }
            });
        }
    }

    /// Keeps the replica fresh until told to stop.
    pub(crate) async fn tasks(self, shutdown: CancellationToken) {
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
            rollouts: {
                let gate = self.gate;
                Arc::new(move || gate.rollout_reports())
            },
            rng: self.rng,
        };
        Box::pin(replica::run(tasks, shutdown)).await;
    }
}

/// A gate that knows nothing refuses everything; whoever runs it is told what it takes.
fn say_what_is_missing(folder: &Path, control: Option<&Client>) {
    let meaning = "no snapshot is in force, so every request is refused with 503";
    if let Some(control) = control {
        // So every gate begins; should control not answer, its own line says so.
        tracing::info!("{meaning} until {} has sent the first", control.base());
    } else {
        let folder = folder.display();
        tracing::error!("{meaning}; make one: aeolus plane build --out {folder}");
    }
}
