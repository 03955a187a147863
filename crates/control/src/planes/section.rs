//! `GET /v1/planes/self/sections/{sha256}`: one blob of the plane's manifest.

use aeolus_snapshot::Digest;
use aeolus_store::Unit as _;
use axum::extract::Path;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};

use super::PlaneCtx;
use crate::error::ApiError;

/// The blob, if the plane's own manifest names it: planes see nothing of one another.
pub(crate) async fn section(
    ctx: PlaneCtx,
    Path(sha256): Path<String>,
) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), ApiError> {
    let digest: Digest = sha256.parse().map_err(|_| ApiError::NotFound("section"))?;
    let mut view = ctx.app.store.read().await?;
    let blob = view
        .publications()
        .blob(ctx.plane.id, digest.as_bytes())
        .await?
        .ok_or(ApiError::NotFound("section"))?;
    let headers = [
        (CONTENT_TYPE, "application/zstd"),
        (CACHE_CONTROL, "private, max-age=604800, immutable"),
    ];
    Ok((headers, blob))
}
