//! `GET /v1/organizations/{o}/tokens/{id}`: one record.

use aeolus_api::token::Token;
use aeolus_model::{ApiToken, OrganizationId, TokenId, TokenStage};
use aeolus_store::Unit;
use axum::Json;
use axum::extract::Path;

use super::list::may_see;
use super::view;
use crate::authority::Authority;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// Shows a token.
pub(crate) async fn get(
    ctx: Ctx,
    Path((organization, token)): Path<(String, String)>,
) -> Result<Json<Token>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let token = find(&mut view, &authority, (organization.id, &token)).await?;
    Ok(Json(view::view(&mut view, &token).await?))
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
    let here = token.organization == organization;
    let active = matches!(token.stage, TokenStage::Active { .. });
    let resource = token.scope.resource();
    if here && active && may_see(unit, authority, (organization, resource)).await? {
        Ok(token)
    } else {
        Err(none)
    }
}
