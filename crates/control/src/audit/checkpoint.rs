//! `GET /v1/organizations/{o}/audit:checkpoint` and `GET /v1/audit:checkpoint`.

use aeolus_api::audit::AuditCheckpoint;
use aeolus_keys::chain::Scope;
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::{chain, readable};
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Control's signed word of how far an organization's log goes.
pub(crate) async fn checkpoint(
    ctx: Ctx,
    Path(organization): Path<String>,
) -> Result<Json<AuditCheckpoint>, ApiError> {
    let scope = readable(&ctx, Some(&organization)).await?;
    of(&ctx, scope).await.map(Json)
}

/// The same of everything.
pub(crate) async fn checkpoint_all(ctx: Ctx) -> Result<Json<AuditCheckpoint>, ApiError> {
    let scope = readable(&ctx, None).await?;
    of(&ctx, scope).await.map(Json)
}

async fn of(ctx: &Ctx, scope: Scope) -> Result<AuditCheckpoint, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let chain = view.audit_log().chain(scope).await?;
    let none = || ApiError::Conflict("No line of this log is in its chain yet.".to_owned());
    let head = chain.ok_or_else(none)?.head;
    let (checkpoint, at) = chain::sign(&ctx.app, scope, head)?;
    Ok(AuditCheckpoint {
        scope: scope.to_string(),
        line: head.line,
        hash: head.hash.to_string(),
        at: at.secs(),
        checkpoint,
    })
}
