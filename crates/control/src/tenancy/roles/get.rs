//! `GET /v1/organizations/{o}/roles/{id}`.

use aeolus_api::role::{Own, Role};
use aeolus_model::{Permission, RoleName};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};

use super::{find, view};
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::seen::Tagged;

/// Shows one role, by name or id.
pub(crate) async fn get(
    ctx: Ctx,
    Path((organization, role)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound("role");
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationConfigGet, &path)?;
    let asked: RoleName = role.parse().map_err(|_| none())?;
    if let RoleName::BuiltIn(role) = asked {
        return Ok(Json(view::built_in(role, authority.built_ins())).into_response());
    }
    let found = find(&mut view, organization.id, &asked).await?;
    let found = found.ok_or_else(none)?;
    let grants = view.grants().count_of_role(found.id).await?;
    let tag = view::tag(&found);
    let shown = view::custom(found);
    let role = Role {
        own: shown.own.map(|own| Own {
            grants: Some(grants),
            ..own
        }),
        ..shown
    };
    Ok(Tagged(tag, role).into_response())
}
