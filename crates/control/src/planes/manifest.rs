//! `GET /v1/planes/self/manifest?after=EPOCH.SEQ&wait=SECONDS&root=VERSION`: the long poll that
//! snapshots travel by.

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_api::Base64Bytes;
use aeolus_api::plane::ManifestAnswer;
use aeolus_snapshot::{Digest, Freshness, Position, sign_freshness};
use aeolus_store::{Publication, Read, Unit as _};
use axum::Json;

use super::PlaneCtx;
use crate::error::ApiError;
use crate::extract::Query;

/// Bytes of blobs that travel with the manifest, so that a revocation costs one round trip.
const INLINE: usize = 64 * 1024;
const MAX_WAIT: u64 = 30;

/// Answers with what is newer than `after`, or after `wait` with a signed statement that nothing
/// is.
pub(crate) async fn manifest(
    ctx: PlaneCtx,
    query: Query,
) -> Result<Json<ManifestAnswer>, ApiError> {
    let after = after(&query)?;
    let number = |name| match query.0.get(name) {
        None => Ok(0),
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| ApiError::field(name, "use a number")),
    };
    // A gate that doesn't say which root document it has is not told of a newer one.
    let held_root = match query.0.get("root") {
        None => u64::MAX,
        Some(_) => number("root")?,
    };
    let wait = Duration::from_secs(number("wait")?.min(MAX_WAIT));
    let deadline = tokio::time::Instant::now() + wait;
    let mut news = ctx.app.published.subscribe();
    loop {
        news.borrow_and_update();
        let mut view = ctx.app.store.read().await?;
        let published = view.publications().get(ctx.plane.id).await?;
        let root = next_root(&mut view, held_root).await?;
        if let Some(published) = &published {
            let position = position(published);
            let epoch = view.settings().feed().await?.epoch;
            ahead(&ctx, after.filter(|after| after.epoch >= epoch), position).await?;
            if let Some(after) = after {
                ctx.app.acks.polled(&ctx.app, ctx.plane.id, after.seq);
            }
            if root.is_some() || after.is_none_or(|after| position > after) {
                return answer(&ctx, &mut view, published, (after, root)).await;
            }
        }
        drop(view);
        let left = tokio::time::timeout_at(deadline, news.changed()).await;
        if left.is_err() || left.is_ok_and(|changed| changed.is_err()) {
            let published = published.ok_or(ApiError::NotReady(
                "Nothing was published for this plane yet.",
            ))?;
            return Ok(Json(ManifestAnswer {
                freshness: freshness(&ctx, &published).await?,
                ..ManifestAnswer::default()
            }));
        }
    }
}

fn after(query: &Query) -> Result<Option<Position>, ApiError> {
    let Some(text) = query.0.get("after") else {
        return Ok(None);
    };
    let parsed = text.split_once('.').and_then(|(epoch, seq)| {
        Some(Position {
            epoch: epoch.parse().ok()?,
            seq: seq.parse().ok()?,
        })
    });
    let wrong = || ApiError::field("after", "use EPOCH.SEQ");
    parsed.map(Some).ok_or_else(wrong)
}

const fn position(published: &Publication) -> Position {
    Position {
        epoch: published.epoch,
        seq: published.seq,
    }
}

/// A gate that knows more than the database proves that the database was restored. Going on would
/// sign a past that gates must refuse, and make them doubt the future: publishing stops, loudly,
/// until an operator has looked. Positions of an epoch that was recovered from prove nothing: what is
/// beyond them is about to be published.
async fn ahead(ctx: &PlaneCtx, after: Option<Position>, newest: Position) -> Result<(), ApiError> {
    let Some(after) = after.filter(|after| *after > newest) else {
        return Ok(());
    };
    let name = &ctx.plane.name;
    let text = format!("a gate of {name} is at {after}, the database at {newest}");
    crate::restore::stop(&ctx.app, ctx.plane.id, text.clone()).await?;
    Err(ApiError::Conflict(text))
}

async fn answer(
    ctx: &PlaneCtx,
    view: &mut Read,
    published: &Publication,
    (after, root): (Option<Position>, Option<String>),
) -> Result<Json<ManifestAnswer>, ApiError> {
    let newest = position(published);
    let mut blobs = BTreeMap::new();
    let newer = after.is_none_or(|after| newest > after);
    if newer {
        let (epoch, seq) = after.map_or((0, 0), |after| (after.epoch, after.seq));
        let changed = view
            .publications()
            .blobs_since(ctx.plane.id, epoch, seq)
            .await?;
        let mut room = INLINE;
        for blob in changed {
            if let Some(left) = room.checked_sub(blob.content.len()) {
                room = left;
                let name = Digest::from_bytes(blob.digest).to_string();
                blobs.insert(name, Base64Bytes(blob.content));
            }
        }
    }
    Ok(Json(ManifestAnswer {
        manifest: newer.then(|| published.manifest.clone()),
        freshness: freshness(ctx, published).await?,
        blobs,
        root,
    }))
}

/// The root document after the one the gate has: one at a time, because each is checked against
/// the one before.
async fn next_root(view: &mut Read, held: u64) -> Result<Option<String>, ApiError> {
    if held == u64::MAX {
        return Ok(None);
    }
    let roots = view.roots().after(held).await?;
    Ok(roots.into_iter().next().map(|root| root.document))
}

/// The signed word that nothing newer exists. It is true of now only if what is published is what
/// the feed is at: a stuck publisher, or a database that was restored, must make gates old, not
/// blind.
async fn freshness(ctx: &PlaneCtx, published: &Publication) -> Result<String, ApiError> {
    let now = ctx.app.clock.now();
    let mut view = ctx.app.store.read().await?;
    let feed = view.settings().feed().await?;
    let stopped = crate::restore::found(&mut view).await?.is_some();
    let position = position(published);
    let newest = !stopped && (feed.epoch, feed.content) == (position.epoch, position.seq);
    let statement = Freshness {
        plane: ctx.plane.id,
        position,
        manifest: Digest::of(published.manifest.as_bytes()),
        at: if newest { now } else { published.published_at },
    };
    sign_freshness(&statement, ctx.app.keys.snapshot()).map_err(ApiError::internal)
}
