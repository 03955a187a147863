//! Revocations at once: an edition with those of now and the records that the plane has.

use aeolus_model::PlaneId;
use aeolus_snapshot::{Draft, Edition, Lag, Manifest, Position, Root};
use aeolus_store::{StoreError, Unit as _};

use super::lanes::Turn;
use super::store::{By, blocking, publish};
use super::{PublishFailure, sections};
use crate::app::App;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgent {
    /// The plane has the newest revocations, or somebody else has told it something newer meanwhile.
    Told,
    /// It had them already; only records are newer, whose turn will come.
    Unchanged,
    /// What it was told can't be built on.
    Amiss,
}

/// Tells a plane its revocations. Nothing else is read, whatever its size.
pub(super) async fn tell(app: &App, plane: PlaneId, turn: &Turn) -> Result<Urgent, PublishFailure> {
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
    let revocations = sections::revocations(&mut view, organizations, now).await?;
    drop(view);
    let lag = (told.records < feed.records).then(|| Lag {
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
        let draft = Draft::held(&held, &revocations)?;
        let same = draft.is_in(&held);
        Ok::<_, PublishFailure>((draft, held, same))
    };
    let (draft, held, same) = blocking(work).await??;
    if same && lag.is_some() {
        return Ok(Urgent::Unchanged);
    }
    match publish(app, (edition, By::Itself), draft, Some(held)).await {
        // Another replica of control has published something else meanwhile.
        Err(PublishFailure::Store(StoreError::Reference)) => Ok(Urgent::Amiss),
        other => other.map(|_| Urgent::Told),
    }
}
