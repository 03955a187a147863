//! The publisher: follows the feed and tells each plane what it has to know, signed.
//!
//! In two lanes, where a plane is so large that making its snapshot takes time: revocations and whoever has
//! changed go out at once, with the records that the plane has already, and the rest follows in its turn.

mod changes;
mod lanes;
mod newest;
mod records;
mod renew;
mod sections;
mod store;
mod urgent;
mod whole;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aeolus_model::PlaneId;
use aeolus_snapshot::{Root, WITH_CHANGES};
use aeolus_store::{Feed, Plane, PlaneStage, StoreError, Told, Unit as _};
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::built_ins;
use lanes::{Lanes, Need};
use urgent::Urgent;
use whole::Audience;

pub(crate) use newest::{Newest, is_newest};
pub(crate) use renew::renew;
pub(crate) use sections::of as sections_of;

/// What planes have been told, as far as this process knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Published {
    /// What each was told last, here or by another replica of control.
    told: BTreeMap<PlaneId, Told>,
    /// Planes for which nothing is published, and why.
    pub(crate) alarms: BTreeMap<PlaneId, String>,
}

impl Published {
    /// What a plane was told last.
    pub(crate) fn of(&self, plane: PlaneId) -> Option<Told> {
        self.told.get(&plane).copied()
    }
}

/// Changes that come within so long of one another travel together. It bounds how long a
/// revocation waits here.
const COALESCE: Duration = Duration::from_millis(50);
/// How often the feed is looked at for commits of other replicas.
const POLL: Duration = Duration::from_millis(250);
/// Planes that are told at the same time: a large one does not hold up all others, and all together
/// leave the database to other work.
const AT_ONCE: usize = 3;
/// Planes that may be large whose whole snapshots are made at the same time, beside the rounds.
const BESIDE: usize = 2;
/// At most this long between the end of one round and the next, however long a round takes.
const MAX_REST: Duration = Duration::from_secs(1);

/// Gates that were not heard for so long don't keep others from being told of changes.
const HEARD: Duration = Duration::from_secs(600);

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
    #[error("somebody else published first, again and again")]
    Overtaken,
}

/// Runs until shutdown. A failed round is logged and tried again; gates grow old meanwhile, which
/// their staleness policies are for.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let mut feed = app.feed.subscribe();
    let mut publisher = Publisher {
        lanes: Lanes::new(app.publishing),
        beside: JoinSet::new(),
        making: HashMap::new(),
        room: Arc::new(Semaphore::new(BESIDE)),
        failing: BTreeMap::new(),
        noticed: Instant::now(),
        overtaken: false,
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
        let mut next = pin!(tokio::time::sleep(POLL.max(rest)));
        let mut soon = false;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = &mut next => break,
                changed = feed.changed(), if !soon => {
                    if changed.is_err() {
                        return;
                    }
                    soon = true;
                    next.as_mut().reset(Instant::now() + rest);
                }
                Some(made) = publisher.beside.join_next_with_id() => publisher.beside(made).await,
            }
        }
    }
}

