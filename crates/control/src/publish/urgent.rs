//! What can't wait: an edition with the revocations of now, whoever has changed, and the records that the plane
//! has.

use std::collections::BTreeSet;

use aeolus_model::PlaneId;
use aeolus_snapshot::{Draft, Edition, Lag, Manifest, News, Position, Root};
use aeolus_store::{StoreError, Unit as _};

use super::changes::{self, Since};
use super::lanes::Turn;
use super::store::{By, Issue, blocking, publish};
use super::{PublishFailure, sections};
use crate::app::App;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgent {
    /// The plane has the newest revocations, or somebody else has told it something newer meanwhile.
    Told,
    /// The same; and so many have changed that it is time for everything.
    Many,
    /// It had them already; only records are newer, whose turn will come.
    Unchanged,
    /// What it was told can't be built on.
    Amiss,
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
    let now = app.clock.now();
    let mut view = app.store.read().await?;
    let feed = view.settings().feed().await?;
    let told = view.publications().get(plane).await?;
    let Some(told) = told.filter(|told| told.epoch == feed.epoch) else {
        return Ok(Urgent::Amiss);
    };
    if told.seq >= feed.content {
        return Ok(Urgent::Told);
    }
    let root = view.roots().newest().await?;
    let root = root.and_then(|root| Root::parse(&root.document).ok());
    let held = root.and_then(|root| Manifest::open(&root, plane, &told.manifest).ok());
    let organizations = held.as_ref().map(|(held, _)| held.organizations());
    let (Some((held, _)), Some(Ok(organizations))) = (held, organizations) else {
        return Ok(Urgent::Amiss);
    };
    let organizations: BTreeSet<_> = organizations.into_iter().collect();
    let since = if changes && told.records < feed.records {
        changes::since(app, &mut view, (plane, told.base), &organizations, now).await?
    } else {
        Since::Unknown
    };
    let revocations = sections::revocations(&mut view, organizations, now).await?;
    drop(view);
    let many = !matches!(since, Since::All(_)) && told.records < feed.records;
    let news = News {
        revocations,
        changes: since.into_changes(),
    };
    let exact = told.base >= feed.whole && news.changes.is_some();
    let lag = (told.records < feed.records && !exact).then(|| Lag {
        records: told.records,
        as_of: app.newest.as_of(&told).min(now),
    });
    let edition = Edition {
        plane,
        position: Position {
            epoch: feed.epoch,
            seq: feed.content,
        },
        issued_at: now,
        lag,
        min_generation: held.min_generation,
    };
    let work = move || {
        let draft = Draft::held(&held, &news)?;
        let same = draft.is_in(&held);
        Ok::<_, PublishFailure>((draft, held, same))
    };
    let (draft, held, same) = blocking(work).await??;
    if same && lag.is_some() {
        return Ok(Urgent::Unchanged);
    }
    let issue = Issue {
        edition,
        base: told.base,
        by: By::Itself,
    };
    match publish(app, issue, draft, Some(held)).await {
        // Another replica of control has published something else meanwhile.
        Err(PublishFailure::Store(StoreError::Reference)) => Ok(Urgent::Amiss),
        Ok(_) if many => Ok(Urgent::Many),
        other => other.map(|_| Urgent::Told),
    }
}
