//! The publisher: follows the feed and tells each plane what it has to know, signed.

mod build;
mod records;
mod sections;

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_model::{PlaneId, Slug};
use aeolus_snapshot::Root;
use aeolus_store::{Feed, PlaneStage, StoreError, Unit as _};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::App;

pub(crate) use sections::of as sections_of;

/// What planes have been told, as far as this process knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Published {
    /// Rises with every publication, here or at another replica of control.
    pub(crate) generation: u64,
    /// Planes for which nothing is published, and why.
    pub(crate) alarms: BTreeMap<PlaneId, String>,
}

/// Changes that come within so long of one another travel together. It bounds how long a
/// revocation waits here.
const COALESCE: Duration = Duration::from_millis(50);
/// How often the feed is looked at for commits of other replicas.
const POLL: Duration = Duration::from_millis(250);
/// Planes that are told at the same time: a large one does not hold up all others, and all together
/// leave the database to other work.
const AT_ONCE: usize = 3;
/// At most this long between the end of one round and the next, however long a round takes.
const MAX_REST: Duration = Duration::from_secs(1);
/// Manifests end after seven days; a fleet in which nothing changes gets new ones well before.
const RENEW: Duration = Duration::from_secs(86_400);

/// Why a plane was not told.
#[derive(Debug, thiserror::Error)]
enum PublishFailure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Snapshot(#[from] aeolus_snapshot::PublishError),
    #[error("the work was cut off")]
    Cancelled,
}

/// Runs until shutdown. A failed round is logged and tried again; gates grow old meanwhile, which
/// their staleness policies are for.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let mut feed = app.feed.subscribe();
    let mut seen = Vec::new();
    loop {
        feed.borrow_and_update();
        let started = tokio::time::Instant::now();
        match round(&app, &mut seen).await {
            Ok(()) => app.metrics.published(started.elapsed()),
            Err(error) => tracing::error!(%error, "publishing failed; trying again"),
        }
        // A fleet so large that a round takes long gets them less often, so that control has time
        // for other work.
        let rest = (started.elapsed() * 4).clamp(COALESCE, MAX_REST);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(POLL.max(rest)) => {}
            changed = feed.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(rest).await;
            }
        }
    }
}

/// One look at the feed. `seen` is what was published at the last look.
async fn round(app: &App, seen: &mut Vec<(PlaneId, u64, u64)>) -> Result<(), PublishFailure> {
    let mut view = app.store.read().await?;
    let feed = view.settings().feed().await?;
    let planes = view.planes().list().await?;
    let positions = view.publications().positions().await?;
    let root = view.roots().newest().await?;
    let restored = crate::restore::found(&mut view).await?;
    drop(view);
    let trusted = root.and_then(|root| Root::parse(&root.document).ok());
    let kid = app.keys.snapshot().public().kid();
    let trusted = trusted.is_some_and(|root| root.trusts(&kid));
    let mut alarms = BTreeMap::new();
    let mut telling = JoinSet::new();
    let mut failed = None;
    for plane in planes {
        if matches!(plane.stage, PlaneStage::Quarantined { .. }) {
            continue;
        }
        if let Some(restored) = &restored {
            alarms.insert(plane.id, restored.alarm());
            continue;
        }
        if !trusted {
            let text = "no root document names this control's snapshot key";
            alarms.insert(plane.id, text.to_owned());
            continue;
        }
        let held = positions.iter().find(|(id, ..)| *id == plane.id);
        let held = held.map(|(_, epoch, seq)| (*epoch, *seq));
        match needs(held, feed) {
            Need::Nothing => {}
            Need::Alarm(text) => {
                alarms.insert(plane.id, text);
            }
            Need::Newer => {
                if telling.len() >= AT_ONCE {
                    told(&mut failed, telling.join_next().await);
                }
                let app = app.clone();
                telling.spawn(async move { (plane.name, build::publish(&app, plane.id).await) });
            }
        }
    }
    while !telling.is_empty() {
        told(&mut failed, telling.join_next().await);
    }
    notice(app, seen, alarms).await?;
    failed.map_or(Ok(()), Err)
}

/// One plane's failure is no other's: it is told again in the next round.
fn told(failed: &mut Option<PublishFailure>, told: Option<Told>) {
    match told {
        Some(Ok((_, Ok(())))) | None => {}
        Some(Ok((plane, Err(error)))) => {
            tracing::error!(%plane, %error, "a plane was not told");
            *failed = Some(error);
        }
        Some(Err(_)) => *failed = Some(PublishFailure::Cancelled),
    }
}

type Told = Result<(Slug, Result<(), PublishFailure>), JoinError>;

/// What a plane is due.
enum Need {
    Nothing,
    Newer,
    /// It must not be told.
    Alarm(String),
}

fn needs(held: Option<(u64, u64)>, feed: Feed) -> Need {
    let newest = (feed.epoch, feed.content);
    match held {
        Some(held) if held > newest => Need::Alarm(format!(
            "published is {}.{}, the feed is at {}.{}: the database was restored in part",
            held.0, held.1, newest.0, newest.1
        )),
        Some(held) if held == newest => Need::Nothing,
        _ => Need::Newer,
    }
}

/// Wakes long polls if anything was published, by whichever replica of control, or if an alarm
/// changed.
async fn notice(
    app: &App,
    seen: &mut Vec<(PlaneId, u64, u64)>,
    alarms: BTreeMap<PlaneId, String>,
) -> Result<(), PublishFailure> {
    let positions = app.store.read().await?.publications().positions().await?;
    let news = positions != *seen;
    *seen = positions;
    app.published.send_if_modified(|published| {
        let changed = published.alarms != alarms;
        published.alarms = alarms;
        if news {
            published.generation = published.generation.wrapping_add(1);
        }
        news || changed
    });
    Ok(())
}

/// Once a day moves the feed although nothing changed, so that manifests never come near their end.
pub(crate) async fn renew(app: App, shutdown: CancellationToken) {
    loop {
        if let Err(error) = renew_if_old(&app).await {
            tracing::error!(%error, "renewing manifests failed; trying again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(RENEW / 24) => {}
        }
    }
}

async fn renew_if_old(app: &App) -> Result<(), StoreError> {
    const SETTING: &str = "manifests-renewed-at";
    let now = app.clock.now();
    let mut write = app.store.write().await?;
    let last = write.settings().get(SETTING).await?;
    let last = last.and_then(|text| text.parse().ok());
    let last = last.map_or(aeolus_model::Time::EPOCH, aeolus_model::Time::from_millis);
    if now.since(last) >= RENEW {
        write
            .settings()
            .put(SETTING, &now.millis().to_string())
            .await?;
    }
    app.commit(write).await.map(|_| ())
}

/// The publisher's part of [`App`] at the start.
pub(crate) fn channel() -> tokio::sync::watch::Sender<Published> {
    tokio::sync::watch::Sender::new(Published::default())
}
