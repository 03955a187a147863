//! `POST /v1/planes/self/status`: what a gate has in force.

use aeolus_api::plane::Status;
use aeolus_store::Replica;
use http::StatusCode;

use super::PlaneCtx;
use crate::error::ApiError;
use crate::extract::Json;

/// Takes the report and wakes whoever waits for it.
pub(crate) async fn status(
    ctx: PlaneCtx,
    Json(status): Json<Status>,
) -> Result<StatusCode, ApiError> {
    let fits = |text: &str, max| text.len() <= max && text.bytes().all(|b| b.is_ascii_graphic());
    if status.replica.is_empty() || !fits(&status.replica, 64) || !fits(&status.version, 64) {
        return Err(ApiError::field(
            "replica",
            "use 1 to 64 printable characters",
        ));
    }
    let report = Replica {
        plane: ctx.plane.id,
        replica: status.replica.clone(),
        epoch: status.epoch,
        seq: status.seq,
        records: status.records.unwrap_or(status.seq).min(status.seq),
        version: status.version.clone(),
        reader: status.reader.unwrap_or(1),
        status: serde_json::to_string(&status).map_err(ApiError::internal)?,
        reported_at: ctx.app.clock.now(),
    };
    let mut write = ctx.app.store.write().await?;
    aeolus_store::Unit::replicas(&mut write)
        .report(&report)
        .await?;
    ctx.app.commit(write).await?;
    ctx.app
        .acknowledged
        .send_modify(|count| *count = count.wrapping_add(1));
    Ok(StatusCode::NO_CONTENT)
}
