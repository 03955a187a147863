//! `DELETE /v1/organizations/{o}/users/{id}`: takes a person out of an organization.

use aeolus_api::Deleted;
use aeolus_model::{Action, Permission};
use axum::Json;
use axum::extract::Path;

use super::leaving::show_out;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::planes::{Wait, heard};
use crate::tokens::wants_planes;

/// Takes away everything the person holds in the organization and in its teams, and ends their sessions
/// and API tokens there: what offboarding does without an heir. The last owner can't be taken out (A9).
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, user)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Deleted>, ApiError> {
    let wait = wants_planes(&query)?;
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationIamUpdate, &path)?;
    let how = (Action::UserDelete, None);
    show_out(&ctx, &mut write, (&organization, &user), how).await?;
    let seq = ctx.app.commit(write).await?;
    let wait = wait.then_some(Wait::any(Some(organization.id)));
    let planes = heard(&ctx.app, wait, seq).await?;
    Ok(Json(Deleted { seq, planes }))
}
