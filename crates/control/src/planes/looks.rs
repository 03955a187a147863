//! What a plane's gates are answered: read, signed and encoded once for all that wait for the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::Base64Bytes;
use aeolus_api::plane::ManifestAnswer;
use aeolus_model::{PlaneId, Time};
use aeolus_snapshot::{Digest, Freshness, Position, sign_freshness};
use aeolus_store::{Blob, Publication, Read, StoreError, Told, Unit as _};
use axum::body::Bytes;
use tokio::time::{Instant, timeout};

use crate::app::App;
use crate::error::ApiError;
use crate::publish::is_newest;

/// Bytes of blobs that travel with the manifest, so that a revocation costs one round trip.
const INLINE: u32 = 64 * 1024;
/// Who has waited so long for another's look looks alone: the database may hang.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a gate asks: what comes after the position and the root document it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) plane: PlaneId,
    pub(super) after: Option<Position>,
    pub(super) root: u64,
    /// Whether it waits no longer, and wants an answer without news as well.
    pub(super) over: bool,
}

/// What was seen on its behalf.
pub(super) struct Seen {
    began: Instant,
    /// Whether the database was away, so that this is what was last known.
    pub(super) from_memory: bool,
    /// The feed's epoch.
    pub(super) epoch: u64,
    /// What the plane was last told.
    pub(super) published: Option<Position>,
    /// Whether there is a root document that the gate doesn't have.
    pub(super) root: bool,
    /// The encoded answer; none before the first publication, nor without news to a gate that waits on.
    pub(super) answer: Option<Bytes>,
}

/// Looks that are under way, by plane.
///
/// A publication wakes every gate of a plane at once, and they ask the same. One of them looks; the
/// others, who asked before that look began, take what it saw. Nothing is kept longer than somebody
/// waits, so an answer is never older than its question.
#[derive(Default)]
pub(crate) struct Looks(Mutex<HashMap<PlaneId, Slot>>);

type Slot = Arc<tokio::sync::Mutex<Option<(Question, Arc<Seen>)>>>;

impl Looks {
    /// Looks, or takes what another gate's look saw since this one asked.
    pub(super) async fn of(&self, app: &App, question: Question) -> Result<Arc<Seen>, ApiError> {
        let asked = Instant::now();
        let place = self.place(question.plane);
        let Ok(mut last) = timeout(PATIENCE, place.slot.lock()).await else {
            return look(app, question).await.map(Arc::new);
        };
        if let Some((same, seen)) = &*last
            && *same == question
            && seen.began >= asked
        {
            return Ok(Arc::clone(seen));
        }
        let seen = Arc::new(look(app, question).await?);
        *last = Some((question, Arc::clone(&seen)));
        Ok(seen)
    }

    fn place(&self, plane: PlaneId) -> Place<'_> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::clone(slots.entry(plane).or_default());
        Place {
            looks: self,
            plane,
            slot,
        }
    }
}

/// One who waits at a slot. The last one to go, also by hanging up, takes the slot along.
struct Place<'a> {
    looks: &'a Looks,
    plane: PlaneId,
    slot: Slot,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        const MAP_AND_MINE: usize = 2;
        let mut slots = self.looks.0.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::strong_count(&self.slot) <= MAP_AND_MINE {
            slots.remove(&self.plane);
        }
    }
}

/// Reads one consistent view and lets it go before anything else: a poll that kept its view while it
/// asked for another would wait for the connections that other polls keep.
async fn read(app: &App, question: Question) -> Result<View, StoreError> {
    let mut view = app.store.read().await?;
    let published = view.publications().get(question.plane).await?;
    let after = question.after;
    let mut blobs = Vec::new();
    if published.as_ref().is_some_and(|told| newer(told, after)) {
        let since = after.map_or((0, 0), |after| (after.epoch, after.seq));
        let mut publications = view.publications();
        blobs = publications
            .blobs_since(question.plane, since, INLINE)
            .await?;
    }
    let feed = view.settings().feed().await?;
    let stopped = crate::restore::found(&mut view).await?.is_some();
    let root = next_root(&mut view, question.root).await?;
    let newest = |published: &Publication| !stopped && is_newest(feed, told(published));
    Ok(View {
        from_memory: false,
        epoch: feed.epoch,
        newest: published.as_ref().is_some_and(newest),
        published,
        blobs,
        root,
    })
}

/// What there is to answer with.
struct View {
    from_memory: bool,
    epoch: u64,
    /// Whether what is published is all that there is.
    newest: bool,
    published: Option<Publication>,
    blobs: Vec<Blob>,
    root: Option<String>,
}

