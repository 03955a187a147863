//! `PUT /v1/organizations/{o}/roles/{id}?end_grants=&wait=planes`.

use aeolus_api::role::{RoleChanged, RoleSet};
use aeolus_model::{Action, RoleName};
use aeolus_store::{GrantRecord, RoleRecord, Unit as _, Write};
use axum::extract::Path;

use super::ended::{self, Losing};
use super::{change, find, view};
use crate::authority::{organization_path, path_within};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::planes::{Wait, heard};
use crate::tokens::wants_planes;

/// Changes a role, for everybody who has it: planes are told of their grants anew. What is taken out
/// needn't be held by who takes it out; what is put in must be.
pub(crate) async fn update(
    ctx: Ctx,
    Path((organization, role)): Path<(String, String)>,
    query: Query,
    Json(body): Json<RoleSet>,
) -> Result<axum::Json<RoleChanged>, ApiError> {
    let wait = wants_planes(&query)?;
    let end_grants = query.flag("end_grants")?;
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let by = (&authority, organization.id);
    super::require(by)?;
    let before = own(&mut write, &organization, &role).await?;
    ctx.if_match.require(Some(&view::tag(&before)))?;
    if body.scope != before.definition.scope() {
        let what = "it never changes, as grants of the role are at such places; make another role";
        return Err(ApiError::field("scope", what));
    }
    let had = Some(&before.definition);
    let definition = change::wanted(&mut write, by, &body, had).await?;
    if body.name != before.name {
        // Fleet documents and people know roles by name: another one under a name is another role.
        authority.require_all(
            definition.permissions(),
            &organization_path(organization.id),
        )?;
        let held = write.grants().of_role(before.id).await?;
        ended::refuse_named(&before, &held)?;
    }
    let after = RoleRecord {
        name: body.name,
        description: body.description,
        definition,
        ..before.clone()
    };
    let outside = Losing {
        grants: outside(&mut write, &after).await?,
        place: " outside of these workspaces",
    };
    let ended = outside.end(&mut write, by, end_grants).await?;
    write.roles().update(&after).await?;
    let mut event = ctx.event(Action::RoleUpdate, Some(organization.id), after.id);
    event.changes = change::changes(Some(&before), Some(&after));
    event.changes.extend(ended);
    write.audit(event);
    let seq = ctx.app.commit(write).await?;
    let wait = wait.then_some(Wait::any(Some(organization.id)));
    let planes = heard(&ctx.app, wait, seq).await?;
    let after = RoleRecord {
        revision: after.revision.saturating_add(1),
        ..after
    };
    Ok(axum::Json(RoleChanged {
        role: view::custom(after),
        ended_grants: outside.grants.len(),
        seq,
        planes,
    }))
}

/// A role that can be changed: the organization's own.
pub(super) async fn own(
    write: &mut Write,
    organization: &aeolus_store::Organization,
    text: &str,
) -> Result<RoleRecord, ApiError> {
    let none = || ApiError::NotFound("role");
    let asked: RoleName = text.parse().map_err(|_| none())?;
    if let RoleName::BuiltIn(role) = asked {
        let what = format!(
            "{role} is built in: it changes for the whole installation alone, by `control.roles` in \
             control's configuration. An organization makes roles of its own."
        );
        return Err(ApiError::Conflict(what));
    }
    find(write, organization.id, &asked).await?.ok_or_else(none)
}

/// Grants of a role at places that it isn't for.
pub(crate) async fn outside(
    write: &mut Write,
    role: &RoleRecord,
) -> Result<Vec<GrantRecord>, ApiError> {
    let mut outside = Vec::new();
    for record in write.grants().of_role(role.id).await? {
        let path = path_within(write, role.organization, record.grant.resource).await?;
        if !path.is_some_and(|path| role.definition.fits(&path)) {
            outside.push(record);
        }
    }
    Ok(outside)
}
