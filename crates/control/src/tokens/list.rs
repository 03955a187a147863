//! `GET /v1/organizations/{o}/tokens`: the records the actor may see.

use std::time::Duration;

use aeolus_api::Page;
use aeolus_api::token::Token;
use aeolus_model::{Time, TokenId, UserId};
use aeolus_store::{TokenFilter, Unit as _};
use axum::Json;
use axum::extract::Path;

use super::permission::may_see;
use super::view;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

const DAY: u64 = 86_400;
const MAX_DAYS: u64 = 36_500;

/// Lists tokens, oldest first: all of the organization for those who may see its service accounts,
/// else those of the workspaces and deployments where the actor may.
pub(crate) async fn list(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
) -> Result<Json<Page<Token>>, ApiError> {
    let page = query.page::<TokenId>()?;
    let filter = filter(&query, ctx.app.clock.now())?;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let organization = authority.organization(&mut view, &organization).await?;
    let listing = view.tokens().list(organization.id, &filter, page).await?;
    let mut items = Vec::new();
    for record in &listing.items {
        let resource = record.token.scope.resource();
        if may_see(&mut view, &authority, (organization.id, resource)).await? {
            items.push(view::with_roles(&mut view, record).await?);
        }
    }
    Ok(Json(Page {
        items,
        next_cursor: listing.next.map(|cursor| cursor.to_string()),
    }))
}

/// `?expiringWithinDays=30&olderThanDays=180&unusedForDays=90&createdBy=ID`: all that are given hold.
fn filter(query: &Query, now: Time) -> Result<TokenFilter, ApiError> {
    let days = |name: &str| match query.0.get(name) {
        None => Ok::<_, ApiError>(None),
        Some(text) => {
            let days = text.parse::<u64>().ok().filter(|days| *days <= MAX_DAYS);
            let what = format!("use a number from 0 to {MAX_DAYS}");
            let days = days.ok_or_else(|| ApiError::field(name, what))?;
            Ok(Some(Duration::from_secs(days * DAY)))
        }
    };
    let ago = |days: Option<Duration>| days.map_or(Time::MAX, |days| now.minus(days));
    let created_by = match query.0.get("createdBy") {
        None => None,
        Some(text) => {
            let id = text.parse::<UserId>();
            Some(id.map_err(|_| ApiError::field("createdBy", "use a person's id"))?)
        }
    };
    Ok(TokenFilter {
        expires_before: days("expiringWithinDays")?.map_or(Time::MAX, |days| now.plus(days)),
        issued_before: ago(days("olderThanDays")?),
        unused_since: ago(days("unusedForDays")?),
        created_by,
    })
}
