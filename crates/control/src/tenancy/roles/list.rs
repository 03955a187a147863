//! `GET /v1/organizations/{o}/roles`.

use aeolus_api::Page;
use aeolus_api::role::Role;
use aeolus_model::{Permission, RoleId, Scope};
use aeolus_store::Unit as _;
use axum::Json;
use axum::extract::Path;

use super::view;
use crate::authority::organization_path;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Query, page_of};

/// Lists the roles that can be given in the organization: on the first page all built-in ones, then the
/// organization's own, oldest first.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Role>>, ApiError> {
    let page = query.page::<RoleId>()?;
    let first = page.after.is_none();
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationConfigGet, &path)?;
    let listing = view.roles().list(organization.id, page).await?;
    let mut page = page_of(listing, view::custom);
    if first {
        let all = aeolus_model::Role::ALL.iter().copied();
        let here = all.filter(|role| role.scope() != Scope::System);
        let shown = here.map(|role| view::built_in(role, authority.built_ins()));
        page.items.splice(0..0, shown);
    }
    Ok(Json(page))
}
