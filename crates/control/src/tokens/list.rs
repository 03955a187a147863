//! `GET /v1/organizations/{o}/tokens`: the records the actor may see.

use aeolus_api::Page;
use aeolus_api::token::Token;
use aeolus_model::{OrganizationId, Permission, Resource, TokenId};
use aeolus_store::{Listing, TokenRecord, Unit};
use axum::Json;
use axum::extract::Path;

use super::view;
use crate::authority::{Authority, path_within};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Lists tokens, oldest first: all of the organization for those who may see its service accounts,
/// else those of the workspaces and deployments where the actor may.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Token>>, ApiError> {
    let page = query.page::<TokenId>()?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let listing: Listing<TokenRecord, TokenId> = view.tokens().list(organization.id, page).await?;
    let mut items = Vec::new();
    for record in &listing.items {
        let resource = record.token.scope.resource();
        if may_see(&mut view, &authority, (organization.id, resource)).await? {
            items.push(view::view(&mut view, &record.token).await?);
        }
    }
    Ok(Json(Page {
        items,
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}

/// Whether the actor may see the tokens of a place.
pub(super) async fn may_see(
    unit: &mut impl Unit,
    authority: &Authority,
    (organization, resource): (OrganizationId, Resource),
) -> Result<bool, ApiError> {
    let path = path_within(unit, organization, resource).await?;
    let permission = match resource {
        Resource::System | Resource::Organization(_) => Permission::OrganizationServiceAccountsGet,
        Resource::Workspace(_) => Permission::WorkspaceServiceAccountsGet,
        Resource::Deployment(_) => Permission::DeploymentServiceAccountsGet,
    };
    Ok(path.is_some_and(|path| authority.may(permission, &path)))
}

/// `?wait=planes`.
pub(crate) fn wants_planes(query: &Query) -> Result<bool, ApiError> {
    match query.0.get("wait") {
        None => Ok(false),
        Some("planes") => Ok(true),
        Some(_) => Err(ApiError::field("wait", "use planes, or leave it out")),
    }
}
