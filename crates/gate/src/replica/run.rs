//! The background tasks of a replica.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aeolus_api::plane::Status;
use aeolus_api::rollout::Report;
use aeolus_keys::digest::random_token;
use aeolus_model::{Clock as _, Rng};
use aeolus_snapshot::Digest;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::control::{Control, ControlError};
use super::outbox::Outbox;
use super::renewal::SessionRenewals;
use super::state::Replica;
use super::stream::follow;

const STATUS: Duration = Duration::from_secs(15);
/// While a rollout is in force somebody may look at its figures.
const WATCHED: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(5);
const LARGE: Duration = Duration::from_secs(30);
/// For the last writing: a disk that hangs must not hold up a stop.
const LAST: Duration = Duration::from_secs(10);
const FLUSH: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_secs(5);
const REMEMBER_TIME: Duration = Duration::from_secs(60);

/// What checks count for the status report. Sums since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests checked.
    pub checks: AtomicU64,
    /// Requests refused.
    pub denies: AtomicU64,
}

/// What is to be reported of rollouts at this moment.
pub type Reports = Arc<dyn Fn() -> Vec<Report> + Send + Sync>;

/// What the tasks share with the checks.
pub struct Tasks<W, C> {
    /// The snapshot.
    pub replica: Arc<Replica<W>>,
    /// Control.
    pub control: Arc<C>,
    /// Events.
    pub outbox: Arc<Outbox>,
    /// Renewals.
    pub renewals: Arc<SessionRenewals>,
    /// Counts.
    pub counters: Arc<Counters>,
    /// What was counted of rollouts.
    pub rollouts: Reports,
    /// Randomness for jitter and the replica's name.
    pub rng: Arc<dyn Rng>,
}

/// Keeps a replica fresh and control informed, until told to stop. Each task waits only for itself;
/// none is on the path of a check. On the way out, what isn't on disk yet is written.
pub async fn run<W: Send + Sync + 'static, C: Control>(
    tasks: Tasks<W, C>,
    shutdown: CancellationToken,
) {
    let work = async {
        tokio::join!(
            follow(
                Arc::clone(&tasks.replica),
                Arc::clone(&tasks.control),
                Arc::clone(&tasks.rng),
                shutdown.clone(),
            ),
            until(&shutdown, persist(Arc::clone(&tasks.replica))),
            until(&shutdown, report(&tasks)),
            until(&shutdown, flush(&tasks)),
            until(&shutdown, send(&tasks)),
            until(&shutdown, renew(&tasks)),
            until(&shutdown, remind(&tasks)),
        );
    };
    work.await;
    let now = tasks.replica.clock().now();
    let stopped = tokio::task::spawn_blocking(move || {
        let events = tasks.outbox.flush(now, true);
        tasks.replica.persist().and(events)
    });
    match timeout(LAST, stopped).await {
        Ok(Ok(Err(error))) => {
            tracing::error!(%error, "not everything could be written at the stop");
        }
        Err(_) => tracing::error!("the disk hangs: not everything could be written at the stop"),
        Ok(_) => {}
    }
}

async fn until(shutdown: &CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = task => {}
    }
}

/// Writes a change within a second; several changes in a row are written once.
async fn persist<W: Send + Sync + 'static>(replica: Arc<Replica<W>>) {
    let mut pause = REMEMBER_TIME;
    loop {
        if timeout(pause, replica.changed.notified()).await.is_ok() {
            sleep(SETTLE).await;
        }
        let writer = Arc::clone(&replica);
        let written = tokio::task::spawn_blocking(move || writer.persist()).await;
        pause = match written {
            Ok(Ok(())) => REMEMBER_TIME,
            Ok(Err(error)) => {
                tracing::error!(%error, "the snapshot is only in memory");
                RETRY
            }
            Err(_) => RETRY,
        };
    }
}

async fn report<W, C: Control>(tasks: &Tasks<W, C>) {
    let name = random_token(&*tasks.rng, 16).expose().clone();
    let mut history: std::collections::VecDeque<(u64, u64)> = [(0, 0)].into();
    loop {
        let checks = tasks.counters.checks.load(Ordering::Relaxed);
        let denies = tasks.counters.denies.load(Ordering::Relaxed);
        let (checks_before, denies_before) = history.front().copied().unwrap_or_default();
        let held = tasks.replica.held().unwrap_or_default();
        let status = Status {
            replica: name.clone(),
            epoch: held.position.epoch,
            seq: held.position.seq,
            records: Some(held.records),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            reader: Some(aeolus_snapshot::READER),
            denies_last_minute: denies.saturating_sub(denies_before),
            checks_last_minute: checks.saturating_sub(checks_before),
            age: tasks.replica.age().map_or(u64::MAX, |age| age.as_secs()),
            rollouts: (tasks.rollouts)(),
        };
        let every = if status.rollouts.is_empty() {
            STATUS
        } else {
            WATCHED
        };
        let sent = timeout(LIMIT, tasks.control.status(&status)).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::debug!("control did not take the status");
        }
        history.push_back((checks, denies));
        let minute = usize::try_from(60 / every.as_secs()).unwrap_or(1);
        while history.len() > minute {
            history.pop_front();
        }
        sleep(every).await;
    }
}

async fn flush<W, C>(tasks: &Tasks<W, C>) {
    loop {
        sleep(FLUSH).await;
        let (outbox, now) = (Arc::clone(&tasks.outbox), tasks.replica.clock().now());
        let flushed = tokio::task::spawn_blocking(move || outbox.flush(now, false)).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "events are only in memory");
        }
    }
}

async fn send<W, C: Control>(tasks: &Tasks<W, C>) {
    let mut backoff = Backoff::default();
    loop {
        match tasks.outbox.send(&*tasks.control).await {
            Ok(true) => backoff.reset(),
            Ok(false) => sleep(FLUSH).await,
            Err(error) => sleep(pause(&mut backoff, &*tasks.rng, &error)).await,
        }
    }
}

async fn renew<W, C: Control>(tasks: &Tasks<W, C>) {
    let mut backoff = Backoff::default();
    loop {
        let now = tasks.replica.clock().now();
        match tasks.renewals.work(&*tasks.control, now).await {
            Ok(()) => backoff.reset(),
            Err(error) => sleep(pause(&mut backoff, &*tasks.rng, &error)).await,
        }
    }
}

/// Shows control what it once signed and no more knows. Sending it twice is harmless: its key is the
/// hash of what it says.
async fn remind<W, C: Control>(tasks: &Tasks<W, C>) {
    let mut backoff = Backoff::default();
    loop {
        tasks.replica.forgotten.notified().await;
        for event in tasks.replica.reminders() {
            let Ok(line) = serde_json::to_vec(&event) else {
                continue;
            };
            let key = Digest::of(&line).to_string();
            loop {
                let sent = timeout(LARGE, tasks.control.events(&key, line.clone())).await;
                match sent {
                    Ok(Ok(_)) => break,
                    Ok(Err(ControlError::Refused { status, text }))
                        if status != 401 && status != 403 =>
                    {
                        tracing::error!(status, text, "control refused to be reminded");
                        break;
                    }
                    Ok(Err(error)) => sleep(pause(&mut backoff, &*tasks.rng, &error)).await,
                    Err(_) => sleep(RETRY).await,
                }
            }
            backoff.reset();
        }
    }
}

fn pause(backoff: &mut Backoff, rng: &dyn Rng, error: &ControlError) -> Duration {
    let wish = match error {
        ControlError::Busy(wish) => *wish,
        _ => None,
    };
    backoff.next(rng, wish).max(Duration::from_secs(1))
}
