//! A plane's whole snapshot: what it has to know, as a change to what it has been told.

use std::collections::BTreeSet;
use std::sync::Arc;

use aeolus_model::{OrganizationId, PlaneId, Time};
use aeolus_snapshot::{Digest, Draft, Earlier, Edition, Lag, Manifest, News, Position, Root};
use aeolus_store::{Feed, Publication, Read, StoreError, Unit as _};

use super::changes;
use super::lanes::Turn;
use super::store::{By, Issue, blocking, held, publish};
use super::{PublishFailure, sections};
use crate::app::App;

/// How often positions are taken anew that somebody else published first.
const TRIES: u32 = 5;

/// Everything of one position, read and encoded.
struct Whole {
    plane: PlaneId,
    feed: Feed,
    /// Roles allow something else by now than this replica knows: these are what both allow.
    by: By,
    /// Before it was read.
    at: Time,
    organizations: BTreeSet<OrganizationId>,
    /// Whether the plane's gates can read who changed.
    changes: bool,
    draft: Arc<Draft>,
    root: Option<Root>,
}

/// Tells a plane everything, if nobody has told it as much meanwhile. `changes`: whether its gates can read who
/// changed. `stands_in`: also if this replica is overtaken; else that is left to the others.
pub(super) async fn tell(
    app: &App,
    plane: PlaneId,
    turn: &Turn,
    (changes, stands_in): (bool, bool),
) -> Result<(), PublishFailure> {
    let (whole, earlier) = Whole::read(app, plane, changes).await?;
    if whole.by == By::StandIn && !stands_in {
        return Ok(());
    }
    match whole.tell(app, earlier, turn).await {
        // What it builds on was removed, as by another replica that published meanwhile.
        Err(PublishFailure::Store(StoreError::Reference)) => whole.tell(app, None, turn).await,
        other => other,
    }
}

impl Whole {
    async fn read(
        app: &App,
        plane: PlaneId,
        changes: bool,
    ) -> Result<(Self, Option<Manifest>), PublishFailure> {
        let at = app.clock.now();
        let mut view = app.store.read().await?;
        // Read again with the records: the manifest's position is the one its content is of.
        let feed = view.settings().feed().await?;
        let overtaken = app.built_ins.in_force(&mut view).await?.overtaken;
        let by = if overtaken { By::StandIn } else { By::Itself };
        let sections = sections::of(app, &mut view, plane).await?;
        let told = view.publications().get(plane).await?;
        let root = view.roots().newest().await?;
        drop(view);
        let work = move || {
            let whole = Self {
                plane,
                feed,
                by,
                at,
                organizations: sections.revocations.keys().copied().collect(),
                changes,
                draft: Arc::new(Draft::new(&sections)?),
                root: root.and_then(|root| Root::parse(&root.document).ok()),
            };
            let earlier = whole.open(told.as_ref());
            Ok::<_, PublishFailure>((whole, earlier))
        };
        blocking(work).await?
    }

    /// What the plane was told, if it can be built on.
    fn open(&self, told: Option<&Publication>) -> Option<Manifest> {
        let (root, told) = self.root.as_ref().zip(told)?;
        let opened = Manifest::open(root, self.plane, &told.manifest);
        opened.ok().map(|(manifest, _)| manifest)
    }

    /// Settles how the records travel, before the turn: it takes time.
    async fn lay(&self, app: &App, earlier: Option<Manifest>) -> Result<Draft, PublishFailure> {
        let needs = earlier.as_ref().map(|earlier| self.draft.needs(earlier));
        let blobs = held(app, self.plane, needs.unwrap_or_default()).await?;
        let draft = Arc::clone(&self.draft);
        let work = move || {
            let read = |digest: &Digest| blobs.get(digest).cloned();
            draft.lay(earlier.as_ref().map(|manifest| Earlier {
                manifest,
                blobs: &read,
            }))
        };
        Ok(blocking(work).await??)
    }

    async fn tell(
        &self,
        app: &App,
        earlier: Option<Manifest>,
        turn: &Turn,
    ) -> Result<(), PublishFailure> {
        let laid = self.lay(app, earlier).await?;
        let _turn = turn.lock().await;
        for _ in 0..TRIES {
            let now = app.clock.now();
            let mut view = app.store.read().await?;
            let feed = view.settings().feed().await?;
            let told = view.publications().get(self.plane).await?;
            let told = told.filter(|told| told.epoch == feed.epoch);
            let stopped = crate::restore::found(&mut view).await?.is_some();
            if stopped || feed.epoch != self.feed.epoch || self.is_in(told.as_ref()) {
                return Ok(());
            }
            let earlier = self.open(told.as_ref());
            let seq = told.as_ref().map_or(0, |told| told.seq);
            if seq < self.feed.content {
                drop(view);
                let edition = self.edition(self.feed, self.at, None);
                if publish(app, self.issue(edition), laid.clone(), earlier).await? {
                    return Ok(());
                }
            } else if seq < feed.content {
                // Revocations and changes have gone out since: never may one be missing again.
                let news = self.news(app, &mut view, now).await?;
                drop(view);
                let exact = news.changes.is_some() && feed.whole <= self.feed.content;
                let draft = laid.clone();
                let draft = blocking(move || draft.with_news(&news)).await??;
                let as_of = told.map_or(self.at, |told| app.newest.as_of(&told).max(self.at));
                let edition = self.edition(feed, now, (!exact).then_some(as_of));
                if publish(app, self.issue(edition), draft, earlier).await? {
                    return Ok(());
                }
            } else {
                drop(view);
                let mut write = app.store.write().await?;
                write.step();
                app.commit(write).await?;
            }
        }
        Err(PublishFailure::Overtaken)
    }

    const fn issue(&self, edition: Edition) -> Issue {
        Issue {
            edition,
            base: self.feed.content,
            by: self.by,
        }
    }

    fn is_in(&self, told: Option<&Publication>) -> bool {
        told.is_some_and(|told| told.base >= self.feed.content)
    }

    /// What is newer than what was read.
    async fn news(&self, app: &App, view: &mut Read, now: Time) -> Result<News, StoreError> {
        let read = (self.plane, self.feed.content);
        let since = if self.changes {
            changes::since(app, view, read, &self.organizations, now).await?
        } else {
            changes::Since::Unknown
        };
        let organizations = self.organizations.iter().copied();
        Ok(News {
            revocations: sections::revocations(view, organizations, now).await?,
            changes: since.into_changes(),
        })
    }

    /// News of a position of the feed with these records. `as_of`: when these were known to be
    /// whole, if not then.
    fn edition(&self, feed: Feed, now: Time, as_of: Option<Time>) -> Edition {
        let records = self.feed.content;
        let lag = as_of.filter(|_| feed.records > records);
        Edition {
            plane: self.plane,
            position: Position {
                epoch: feed.epoch,
                seq: feed.content,
            },
            issued_at: now,
            lag: lag.map(|as_of| Lag {
                records,
                as_of: as_of.min(now),
            }),
            min_generation: 0,
        }
    }
}
