//! `GET /v1/organizations/{o}/tokens/{id}`: one record.

use aeolus_api::token::Token;
use aeolus_model::{ApiToken, OrganizationId, Permission, TokenId, TokenKind};
use aeolus_store::Unit;
use axum::extract::Path;

use super::permission::{self, Deed, may_see};
use super::view;
use crate::authority::{Authority, organization_path};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::seen::Tagged;

/// Shows a token.
pub(crate) async fn get(
    ctx: Ctx,
    Path((organization, token)): Path<(String, String)>,
) -> Result<Tagged<Token>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let token = find(&mut view, &authority, (organization.id, &token)).await?;
    let now = ctx.app.clock.now();
    let shown = view::view(&mut view, token.id, now).await?;
    Ok(Tagged(view::tag(&shown)?, shown))
}

/// Refuses where `If-Match` says that the actor has read something else.
pub(super) async fn require_read(
    ctx: &Ctx,
    unit: &mut impl Unit,
    token: TokenId,
) -> Result<(), ApiError> {
    if !ctx.if_match.is_given() {
        return Ok(());
    }
    let shown = view::view(unit, token, ctx.app.clock.now()).await?;
    ctx.if_match.require(Some(&view::tag(&shown)?))
}

/// A token that exists in the organization and that the actor may see.
pub(super) async fn find(
    unit: &mut impl Unit,
    authority: &Authority,
    (organization, text): (OrganizationId, &str),
) -> Result<ApiToken, ApiError> {
    let none = ApiError::NotFound("token");
    let Ok(id) = text.parse::<TokenId>() else {
        return Err(none);
    };
    let Some(record) = unit.tokens().get(id).await? else {
        return Err(none);
    };
    let token = record.token;
    let here = token.organization == organization && token.value().is_some();
    let resource = token.scope.resource();
    if here && may_see(unit, authority, (organization, resource)).await? {
        Ok(token)
    } else {
        Err(none)
    }
}

/// Refuses unless the actor may change a token, in its own scope (row N13). Direct access tokens are
/// the organization owners'.
pub(super) async fn may_change(
    unit: &mut impl Unit,
    authority: &Authority,
    token: &ApiToken,
) -> Result<(), ApiError> {
    if token.kind != TokenKind::Standard {
        let path = organization_path(token.organization);
        return authority.require(Permission::OrganizationDirectTokensCreate, &path);
    }
    let at = (token.organization, token.scope.resource());
    permission::require(unit, authority, at, Deed::Change).await
}
