//! `POST /v1/organizations/{o}/roles`.

use aeolus_api::role::{RoleChanged, RoleSet};
use aeolus_model::{Action, RoleId};
use aeolus_store::{ManagedBy, RoleRecord, Unit as _};
use axum::extract::Path;

use super::{change, view};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;

/// Makes a role of the organization's own.
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(body): Json<RoleSet>,
) -> Result<Reply<RoleChanged>, ApiError> {
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let by = (&authority, organization.id);
    super::require(by)?;
    let definition = change::wanted(&mut write, by, &body, None).await?;
    let record = RoleRecord {
        id: RoleId::new(&*ctx.app.clock, &*ctx.app.rng),
        organization: organization.id,
        name: body.name,
        description: body.description,
        definition,
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.roles().insert(&record).await?;
    let mut event = ctx.event(Action::RoleCreate, Some(organization.id), record.id);
    event.changes = change::changes(None, Some(&record));
    write.audit(event);
    let role = view::custom(record);
    let made = |seq| RoleChanged {
        role,
        ended_grants: 0,
        seq,
        planes: None,
    };
    ctx.created(write, made).await
}
