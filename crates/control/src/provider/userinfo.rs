//! `GET /oauth2/userinfo` (OpenID Connect Core §5.3).

use aeolus_api::oauth::UserInfo;
use aeolus_model::Actor;
use aeolus_store::Unit as _;
use axum::Json;

use crate::ctx::Ctx;
use crate::error::ApiError;

/// Who the access token's person is.
pub(crate) async fn userinfo(ctx: Ctx) -> Result<Json<UserInfo>, ApiError> {
    let Actor::User(id) = ctx.actor else {
        return Err(ApiError::Forbidden("a person's access token".to_owned()));
    };
    let user = ctx.app.store.read().await?.users().get(id).await?;
    let user = user.ok_or(ApiError::NotFound("user"))?;
    Ok(Json(UserInfo {
        sub: user.id,
        email: user.email.to_string(),
        email_verified: false,
        name: user.name,
    }))
}