impl View {
    /// What was last published for a plane, as far as this process knows: nobody can say that there is
    /// nothing newer, so gates count its age from when somebody could.
    fn last(app: &App, plane: PlaneId) -> Option<Self> {
        let last = app.last_known.last_told(plane)?;
        Some(Self {
            from_memory: true,
            epoch: last.epoch,
            newest: false,
            published: Some(last.publication),
            blobs: Vec::new(),
            root: None,
        })
    }

    /// The same for a question that was asked at a moment and a time.
    fn seen(
        self,
        app: &App,
        question: Question,
        (began, at): (Instant, Time),
    ) -> Result<Seen, ApiError> {
        let next = self.root.is_some();
        let published = self.published.as_ref();
        let newer = published.is_some_and(|told| newer(told, question.after));
        let news = newer || (next && self.published.is_some());
        let answer = |published: &Publication| {
            let answer = ManifestAnswer {
                manifest: newer.then(|| published.manifest.clone()),
                freshness: freshness(app, published, (at, self.newest))?,
                blobs: inlined(self.blobs),
                root: self.root,
            };
            serde_json::to_vec(&answer).map_err(ApiError::internal)
        };
        let wanted = self.published.as_ref().filter(|_| news || question.over);
        let answer = wanted.map(answer).transpose()?;
        Ok(Seen {
            began,
            from_memory: self.from_memory,
            epoch: self.epoch,
            published: self.published.as_ref().map(position),
            root: next,
            answer: answer.map(Bytes::from),
        })
    }
}

async fn look(app: &App, question: Question) -> Result<Seen, ApiError> {
    let began = Instant::now();
    // Before the view: whatever it shows is at least as new.
    let at = app.clock.now();
    match read(app, question).await {
        Ok(view) => {
            app.last_known.told(view.epoch, view.published.as_ref());
            view.seen(app, question, (began, at))
        }
        Err(error) if error.is_outage() => remembered(app, question).unwrap_or(Err(error.into())),
        Err(error) => Err(error.into()),
    }
}

/// What was last known, for a question that the database doesn't answer. None if nothing was.
pub(super) fn remembered(app: &App, question: Question) -> Option<Result<Seen, ApiError>> {
    let view = View::last(app, question.plane)?;
    Some(view.seen(app, question, (Instant::now(), app.clock.now())))
}

fn newer(published: &Publication, after: Option<Position>) -> bool {
    after.is_none_or(|after| position(published) > after)
}

const fn position(published: &Publication) -> Position {
    Position {
        epoch: published.epoch,
        seq: published.seq,
    }
}

fn inlined(blobs: Vec<Blob>) -> BTreeMap<String, Base64Bytes> {
    let mut room = INLINE as usize;
    let mut inlined = BTreeMap::new();
    for blob in blobs {
        if let Some(left) = room.checked_sub(blob.content.len()) {
            room = left;
            let name = Digest::from_bytes(blob.digest).to_string();
            inlined.insert(name, Base64Bytes(blob.content));
        }
    }
    inlined
}

/// The root document after the one the gate has: one at a time, because each is checked against
/// the one before.
async fn next_root(view: &mut Read, held: u64) -> Result<Option<String>, StoreError> {
    if held == u64::MAX {
        return Ok(None);
    }
    let roots = view.roots().after(held).await?;
    Ok(roots.into_iter().next().map(|root| root.document))
}

const fn told(published: &Publication) -> Told {
    Told {
        plane: published.plane,
        epoch: published.epoch,
        seq: published.seq,
        records: published.records,
        base: published.base,
        known: published.known,
    }
}

/// The signed word of how new a publication is. It is as of now only if what is published is what the
/// feed is at: a stuck publisher, records whose turn hasn't come, or a database that was restored,
/// must make gates old, not blind.
fn freshness(
    app: &App,
    published: &Publication,
    (now, newest): (Time, bool),
) -> Result<String, ApiError> {
    let at = now.max(published.published_at);
    let as_of = if newest {
        at
    } else {
        app.newest.as_of(published).min(at)
    };
    let statement = Freshness {
        plane: published.plane,
        position: position(published),
        manifest: Digest::of(published.manifest.as_bytes()),
        at,
        as_of,
    };
    let key = app.keys.snapshot().map_err(ApiError::internal)?;
    sign_freshness(&statement, &key).map_err(ApiError::internal)
}
