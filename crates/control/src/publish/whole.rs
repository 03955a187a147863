//! A plane's whole snapshot: what it has to know, as a change to what it has been told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aeolus_model::{OrganizationId, PlaneId, Time};
use aeolus_snapshot::{
    Digest, Draft, Earlier, Edition, Lag, Manifest, News, Position, Root, section,
};
use aeolus_store::{Feed, Publication, Read, StoreError, Unit as _};

use super::changes::{self, Who};
use super::lanes::Turn;
use super::store::{By, Issue, blocking, held, publish};
use super::{PublishFailure, sections, urgent};
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

/// Whom and for whom a replica tells everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audience {
    /// The plane's gates can read who changed.
    pub(super) reads_changes: bool,
    /// This replica may stand in for the others, where they have overtaken it; else it leaves that to them.
    pub(super) may_stand_in: bool,
}

/// Tells a plane everything, if nobody has told it as much meanwhile.
pub(super) async fn tell(
    app: &App,
    plane: PlaneId,
    turn: &Turn,
    audience: Audience,
) -> Result<(), PublishFailure> {
    let (whole, earlier) = Whole::read(app, plane, audience.reads_changes).await?;
    if whole.by == By::StandIn && !audience.may_stand_in {
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
        let mut revoked = false;
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
                let issue = self.issue(edition, self.feed.content);
                if publish(app, issue, laid.clone(), earlier).await? {
                    return Ok(());
                }
            } else if seq < feed.content {
                // Revocations and changes have gone out since: never may one be missing again.
                let revocations = self.revocations(&mut view, now).await?;
                let who = self.who(&mut view).await;
                if !who.are_few() && !revoked {
                    // Reading so many takes time, and nobody else has the turn meanwhile.
                    drop(view);
                    urgent::revocations(app, self.plane).await?;
                    revoked = true;
                    continue;
                }
                let of = (self.plane, &self.organizations, now);
                let changes = changes::of(app, &mut view, who, of).await.into_changes();
                drop(view);
                let news = News {
                    revocations,
                    changes,
                };
                let known = news.changes.is_some();
                if !known
                    && told
                        .as_ref()
                        .is_some_and(|told| told.known > self.feed.content)
                {
                    // It has been told of people as they were later than this, and keeps that.
                    return Ok(());
                }
                let records = match &told {
                    Some(told) if known => told.records.max(self.feed.content),
                    _ => self.feed.content,
                };
                let exact = known && feed.whole <= self.feed.content;
                let draft = laid.clone();
                let draft = blocking(move || draft.with_news(&news)).await??;
                let as_of = told.map_or(self.at, |told| app.newest.as_of(&told).max(self.at));
                let lag = (!exact).then_some(Lag { records, as_of });
                let edition = self.edition(feed, now, lag);
                let known = if known {
                    feed.content
                } else {
                    self.feed.content
                };
                if publish(app, self.issue(edition, known), draft, earlier).await? {
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

    const fn issue(&self, edition: Edition, known: u64) -> Issue {
        Issue {
            edition,
            base: self.feed.content,
            known,
            by: self.by,
        }
    }

    fn is_in(&self, told: Option<&Publication>) -> bool {
        told.is_some_and(|told| told.base >= self.feed.content)
    }

    async fn revocations(
        &self,
        view: &mut Read,
        now: Time,
    ) -> Result<BTreeMap<OrganizationId, section::Revocations>, StoreError> {
        let organizations = self.organizations.iter().copied();
        sections::revocations(view, organizations, now).await
    }

    /// Who has changed since it was read.
    async fn who(&self, view: &mut Read) -> Who {
        if !self.changes {
            return Who::Unknown;
        }
        match Who::since(view, (self.plane, self.feed.content)).await {
            Ok(who) => who,
            Err(error) => {
                changes::unread(self.plane, &error);
                Who::Unknown
            }
        }
    }

    /// News of a position of the feed with these records. `lag`: how far they are whole, if not to there.
    fn edition(&self, feed: Feed, now: Time, lag: Option<Lag>) -> Edition {
        let lag = lag.filter(|lag| feed.records > lag.records);
        Edition {
            plane: self.plane,
            position: Position {
                epoch: feed.epoch,
                seq: feed.content,
            },
            issued_at: now,
            lag: lag.map(|lag| Lag {
                as_of: lag.as_of.min(now),
                ..lag
            }),
            min_generation: 0,
        }
    }
}
