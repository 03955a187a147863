//! `POST /v1/organizations/{o}/users/{id}/offboard`: ends everything in an organization that hangs on a
//! person, at once or not at all.

use aeolus_api::offboard::{OffboardRequest, Offboarded};
use aeolus_model::{Action, Permission};
use axum::extract::Path;
use http::StatusCode;

use super::leaving::show_out;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::once::Reply;
use crate::planes::Wait;
use crate::tokens::wants_planes;

/// Offboards a person, named by id or address. A dry run does the same and takes it back, so that it
/// says exactly what would happen.
pub(crate) async fn offboard(
    ctx: Ctx,
    Path((organization, user)): Path<(String, String)>,
    query: Query,
    Json(body): Json<OffboardRequest>,
) -> Result<Reply<Offboarded>, ApiError> {
    let wait = wants_planes(&query)?;
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationIamUpdate, &path)?;
    let how = (Action::UserOffboard, body.give_tokens_to.as_ref());
    let ended = show_out(&ctx, &mut write, (&organization, &user), how).await?;
    if body.dry_run {
        write.rollback().await?;
        return Ok(Reply::unchanged(ended));
    }
    let wait = wait.then_some(Wait::any(Some(organization.id)));
    let offboarded = |seq| Offboarded {
        done: true,
        seq: Some(seq),
        ..ended
    };
    ctx.awaited(write, (StatusCode::OK, wait), offboarded).await
}
