//! What both lanes do with an edition: sign it and store it.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_keys::{Kid, Kind};
use aeolus_model::PlaneId;
use aeolus_snapshot::{Digest, Draft, Earlier, Edition, Manifest, Published};
use aeolus_store::{Blob, Publication, StoreError, Unit as _};
use tokio::task::spawn_blocking;

use super::PublishFailure;
use crate::app::App;
use crate::built_ins;

/// Work for the processor, off the threads that requests are answered on.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PublishFailure> {
    let done = spawn_blocking(work).await;
    done.map_err(|_| PublishFailure::Cancelled)
}

/// The blobs that are there.
pub(super) async fn held(
    app: &App,
    plane: PlaneId,
    digests: BTreeSet<Digest>,
) -> Result<BTreeMap<Digest, Vec<u8>>, StoreError> {
    let mut held = BTreeMap::new();
    if digests.is_empty() {
        return Ok(held);
    }
    let mut view = app.store.read().await?;
    for digest in digests {
        let blob = view.publications().blob(plane, digest.as_bytes()).await?;
        held.extend(blob.map(|blob| (digest, blob)));
    }
    Ok(held)
}

/// Whose records an edition has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Those that count.
    Itself,
    /// Narrowed ones, of a replica that stands in.
    StandIn,
}

/// An edition, and what is kept beside it.
pub(super) struct Issue {
    pub(super) edition: Edition,
    /// Up to which position everything is in it but for those who are named as changed.
    pub(super) base: u64,
    /// Of which position single people and programs are in it.
    pub(super) known: u64,
    pub(super) by: By,
}

/// Signs and stores. Says whether it did: not if something newer was published meanwhile.
/// [`StoreError::Reference`] if what it builds on was removed.
pub(super) async fn publish(
    app: &App,
    issue: Issue,
    draft: Draft,
    earlier: Option<Manifest>,
) -> Result<bool, PublishFailure> {
    let needs = earlier.as_ref().map(|earlier| draft.needs(earlier));
    let edition = issue.edition;
    let blobs = held(app, edition.plane, needs.unwrap_or_default()).await?;
    let key = app.keys.snapshot()?;
    let kid = key.public().kid();
    let work = move || {
        let read = |digest: &Digest| blobs.get(digest).cloned();
        let earlier = earlier.as_ref().map(|manifest| Earlier {
            manifest,
            blobs: &read,
        });
        draft.publish(&edition, earlier, &key)
    };
    let published = blocking(work).await??;
    store(app, &issue, (published, kid)).await
}

async fn store(
    app: &App,
    issue: &Issue,
    (published, kid): (Published, Kid),
) -> Result<bool, PublishFailure> {
    let Issue {
        edition,
        base,
        known,
        by,
    } = issue;
    let lag = edition.lag;
    let record = Publication {
        plane: edition.plane,
        epoch: edition.position.epoch,
        seq: edition.position.seq,
        records: lag.map_or(edition.position.seq, |lag| lag.records),
        base: *base,
        known: *known,
        manifest: published.manifest,
        published_at: edition.issued_at,
        complete_at: lag.map_or(edition.issued_at, |lag| lag.as_of),
    };
    let blob = |(digest, content): (Digest, Vec<u8>)| Blob {
        digest: *digest.as_bytes(),
        content,
    };
    let blobs: Vec<Blob> = published.blobs.into_iter().map(blob).collect();
    let kept: Vec<_> = published.kept.iter().map(|d| *d.as_bytes()).collect();
    let mut write = app.store.write().await?;
    // Where the key was replaced meanwhile, gates may refuse what it signed.
    let active = write.keys().active(Kind::Manifest.name()).await?;
    if active.is_none_or(|active| active.kid != kid.to_string()) {
        return Err(PublishFailure::OtherKey);
    }
    if write.publications().publish(&record, &blobs, &kept).await? {
        if *by == By::StandIn {
            built_ins::stand_in(&mut write).await?;
        }
        app.commit(write).await?;
        for Blob { digest, content } in blobs {
            let digest = Digest::from_bytes(digest);
            app.last_known.keep(edition.plane, digest, content.into());
        }
        Ok(true)
    } else {
        write.rollback().await?;
        Ok(false)
    }
}
