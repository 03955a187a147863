//! Many gates in one process, to see what control makes of them: `herd CONTROL_URL GATES SPREAD FOLDER...`
//!
//! Each gate is a replica as `aeolus gate serve` runs it, with a connection pool of its own, but
//! without listeners and without a disk: the folders of planes that were enrolled are read and never
//! written. Gates are dealt to the folders in turn, and start within SPREAD milliseconds. Until
//! SIGTERM, each line of output is one call to control, or one position that came into force.

mod disk;
mod watched;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_decide::World;
use aeolus_gate::replica::{
    ApiControl, Counters, Data, Outbox, Parts, Replica, SessionRenewals, SystemBootClock, Tasks,
    run,
};
use aeolus_keys::SystemRng;
use aeolus_model::SystemClock;
use aeolus_snapshot::section::Revocations;
use aeolus_snapshot::{Revision, Snapshot};
use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use disk::Unwritten;
use watched::Watched;

/// What a simulated gate makes of a snapshot: the indexes a real one decides by, and a count.
pub(crate) struct Held {
    /// Built as a real gate builds it, for what that costs.
    world: World,
    /// Status bits that are set.
    pub(crate) revoked: u64,
}

impl Held {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            world: World::from_snapshot(snapshot),
            revoked: bits(snapshot.sections().revocations.values()),
        }
    }

    fn revised(&self, revision: &Revision) -> Self {
        Self {
            world: self.world.revised(revision),
            revoked: bits(revision.revocations().values()),
        }
    }
}

fn bits<'a>(lists: impl Iterator<Item = &'a Revocations>) -> u64 {
    let bits = lists.flat_map(|list| &list.status);
    bits.map(|byte| u64::from(byte.count_ones())).sum()
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, gates, spread, folders @ ..] = arguments.as_slice() else {
        bail!("usage: herd CONTROL_URL GATES SPREAD_MS FOLDER...");
    };
    let (gates, spread): (u32, u64) = (gates.parse()?, spread.parse()?);
    let open = |folder: &String| Data::open(Path::new(folder), Arc::new(Unwritten));
    let planes: Vec<Data> = folders.iter().map(open).collect::<Result<_, _>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let running = TaskTracker::new();
        let tls = tls()?;
        for (number, plane) in (0..gates).zip(planes.iter().cycle()) {
            let after = Duration::from_millis(spread) * number / gates;
            let tasks = gate(number, plane, &Client::with_tls(url, tls.clone())?);
            let stop = shutdown.clone();
            running.spawn(async move {
                tokio::time::sleep(after).await;
                Box::pin(run(tasks, stop)).await;
            });
        }
        running.close();
        signal(SignalKind::terminate())?.recv().await;
        shutdown.cancel();
        running.wait().await;
        Ok(())
    })
}

/// One gate, not yet running.
fn gate(number: u32, plane: &Data, client: &Client) -> Tasks<Held, Watched> {
    let parts = Parts {
        wall: Arc::new(SystemClock),
        boot: Arc::new(SystemBootClock),
        build: Box::new(Held::of),
        revise: Some(Box::new(Held::revised)),
    };
    let replica = Arc::new(Replica::open(plane, parts));
    let control = ApiControl::new(
        client,
        plane.settings.clone(),
        Arc::clone(&plane.identity),
        Arc::new(SystemClock),
        Arc::new(SystemRng),
    );
    let outbox = Outbox::open(&plane.path, Arc::new(Unwritten), Arc::new(SystemRng));
    Tasks {
        control: Arc::new(Watched::new(number, control, Arc::clone(&replica))),
        replica,
        outbox: Arc::new(outbox),
        renewals: Arc::new(SessionRenewals::default()),
        counters: Arc::new(Counters::default()),
        rollouts: Arc::new(Vec::new),
        rng: Arc::new(SystemRng),
    }
}

/// Settings for every gate's client. Control is asked in the clear on loopback, so that no gate has
/// to read the system's trust anchors.
fn tls() -> anyhow::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder
        .with_safe_default_protocol_versions()
        .context("no TLS")?;
    Ok(builder
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}
