//! `DELETE /v1/organizations/{o}/roles/{id}?end_grants=&wait=planes`.

use aeolus_api::Deleted;
use aeolus_model::Action;
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::ended::{self, Losing};
use super::update::own;
use super::{change, view};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;
use crate::planes::{Wait, heard};
use crate::tokens::wants_planes;

/// Removes a role that nobody has, or with `end_grants` also from everybody who has it.
pub(crate) async fn delete(
    ctx: Ctx,
    Path((organization, role)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Deleted>, ApiError> {
    let wait = wants_planes(&query)?;
    let end_grants = query.flag("end_grants")?;
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let by = (&authority, organization.id);
    super::require(by)?;
    let role = own(&mut write, &organization, &role).await?;
    ctx.if_match.require(Some(&view::tag(&role)))?;
    let held = write.grants().of_role(role.id).await?;
    ended::refuse_named(&role, &held)?;
    let held = Losing {
        grants: held,
        place: "",
    };
    let ended = held.end(&mut write, by, end_grants).await?;
    write.roles().delete(role.id).await?;
    let mut event = ctx.event(Action::RoleDelete, Some(organization.id), role.id);
    event.changes = change::changes(Some(&role), None);
    event.changes.extend(ended);
    write.audit(event);
    let seq = ctx.app.commit(write).await?;
    let wait = wait.then_some(Wait::any(Some(organization.id)));
    let planes = heard(&ctx.app, wait, seq).await?;
    Ok(Json(Deleted { seq, planes }))
}
