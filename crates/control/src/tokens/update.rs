//! `POST /v1/organizations/{o}/tokens/{id}`: another name or description.

use aeolus_api::token::{Token, TokenUpdate};
use aeolus_model::{Action, Change};
use aeolus_store::Unit as _;
use axum::extract::Path;

use super::get::{find, may_change, require_read};
use super::{text, view};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;

/// Changes what a token is called and what it is said to be for.
pub(crate) async fn update(
    ctx: Ctx,
    Path((organization, token)): Path<(String, String)>,
    Json(body): Json<TokenUpdate>,
) -> Result<Reply<Token>, ApiError> {
    let by = super::person(&ctx)?;
    let now = ctx.app.clock.now();
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let token = find(&mut write, &authority, (organization.id, &token)).await?;
    may_change(&mut write, &authority, &token).await?;
    require_read(&ctx, &mut write, token.id).await?;
    let name = body.name.as_deref().unwrap_or(&token.name);
    let description = body.description.as_deref().unwrap_or(&token.description);
    text::name(name)?;
    text::description(description)?;
    let changes = [
        Change::of("name", &token.name, name),
        Change::of("description", &token.description, description),
    ];
    let changes: Vec<Change> = changes.into_iter().flatten().collect();
    if !changes.is_empty() {
        let words = (name, description);
        write.tokens().describe(token.id, words, (now, by)).await?;
        let mut event = ctx.event(Action::TokenUpdate, Some(organization.id), token.id);
        event.changes = changes;
        write.audit(event);
    }
    let shown = view::view(&mut write, token.id, now).await?;
    ctx.done(write, |_| shown).await
}