struct Publisher {
    app: App,
    lanes: Lanes,
    /// Whole snapshots of planes that may be large, which no round waits for.
    beside: JoinSet<Wholly>,
    /// Of which plane each of them is.
    making: HashMap<Id, PlaneId>,
    /// So many of them are made at the same time.
    room: Arc<Semaphore>,
    /// Planes that could not be told at the last try, and why.
    failing: BTreeMap<PlaneId, String>,
    /// When the polls of planes that were told were woken last.
    noticed: Instant,
    /// Control was started with other built-in roles since.
    overtaken: bool,
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
        let overtaken = app.built_ins.in_force(&mut view).await?.overtaken;
        let readers = view.replicas().readers(now.minus(HEARD)).await?;
        let stood_in = built_ins::stood_in(&mut view).await?;
        drop(view);
        self.overtaken(overtaken, stood_in).await?;
        let trusted = root.and_then(|root| Root::parse(&root.document).ok());
        let kid = app.keys.snapshot()?.public().kid();
        let trusted = trusted.is_some_and(|root| root.trusts(&kid));
        let there: BTreeSet<PlaneId> = planes.iter().map(|plane| plane.id).collect();
        self.lanes.keep(|id| there.contains(id));
        self.failing.retain(|id, _| there.contains(id));
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
            let reader = readers.get(&plane.id);
            let changes = !overtaken && reader.is_some_and(|reader| *reader >= WITH_CHANGES);
            let need = if overtaken {
                self.lanes
                    .overtaken(told.copied(), (plane.id, feed), stood_in)
            } else {
                self.lanes.need(plane.id, told.copied(), feed, changes)
            };
            match need {
                Need::Nothing => {
                    self.failing.remove(&plane.id);
                }
                Need::Alarm(text) => {
                    alarms.insert(plane.id, text);
                }
                Need::Whole => {
                    self.room(&mut telling, &mut failed).await;
                    let work = self.wholly_of(plane, changes);
                    telling.spawn(async move { Done::Wholly(work.await) });
                }
                Need::Lanes { news, whole } => {
                    if whole {
                        self.begin(plane.clone(), changes);
                    }
                    if news {
                        self.room(&mut telling, &mut failed).await;
                        let (app, turn) = (app.clone(), self.lanes.turn(plane.id));
                        telling.spawn(async move {
                            let told = urgent::tell(&app, plane.id, changes, &turn).await;
                            Done::Urgently(plane, feed, told)
                        });
                    }
                }
            }
        }
        while let Some(done) = telling.join_next().await {
            self.done(&mut failed, done).await;
        }
        self.notice().await?;
        for (plane, text) in &self.failing {
            alarms.entry(*plane).or_insert_with(|| text.clone());
        }
        app.published.send_if_modified(|published| {
            let changed = published.alarms != alarms;
            published.alarms = alarms;
            changed
        });
        failed.map_or(Ok(()), Err)
    }

    /// What roles allow by now, another replica tells. Revocations go on with the records that planes have.
    /// Whoever isn't overtaken takes over from one that stood in.
    async fn overtaken(&mut self, overtaken: bool, stood_in: bool) -> Result<(), StoreError> {
        if overtaken && !self.overtaken {
            tracing::error!(
                "control was started elsewhere with other `control.roles` since: this replica allows no more \
                 than both, and publishes records only where no other does; restart it with the new configuration"
            );
        }
        self.overtaken = overtaken;
        self.app.metrics.overtaken(overtaken);
        if stood_in && !overtaken {
            built_ins::take_over(&self.app).await?;
        }
        Ok(())
    }

    /// Tells a plane everything.
    fn wholly_of(&mut self, plane: Plane, changes: bool) -> impl Future<Output = Wholly> + use<> {
        let (app, turn) = (self.app.clone(), self.lanes.turn(plane.id));
        let audience = Audience {
            reads_changes: changes,
            may_stand_in: self.overtaken,
        };
        async move {
            let started = Instant::now();
            let told = whole::tell(&app, plane.id, &turn, audience).await;
            (plane, started.elapsed(), told)
        }
    }

    /// Has a whole snapshot made beside the rounds.
    fn begin(&mut self, plane: Plane, changes: bool) {
        let (id, room) = (plane.id, Arc::clone(&self.room));
        self.lanes.begin(id);
        let work = self.wholly_of(plane, changes);
        let task = self.beside.spawn(async move {
            let _room = room.acquire().await;
            work.await
        });
        self.making.insert(task.id(), id);
    }

    /// Waits until fewer planes are being told than may be.
    async fn room(&mut self, telling: &mut JoinSet<Done>, failed: &mut Option<PublishFailure>) {
        while telling.len() >= AT_ONCE {
            if let Some(done) = telling.join_next().await {
                self.done(failed, done).await;
            }
        }
    }

    /// One plane's failure is no other's: it is told again in the next round.
    async fn done(&mut self, failed: &mut Option<PublishFailure>, done: Result<Done, JoinError>) {
        let told = match done {
            Ok(Done::Wholly(told)) => self.wholly(told),
            Ok(Done::Urgently(plane, feed, told)) => self.urgently(&plane, feed, told),
            Err(_) => Err(PublishFailure::Cancelled),
        };
        if let Err(error) = told {
            *failed = Some(error);
        }
        // Who was told needn't wait for all others, in a round that takes long.
        if self.noticed.elapsed() >= COALESCE
            && let Err(error) = self.notice().await
        {
            *failed = Some(error);
        }
    }

    fn wholly(&mut self, (plane, took, told): Wholly) -> Result<(), PublishFailure> {
        self.lanes.whole(plane.id, took);
        self.note(&plane, told)
    }

    /// Remembers whether a plane could be told.
    fn note<T>(
        &mut self,
        plane: &Plane,
        told: Result<T, PublishFailure>,
    ) -> Result<T, PublishFailure> {
        match &told {
            Ok(_) => {
                self.failing.remove(&plane.id);
            }
            Err(error) => {
                tracing::error!(plane = %plane.name, %error, "a plane was not told");
                let text = format!(
                    "the last try to publish failed ({error}): gates go on with what they know and grow old; control tries again"
                );
                self.failing.insert(plane.id, text);
            }
        }
        told
    }

    fn urgently(
        &mut self,
        plane: &Plane,
        feed: Feed,
        told: Result<Urgent, PublishFailure>,
    ) -> Result<(), PublishFailure> {
        let told = self.note(plane, told)?;
        self.lanes.told(plane.id, feed, told);
        Ok(())
    }

    /// Whole snapshots were made, or were tried: this one and any others since the last look.
    async fn beside(&mut self, made: Result<(Id, Wholly), JoinError>) {
        let mut next = Some(made);
        while let Some(made) = next {
            let id = made.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
            let plane = self.making.remove(&id);
            match made {
                // It has said so itself, and its turn comes again.
                Ok((_, told)) => drop(self.wholly(told)),
                Err(error) => {
                    tracing::error!(%error, "the making of a snapshot was cut off");
                    if let Some(plane) = plane {
                        self.lanes.cut_off(plane);
                    }
                }
            }
            next = self.beside.try_join_next_with_id();
        }
        if let Err(error) = self.notice().await {
            tracing::error!(%error, "polls are woken at the next round");
        }
    }

    /// Wakes long polls of the planes for which anything was published, by whichever replica of control.
    async fn notice(&mut self) -> Result<(), PublishFailure> {
        let mut view = self.app.store.read().await?;
        let positions = view.publications().positions().await?;
        drop(view);
        self.noticed = Instant::now();
        let told = positions.into_iter().map(|told| (told.plane, told));
        let told: BTreeMap<PlaneId, Told> = told.collect();
        self.app.published.send_if_modified(|published| {
            let news = published.told != told;
            published.told = told;
            news
        });
        Ok(())
    }
}

/// The publisher's part of [`App`] at the start.
pub(crate) fn channel() -> tokio::sync::watch::Sender<Published> {
    tokio::sync::watch::Sender::new(Published::default())
}
