//! The publisher: follows the feed and tells each plane what it has to know, signed.
//!
//! In two lanes, where a plane is so large that making its snapshot takes time: revocations go out at
//! once, with the records that the plane has already, and the rest follows in its turn.

mod lanes;
mod newest;
mod records;
mod renew;
mod sections;
mod store;
mod urgent;
mod whole;

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_model::{PlaneId, Slug};
use aeolus_snapshot::Root;
use aeolus_store::{Feed, Plane, PlaneStage, StoreError, Told, Unit as _};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use lanes::{Lanes, Need};
use urgent::Urgent;

pub(crate) use newest::{Newest, is_newest};
pub(crate) use renew::renew;
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
/// Large planes whose whole snapshots are made at the same time, beside the rounds.
const BESIDE: usize = 2;
/// At most this long between the end of one round and the next, however long a round takes.
const MAX_REST: Duration = Duration::from_secs(1);

/// Why a plane was not told.
#[derive(Debug, thiserror::Error)]
enum PublishFailure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Snapshot(#[from] aeolus_snapshot::PublishError),
    #[error(transparent)]
    Key(#[from] aeolus_keys::KeyError),
    #[error("another snapshot key signs by now")]
    OtherKey,
    #[error("the work was cut off")]
    Cancelled,
}

/// Runs until shutdown. A failed round is logged and tried again; gates grow old meanwhile, which
/// their staleness policies are for.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let mut feed = app.feed.subscribe();
    let mut publisher = Publisher {
        lanes: Lanes::new(app.publishing),
        beside: JoinSet::new(),
        seen: Vec::new(),
        app,
    };
    loop {
        feed.borrow_and_update();
        let started = Instant::now();
        match publisher.round().await {
            Ok(()) => publisher.app.metrics.published(started.elapsed()),
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
            Some(told) = publisher.beside.join_next() => publisher.beside(told),
        }
    }
}

struct Publisher {
    app: App,
    lanes: Lanes,
    /// Whole snapshots of large planes, which no round waits for.
    beside: JoinSet<Wholly>,
    /// What was published at the last look.
    seen: Vec<Told>,
}

/// A plane that was told everything, how long that took, and whether it failed.
type Wholly = (Plane, Duration, Result<(), PublishFailure>);

/// What was done for a plane in a round.
enum Done {
    Wholly(Wholly),
    Urgently(Plane, Feed, Result<Urgent, PublishFailure>),
}

impl Publisher {
    /// One look at the feed.
    async fn round(&mut self) -> Result<(), PublishFailure> {
        let app = self.app.clone();
        let now = app.clock.now();
        let mut view = app.store.read().await?;
        let feed = view.settings().feed().await?;
        let planes = view.planes().list().await?;
        let positions = view.publications().positions().await?;
        let root = view.roots().newest().await?;
        let restored = crate::restore::found(&mut view).await?;
        drop(view);
        let trusted = root.and_then(|root| Root::parse(&root.document).ok());
        let kid = app.keys.snapshot()?.public().kid();
        let trusted = trusted.is_some_and(|root| root.trusts(&kid));
        self.lanes
            .keep(|id| planes.iter().any(|plane| plane.id == *id));
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
            let told = positions.iter().find(|told| told.plane == plane.id);
            if let Some(told) = told.filter(|told| is_newest(feed, **told)) {
                app.newest.note(*told, now);
            }
            match self.lanes.need(plane.id, told.copied(), feed) {
                Need::Nothing => {}
                Need::Alarm(text) => {
                    alarms.insert(plane.id, text);
                }
                Need::Whole => {
                    self.room(&mut telling, &mut failed).await;
                    let work = wholly(&app, plane, &mut self.lanes);
                    telling.spawn(async move { Done::Wholly(work.await) });
                }
                Need::Lanes {
                    revocations,
                    records,
                } => {
                    if records && self.beside.len() < BESIDE {
                        self.lanes.begin(plane.id);
                        let work = wholly(&app, plane.clone(), &mut self.lanes);
                        self.beside.spawn(work);
                    }
                    if revocations {
                        self.room(&mut telling, &mut failed).await;
                        let (app, turn) = (app.clone(), self.lanes.turn(plane.id));
                        telling.spawn(async move {
                            let told = urgent::tell(&app, plane.id, &turn).await;
                            Done::Urgently(plane, feed, told)
                        });
                    }
                }
            }
        }
        while let Some(done) = telling.join_next().await {
            self.done(&mut failed, done);
        }
        notice(&app, &mut self.seen, alarms).await?;
        failed.map_or(Ok(()), Err)
    }

    /// Waits until fewer planes are being told than may be.
    async fn room(&mut self, telling: &mut JoinSet<Done>, failed: &mut Option<PublishFailure>) {
        while telling.len() >= AT_ONCE {
            if let Some(done) = telling.join_next().await {
                self.done(failed, done);
            }
        }
    }

    /// One plane's failure is no other's: it is told again in the next round.
    fn done(&mut self, failed: &mut Option<PublishFailure>, done: Result<Done, JoinError>) {
        let told = match done {
            Ok(Done::Wholly(told)) => self.wholly(told),
            Ok(Done::Urgently(plane, feed, told)) => self.urgently(&plane, feed, told),
            Err(_) => Err(PublishFailure::Cancelled),
        };
        if let Err(error) = told {
            *failed = Some(error);
        }
    }

    fn wholly(&mut self, (plane, took, told): Wholly) -> Result<(), PublishFailure> {
        self.lanes.whole(plane.id, took);
        told.inspect_err(|error| not_told(&plane.name, error))
    }

    fn urgently(
        &mut self,
        plane: &Plane,
        feed: Feed,
        told: Result<Urgent, PublishFailure>,
    ) -> Result<(), PublishFailure> {
        match told.inspect_err(|error| not_told(&plane.name, error))? {
            Urgent::Told => {}
            Urgent::Unchanged => self.lanes.unchanged(plane.id, feed),
            Urgent::Amiss => self.lanes.forget(plane.id),
        }
        Ok(())
    }

    fn beside(&mut self, told: Result<Wholly, JoinError>) {
        match told {
            // It has said so itself, and its turn comes again.
            Ok(told) => drop(self.wholly(told)),
            Err(error) => tracing::error!(%error, "the making of a snapshot was cut off"),
        }
    }
}

fn not_told(plane: &Slug, error: &PublishFailure) {
    tracing::error!(%plane, %error, "a plane was not told");
}

/// Tells a plane everything.
fn wholly(app: &App, plane: Plane, lanes: &mut Lanes) -> impl Future<Output = Wholly> + use<> {
    let (app, turn) = (app.clone(), lanes.turn(plane.id));
    async move {
        let started = Instant::now();
        let told = whole::tell(&app, plane.id, &turn).await;
        (plane, started.elapsed(), told)
    }
}

/// Wakes long polls if anything was published, by whichever replica of control, or if an alarm
/// changed.
async fn notice(
    app: &App,
    seen: &mut Vec<Told>,
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

/// The publisher's part of [`App`] at the start.
pub(crate) fn channel() -> tokio::sync::watch::Sender<Published> {
    tokio::sync::watch::Sender::new(Published::default())
}
