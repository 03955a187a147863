//! `DELETE /v1/organizations/{o}`.

use aeolus_api::Deleted;
use aeolus_model::{Action, Permission};
use aeolus_store::{Page, Unit as _};
use axum::Json;
use axum::extract::Path;

use crate::ctx::Ctx;
use crate::error::ApiError;

/// Removes an organization with everything in it, once it has no deployments: what is in use is
/// not removed by one call.
pub(crate) async fn delete(
    ctx: Ctx,
    Path(organization): Path<String>,
) -> Result<Json<Deleted>, ApiError> {
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    authority.require(Permission::SystemOrganizationsDelete, &[])?;
    let used = write
        .deployments()
        .in_organization(organization.id, Page::first(1))
        .await?;
    if !used.items.is_empty() {
        let text = "The organization still has deployments; delete them first.";
        return Err(ApiError::Conflict(text.to_owned()));
    }
    write.organizations().delete(organization.id).await?;
    write.audit(ctx.event(Action::OrganizationDelete, None, organization.id));
    let seq = ctx.app.commit(write).await?;
    Ok(Json(Deleted { seq, planes: None }))
}
