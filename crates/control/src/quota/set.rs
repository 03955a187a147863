//! `PUT /v1/organizations/{o}/quota`: the operator's word, as a whole.

use aeolus_api::quota::{Quota, QuotaShown};
use aeolus_model::{Action, Change as Changed, Permission};
use aeolus_store::{Organization, Unit as _};
use axum::extract::Path;

use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;

/// Allows an organization more or less. Only who administers the installation may: it is what keeps
/// organizations from one another. In force at every replica with the next request.
pub(crate) async fn set(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(quota): Json<Quota>,
) -> Result<axum::Json<QuotaShown>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    authority.require(Permission::SystemQuotasUpdate, &[])?;
    let id = organization.id;
    let text = text(&quota)?;
    write.organizations().set_quota(id, &text).await?;
    let mut event = ctx.event(Action::QuotaSet, Some(id), id);
    let change = Changed::of("quota", &organization.quota, &text);
    event.changes = change.into_iter().collect();
    write.audit(event);
    ctx.app.commit(write).await?;
    let changed = Organization {
        quota: text,
        ..organization
    };
    Ok(axum::Json(QuotaShown {
        quota,
        effective: ctx.app.meters.of(&changed, ctx.app.clock.now()),
    }))
}

/// What is usual is stored as nothing.
fn text(quota: &Quota) -> Result<String, ApiError> {
    if *quota == Quota::default() {
        return Ok(String::new());
    }
    serde_json::to_string(quota).map_err(ApiError::internal)
}
