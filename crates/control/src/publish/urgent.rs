//! What can't wait: an edition with the revocations of now, whoever has changed, and the records that the plane
//! has.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use aeolus_model::{OrganizationId, PlaneId, Time};
use aeolus_snapshot::{Draft, Edition, Lag, Manifest, News, Position, Root, section};
use aeolus_store::{Feed, Publication, Read, StoreError, Unit as _};

use super::changes::{self, Since, Who};
use super::lanes::Turn;
use super::store::{By, Issue, blocking, publish};
use super::{PublishFailure, sections};
use crate::app::App;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgent {
    /// The plane has the newest revocations.
    Has {
        /// How it got them.
        by: Means,
        /// What of the newest records it has to wait for.
        left: Left,
    },
    /// What it was told can't be built on.
    Amiss,
}

/// How a plane got the newest revocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// By an edition of now, made here or by somebody else.
    Edition,
    /// It had them already: only records are newer.
    Earlier,
}

/// What a plane has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing but what changes without being noted who has.
    Usual,
    /// So many have changed, or nobody knows who, that it is time for everything.
    Everything,
}

/// Tells a plane its revocations and, where its gates can read it (`changes`), who has changed. Nothing else
/// is read, whatever its size.
pub(super) async fn tell(
    app: &App,
    plane: PlaneId,
    changes: bool,
    turn: &Turn,
) -> Result<Urgent, PublishFailure> {
    let _turn = turn.lock().await;
    let mut view = app.store.read().await?;
    let due = match Due::read(app, &mut view, plane).await? {
        ControlFlow::Continue(due) => due,
        ControlFlow::Break(what) => return Ok(what),
    };
    let who = due.who(&mut view, changes).await;
    if who.are_few() {
        let since = due.since(app, &mut view, who).await;
        drop(view);
        return due.tell(app, since).await;
    }
    drop(view);
    let Urgent::Has { by, left } = due.tell(app, Since::Unknown).await? else {
        return Ok(Urgent::Amiss);
    };
    match whoever_changed(app, plane, by).await {
        Err(error) => {
            changes::unread(plane, &error);
            Ok(Urgent::Has { by, left })
        }
        told => told,
    }
}

/// Tells a plane its revocations alone. For who has the turn.
pub(super) async fn revocations(app: &App, plane: PlaneId) -> Result<(), PublishFailure> {
    let mut view = app.store.read().await?;
    let due = Due::read(app, &mut view, plane).await?;
    drop(view);
    if let ControlFlow::Continue(due) = due {
        due.tell(app, Since::Unknown).await?;
    }
    Ok(())
}

/// Those who are many, when revocations are out. An edition with these has taken a position.
async fn whoever_changed(
    app: &App,
    plane: PlaneId,
    revoked: Means,
) -> Result<Urgent, PublishFailure> {
    if revoked == Means::Edition {
        let mut write = app.store.write().await?;
        write.step();
        app.commit(write).await?;
    }
    let mut view = app.store.read().await?;
    let due = match Due::read(app, &mut view, plane).await? {
        ControlFlow::Continue(due) => due,
        ControlFlow::Break(what) => return Ok(what),
    };
    let who = due.who(&mut view, true).await;
    let since = due.since(app, &mut view, who).await;
    drop(view);
    due.tell(app, since).await
}

/// A plane that lacks something, and the newest revocations: they are read before anything that takes longer.
struct Due {
    plane: PlaneId,
    feed: Feed,
    told: Publication,
    held: Manifest,
    organizations: BTreeSet<OrganizationId>,
    revocations: BTreeMap<OrganizationId, section::Revocations>,
    now: Time,
}

impl Due {
    /// What a plane lacks; else what is to be said of it.
    async fn read(
        app: &App,
        view: &mut Read,
        plane: PlaneId,
    ) -> Result<ControlFlow<Urgent, Self>, PublishFailure> {
        let now = app.clock.now();
        let feed = view.settings().feed().await?;
        let told = view.publications().get(plane).await?;
        let Some(told) = told.filter(|told| told.epoch == feed.epoch) else {
            return Ok(ControlFlow::Break(Urgent::Amiss));
        };
        if told.seq >= feed.content {
            return Ok(ControlFlow::Break(Urgent::Has {
                by: Means::Edition,
                left: Left::Usual,
            }));
        }
        let root = view.roots().newest().await?;
        let root = root.and_then(|root| Root::parse(&root.document).ok());
        let held = root.and_then(|root| Manifest::open(&root, plane, &told.manifest).ok());
        let organizations = held.as_ref().map(|(held, _)| held.organizations());
        let (Some((held, _)), Some(Ok(organizations))) = (held, organizations) else {
            return Ok(ControlFlow::Break(Urgent::Amiss));
        };
        let organizations: BTreeSet<_> = organizations.into_iter().collect();
        let of = organizations.iter().copied();
        Ok(ControlFlow::Continue(Self {
            plane,
            feed,
            told,
            held,
            revocations: sections::revocations(view, of, now).await?,
            organizations,
            now,
        }))
    }

    /// Whether records are newer than what the plane has.
    const fn is_behind(&self) -> bool {
        self.told.records < self.feed.records
    }

    /// Who has changed, where the plane's gates can read it.
    async fn who(&self, view: &mut Read, changes: bool) -> Who {
        if !changes || !self.is_behind() {
            return Who::Unknown;
        }
        match Who::since(view, (self.plane, self.told.base)).await {
            Ok(who) => who,
            Err(error) => {
                changes::unread(self.plane, &error);
                Who::Unknown
            }
        }
    }

    async fn since(&self, app: &App, view: &mut Read, who: Who) -> Since {
        let of = (self.plane, &self.organizations, self.now);
        changes::of(app, view, who, of).await
    }

    /// Publishes it, if the plane hasn't got it.
    async fn tell(self, app: &App, since: Since) -> Result<Urgent, PublishFailure> {
        let behind = self.is_behind();
        let left = match &since {
            Since::Many(_) | Since::Unknown if behind => Left::Everything,
            _ => Left::Usual,
        };
        let news = News {
            revocations: self.revocations,
            changes: since.into_changes(),
        };
        let exact = self.told.base >= self.feed.whole && news.changes.is_some();
        let known = match &news.changes {
            Some(_) => self.feed.content,
            None => self.told.known,
        };
        let lag = (behind && !exact).then(|| Lag {
            records: self.told.records,
            as_of: app.newest.as_of(&self.told).min(self.now),
        });
        let edition = Edition {
            plane: self.plane,
            position: Position {
                epoch: self.feed.epoch,
                seq: self.feed.content,
            },
            issued_at: self.now,
            lag,
            min_generation: self.held.min_generation,
        };
        let held = self.held;
        let work = move || {
            let draft = Draft::held(&held, &news)?;
            let same = draft.is_in(&held);
            Ok::<_, PublishFailure>((draft, held, same))
        };
        let (draft, held, same) = blocking(work).await??;
        if same && lag.is_some() {
            let by = Means::Earlier;
            return Ok(Urgent::Has { by, left });
        }
        let issue = Issue {
            edition,
            base: self.told.base,
            known,
            by: By::Itself,
        };
        match publish(app, issue, draft, Some(held)).await {
            // Another replica of control has published something else meanwhile.
            Err(PublishFailure::Store(StoreError::Reference)) => Ok(Urgent::Amiss),
            Err(error) => Err(error),
            Ok(_) => Ok(Urgent::Has {
                by: Means::Edition,
                left,
            }),
        }
    }
}
