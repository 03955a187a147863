//! Whether requests would get through, asked before people do.
//!
//! For each deployment the gate judges a harmless request of its own, and asks the application's
//! public health path where it knows the way. Beside that it asks whether control answers, which a
//! deployment on the central path depends on. Nothing of this is counted or logged as a request.

use std::collections::HashMap;
use std::fmt::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_decide::{Decision, Deployment, Request, World};
use aeolus_model::DeploymentId;
use bytes::Bytes;
use http::Uri;
use http_body_util::Empty;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;
use prometheus_client::encoding::DescriptorEncoder;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::figures::{count_of, gauges};
use crate::gate::Gate;
use crate::upstream::Connector;

/// How long an application or control may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Applications asked at the same time.
const AT_ONCE: usize = 16;

/// One probe's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    /// Whether it was as it should be.
    pub good: bool,
    /// How long it took.
    pub took: Duration,
}

/// What the latest probes of a deployment found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    decision: Option<Probed>,
    upstream: Option<Probed>,
    central: Option<Probed>,
    failures: [u64; PARTS.len()],
}

/// What is probed: the path it belongs to and its name.
const PARTS: [(&str, &str); 3] = [
    ("plane", "decision"),
    ("plane", "upstream"),
    ("central", "control"),
];

impl Found {
    fn parts(&self) -> [Option<Probed>; PARTS.len()] {
        [self.decision, self.upstream, self.central]
    }
}

/// The latest probes, by deployment.
#[derive(Debug, Default)]
pub struct Probes(Mutex<HashMap<DeploymentId, Found>>);

impl Probes {
    fn lock(&self) -> MutexGuard<'_, HashMap<DeploymentId, Found>> {
        // Each entry is replaced as a whole, also when a panic came in between.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, deployment: DeploymentId, mut found: Found) {
        let mut all = self.lock();
        let before = all.get(&deployment).copied().unwrap_or_default();
        found.failures = before.failures;
        for (count, part) in
            found
                .failures
                .iter_mut()
                .zip([found.decision, found.upstream, found.central])
        {
            *count += u64::from(part.is_some_and(|probed| !probed.good));
        }
        all.insert(deployment, found);
    }

    pub(super) fn encode(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        world: Option<&World>,
    ) -> Result<(), Error> {
        let mut all = self.lock();
        all.retain(|id, _| world.is_none_or(|world| world.deployment(*id).is_some()));
        let named: Vec<(&str, &Found)> = all
            .iter()
            .filter_map(|(id, found)| Some((world?.deployment(*id)?.name.as_str(), found)))
            .collect();
        let labels =
            |(path, part), deployment| [("path", path), ("part", part), ("deployment", deployment)];
        let help = "Whether the latest probe was good";
        let mut family = gauges(encoder, "probe_success", help)?;
        for (name, found) in &named {
            for (part, probed) in PARTS.into_iter().zip(found.parts()) {
                if let Some(probed) = probed {
                    let value = f64::from(u32::from(probed.good));
                    let labels = labels(part, *name);
                    family.encode_family(&labels)?.encode_gauge(&value)?;
                }
            }
        }
        let mut family = gauges(encoder, "probe_seconds", "Time of the latest probe")?;
        for (name, found) in &named {
            for (part, probed) in PARTS.into_iter().zip(found.parts()) {
                if let Some(probed) = probed {
                    let labels = labels(part, *name);
                    let value = probed.took.as_secs_f64();
                    family.encode_family(&labels)?.encode_gauge(&value)?;
                }
            }
        }
        let help = "Probes that were not good";
        let mut family = encoder.encode_descriptor(
            "probe_failures",
            help,
            None,
            prometheus_client::metrics::MetricType::Counter,
        )?;
        for (name, found) in &named {
            for ((part, probed), count) in PARTS.into_iter().zip(found.parts()).zip(found.failures)
            {
                if probed.is_some() {
                    count_of(&mut family, &labels(part, *name), count)?;
                }
            }
        }
        Ok(())
    }
}

/// Probes again and again; ends with whoever waits for it.
pub async fn run(gate: Arc<Gate>, control: Option<Client>, every: Duration) {
    let mut ticks = interval(every.max(Duration::from_secs(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let prober = Prober {
        pool: Pool::builder(TokioExecutor::new()).build(gate.upstream.connector().clone()),
        control: control.map(|control| control.with_timeout(PATIENCE)),
    };
    loop {
        ticks.tick().await;
        prober.round(&gate).await;
    }
}

struct Prober {
    pool: Pool<Connector, Empty<Bytes>>,
    control: Option<Client>,
}

impl Prober {
    /// Probes every deployment once.
    async fn round(&self, gate: &Arc<Gate>) {
        let Some(world) = gate.knowledge.world() else {
            return;
        };
        let central = match &self.control {
            Some(control) => Some(timed(async { control.ready().await.is_ok() }).await),
            None => None,
        };
        let mut running = JoinSet::new();
        for deployment in world.deployments() {
            while running.len() >= AT_ONCE {
                running.join_next().await;
            }
            let (gate, world) = (Arc::clone(gate), Arc::clone(&world));
            let (deployment, pool) = (Arc::clone(deployment), self.pool.clone());
            running.spawn(async move {
                let decision = timed(async { is_decided(&gate, &world, &deployment) }).await;
                let upstream = match upstream_uri(&world, &deployment) {
                    Some(uri) => Some(timed(is_healthy(&pool, uri)).await),
                    None => None,
                };
                let found = Found {
                    decision: Some(decision),
                    upstream,
                    central,
                    failures: Default::default(),
                };
                gate.metrics.probes.found(deployment.id, found);
            });
        }
        while running.join_next().await.is_some() {}
    }
}

async fn timed(probe: impl Future<Output = bool>) -> Probed {
    let started = Instant::now();
    let good = timeout(PATIENCE, probe).await.unwrap_or(false);
    Probed {
        good,
        took: started.elapsed(),
    }
}

/// Whether the gate decides about the deployment as it should about a stranger: it lets them to what
/// is public, and asks who they are elsewhere.
fn is_decided(gate: &Gate, world: &World, deployment: &Deployment) -> bool {
    let Some((host, prefix)) = world.address(deployment) else {
        return false;
    };
    let path = deployment.rules.health_path().unwrap_or("/");
    let target = format!("https://{host}{prefix}{path}");
    let request = Request {
        method: b"GET",
        target: target.as_bytes(),
        ..Request::default()
    };
    match gate.judge(world).decide(&request) {
        Decision::Allow(_) | Decision::SignIn(_) => true,
        Decision::Deny(deny) => deny.status() == 401,
    }
}

fn upstream_uri(world: &World, deployment: &Deployment) -> Option<Uri> {
    let upstream = deployment.upstream.as_deref()?.trim_end_matches('/');
    let path = deployment.rules.health_path()?;
    let (_, prefix) = world.address(deployment)?;
    format!("{upstream}{prefix}{path}").parse().ok()
}

async fn is_healthy(pool: &Pool<Connector, Empty<Bytes>>, uri: Uri) -> bool {
    let answer = pool.get(uri).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
