//! `GET /v1/planes/self/sections/{sha256}`: one blob of the plane's manifest.

use aeolus_snapshot::Digest;
use aeolus_store::Unit as _;
use axum::body::Bytes;
use axum::extract::Path;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};

use super::Poll;
use super::manifest::UNKNOWN;
use crate::error::ApiError;

const HEADERS: [(HeaderName, &str); 2] = [
    (CONTENT_TYPE, "application/zstd"),
    (CACHE_CONTROL, "private, max-age=604800, immutable"),
];

/// The blob, if the plane's own manifest names it: planes see nothing of one another. While the database
/// is away, it is one that the plane's manifest named (F43).
pub(crate) async fn section(
    Poll { ctx, from_memory }: Poll,
    Path(sha256): Path<String>,
) -> Result<([(HeaderName, &'static str); 2], Bytes), ApiError> {
    let digest: Digest = sha256.parse().map_err(|_| ApiError::NotFound("section"))?;
    let (plane, last_known) = (ctx.plane.id, &ctx.app.last_known);
    let kept = || last_known.blob(plane, digest);
    if from_memory {
        let blob = kept().ok_or(ApiError::NotReady(UNKNOWN))?;
        return Ok((HEADERS, blob));
    }
    let read = async {
        let mut view = ctx.app.store.read().await?;
        view.publications().blob(plane, digest.as_bytes()).await
    };
    match read.await {
        Ok(Some(blob)) => {
            let blob = Bytes::from(blob);
            last_known.keep(plane, digest, blob.clone());
            Ok((HEADERS, blob))
        }
        Ok(None) => Err(ApiError::NotFound("section")),
        Err(error) if error.is_outage() => Ok((HEADERS, kept().ok_or(error)?)),
        Err(error) => Err(error.into()),
    }
}
