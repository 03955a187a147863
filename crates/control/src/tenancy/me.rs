//! `GET /v1/me`: who the credential is and what it holds.

use aeolus_api::tenancy::Me;
use aeolus_model::Actor;
use aeolus_store::Unit as _;
use axum::Json;

use crate::ctx::Ctx;
use crate::error::ApiError;

/// Shows the actor.
pub(crate) async fn me(ctx: Ctx) -> Result<Json<Me>, ApiError> {
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let grants = authority
        .records()
        .iter()
        .map(|r| r.grant.clone().into())
        .collect();
    let (email, name) = match &ctx.actor {
        Actor::User(id) => {
            let user = view.users().get(*id).await?;
            let user = user.ok_or(ApiError::NotFound("user"))?;
            (Some(user.email), user.name)
        }
        Actor::Token(id) => {
            let record = view.tokens().get(*id).await?;
            (None, record.ok_or(ApiError::NotFound("token"))?.token.name)
        }
        Actor::Plane(_) | Actor::Scim(_) | Actor::System | Actor::Anonymous => {
            (None, String::new())
        }
    };
    let connection = ctx.session.as_ref().map(|session| session.connection);
    Ok(Json(Me {
        session: ctx.session_id(),
        actor: ctx.actor,
        email,
        name,
        connection,
        grants,
    }))
}
