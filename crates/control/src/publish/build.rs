//! One plane's next snapshot: what it has to know, as a change to what it has been told.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::{PlaneId, Time};
use aeolus_snapshot::{Digest, Draft, Earlier, Edition, Manifest, Position, Published, Root};
use aeolus_store::{Blob, Feed, Publication, StoreError, Unit as _};
use tokio::task::spawn_blocking;

use super::{PublishFailure, sections};
use crate::app::App;

/// Publishes for one plane, if nobody has published something newer meanwhile.
pub(super) async fn publish(app: &App, plane: PlaneId) -> Result<(), PublishFailure> {
    let now = app.clock.now();
    let mut view = app.store.read().await?;
    // Read again with the records: the manifest's position is the one its content is of.
    let feed = view.settings().feed().await?;
    let sections = sections::of(app, &mut view, plane).await?;
    let told = view.publications().get(plane).await?;
    let root = view.roots().newest().await?;
    drop(view);
    let work = move || {
        let draft = Draft::new(&sections)?;
        let root = root.and_then(|root| Root::parse(&root.document).ok());
        let earlier = root.zip(told).and_then(|(root, told)| {
            let opened = Manifest::open(&root, plane, &told.manifest);
            opened.ok().map(|(manifest, _)| manifest)
        });
        Ok::<_, PublishFailure>((draft, earlier))
    };
    let (draft, earlier) = blocking(work).await??;
    let edition = Edition {
        plane,
        position: Position {
            epoch: feed.epoch,
            seq: feed.content,
        },
        issued_at: now,
        min_generation: 0,
    };
    let held = match &earlier {
        Some(earlier) => held(app, plane, draft.needs(earlier)).await?,
        None => BTreeMap::new(),
    };
    let key = app.clone();
    let work = move || {
        let read = |digest: &Digest| held.get(digest).cloned();
        let earlier = earlier.as_ref().map(|manifest| Earlier {
            manifest,
            blobs: &read,
        });
        let published = draft.publish(&edition, earlier, key.keys.snapshot())?;
        Ok::<_, PublishFailure>((draft, published))
    };
    let (draft, published) = blocking(work).await??;
    match store(app, (plane, feed, now), published).await {
        // What it builds on was removed, as by another replica that published meanwhile.
        Err(StoreError::Reference) => {}
        other => return Ok(other?),
    }
    let key = app.clone();
    let work = move || draft.publish(&edition, None, key.keys.snapshot());
    let whole = blocking(work).await??;
    Ok(store(app, (plane, feed, now), whole).await?)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PublishFailure> {
    let done = spawn_blocking(work).await;
    done.map_err(|_| PublishFailure::Cancelled)
}

/// The blobs that are there.
async fn held(
    app: &App,
    plane: PlaneId,
    digests: BTreeSet<Digest>,
) -> Result<BTreeMap<Digest, Vec<u8>>, StoreError> {
    let mut view = app.store.read().await?;
    let mut held = BTreeMap::new();
    for digest in digests {
        let blob = view.publications().blob(plane, digest.as_bytes()).await?;
        held.extend(blob.map(|blob| (digest, blob)));
    }
    Ok(held)
}

async fn store(
    app: &App,
    (plane, feed, now): (PlaneId, Feed, Time),
    published: Published,
) -> Result<(), StoreError> {
    let record = Publication {
        plane,
        epoch: feed.epoch,
        seq: feed.content,
        manifest: published.manifest,
        published_at: now,
    };
    let blob = |(digest, content): (Digest, Vec<u8>)| Blob {
        digest: *digest.as_bytes(),
        content,
    };
    let blobs: Vec<Blob> = published.blobs.into_iter().map(blob).collect();
    let kept: Vec<_> = published.kept.iter().map(|d| *d.as_bytes()).collect();
    let mut write = app.store.write().await?;
    if write.publications().publish(&record, &blobs, &kept).await? {
        app.commit(write).await.map(|_| ())
    } else {
        write.rollback().await
    }
}
