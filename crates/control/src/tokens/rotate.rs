//! `POST /v1/organizations/{o}/tokens/{id}/rotate`: a new value in place of the old one, at once or
//! after a grace in which both are good.

use std::time::Duration;

use aeolus_api::Deleted;
use aeolus_api::policy::MAX_GRACE;
use aeolus_api::token::{TokenCreated, TokenRotate};
use aeolus_model::{
    Action, ApiToken, Change as Changed, GrantedRole, Subject, Time, TokenKind, TokenStage,
    TokenValue, direct_ceiling,
};
use aeolus_store::{Unit as _, ValueRecord};
use axum::extract::Path;
use http::StatusCode;

use super::get::{find, may_change, require_read};
use super::roles::Held;
use super::{bounds, value, view};
use crate::authority::{Authority, path_within};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{JsonOrNothing, Query};
use crate::once::Reply;
use crate::planes::Wait;
use crate::policy;

/// Values from before that may be good at once: gates hold an end for each.
const MOST_EARLIER: usize = 10;

/// Gives a token a new value, which is in this answer and nowhere else. Who asks must hold all that
/// the token holds, because they are shown its value.
pub(crate) async fn rotate(
    ctx: Ctx,
    Path((organization, token)): Path<(String, String)>,
    query: Query,
    JsonOrNothing(body): JsonOrNothing<TokenRotate>,
) -> Result<Reply<TokenCreated>, ApiError> {
    let wait = super::wants_planes(&query)?;
    let by = super::person(&ctx)?;
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let mut token = find(&mut write, &authority, (organization.id, &token)).await?;
    may_change(&mut write, &authority, &token).await?;
    if token.kind != TokenKind::Standard {
        authority.require_owner(organization.id)?;
    }
    require_read(&ctx, &mut write, token.id).await?;
    let grants = write.grants().of(Subject::Token(token.id)).await?;
    let held: Vec<Held> = grants.iter().map(Held::of).collect();
    for role in &held {
        let path = path_within(&mut write, organization.id, role.resource).await?;
        authority.require_covers(&role.role, &path.unwrap_or_default())?;
    }
    refuse_outdated(&authority, &token, &held)?;
    let before = token.value().cloned();
    let before = before.ok_or(ApiError::NotFound("token"))?;
    let scope = view::scope(token.scope.resource());
    let asked = body.token_expiry_period_in_days;
    let days = asked.or_else(|| view::days(&before));
    let rules = policy::of(&organization)?;
    let days = bounds::days(&rules, scope, days)?;
    let grace = bounds::grace(&rules, body.grace);
    if grace > Duration::from_secs(MAX_GRACE) {
        return Err(ApiError::field("grace", "use at most 30d"));
    }
    let now = ctx.app.clock.now();
    // Without a grace it ends them all: who must get rid of a value at once is never kept from it.
    if !grace.is_zero() && write.tokens().good_values(token.id, now).await?.len() > MOST_EARLIER {
        let what = "it has too many values that are still good: end their grace first";
        return Err(ApiError::Conflict(what.to_owned()));
    }
    let new = value::allocate(&ctx.app, &mut write, organization.id, days).await?;
    write.tokens().rotate(&token, &new, by).await?;
    let ends = (new.issued_at, new.issued_at.plus(grace));
    write
        .tokens()
        .end_earlier(token.id, new.index, ends)
        .await?;
    let mut event = ctx.event(Action::TokenRotate, Some(organization.id), token.id);
    event.changes = changes(&before, &new, ends.1);
    write.audit(event);
    token.stage = TokenStage::Active(new);
    let record = view::view(&mut write, token.id, ctx.app.clock.now()).await?;
    let value = value::sign(&ctx.app, &token, &held)?;
    let wait = wait.then_some(Wait::revocation(organization.id));
    let shown = |seq| super::without_value(record, seq);
    let reply = ctx.awaited(write, (StatusCode::OK, wait), shown).await?;
    Ok(reply.map(|rotated| super::with_value(rotated, value)))
}

/// Gates judge a direct access token by roles as they are shipped. One that was made before its role was
/// customised would go on with what was taken from the role.
fn refuse_outdated(authority: &Authority, token: &ApiToken, held: &[Held]) -> Result<(), ApiError> {
    let TokenKind::Direct { permissions } = &token.kind else {
        return Ok(());
    };
    let ceiling = direct_ceiling(permissions.as_deref());
    let outdated = held.iter().any(|held| match held.role {
        GrantedRole::BuiltIn(role) => {
            let at_gates = role.shipped().intersection(ceiling);
            !authority.built_ins().of(role).covers(at_gates)
        }
        GrantedRole::Custom(_) => true,
    });
    if !outdated {
        return Ok(());
    }
    let what = "Its role allows less in this installation than when the token was made: make another token, \
                and delete this one.";
    Err(ApiError::Conflict(what.to_owned()))
}

/// `POST …/rotate/end`: ends the values from before the last rotation now.
pub(crate) async fn end(
    ctx: Ctx,
    Path((organization, token)): Path<(String, String)>,
    query: Query,
) -> Result<Reply<Deleted>, ApiError> {
    let wait = super::wants_planes(&query)?;
    let by = super::person(&ctx)?;
    let now = Time::from_secs(ctx.app.clock.now().secs());
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let token: ApiToken = find(&mut write, &authority, (organization.id, &token)).await?;
    may_change(&mut write, &authority, &token).await?;
    require_read(&ctx, &mut write, token.id).await?;
    // A rotation at the same time would otherwise lose the value that it has just given out.
    write.tokens().touch(&token, (now, by)).await?;
    let newest = token.value().ok_or(ApiError::NotFound("token"))?.index;
    let good = write.tokens().good_values(token.id, now).await?;
    let earlier: Vec<&ValueRecord> = good.iter().filter(|v| v.value.index != newest).collect();
    if !earlier.is_empty() {
        write
            .tokens()
            .end_earlier(token.id, newest, (now, now))
            .await?;
        let mut event = ctx.event(Action::TokenRotateEnd, Some(organization.id), token.id);
        let ended = |record: &&ValueRecord| Changed::from("value", record.value.short());
        event.changes = earlier.iter().map(ended).collect();
        write.audit(event);
    }
    let wait = wait.then_some(Wait::revocation(organization.id));
    let ended = |seq| Deleted { seq, planes: None };
    ctx.awaited(write, (StatusCode::OK, wait), ended).await
}

fn changes(before: &TokenValue, new: &TokenValue, end: Time) -> Vec<Changed> {
    let end = end.min(before.expires_at).secs().to_string();
    let all = [
        Changed::of("value", before.short(), new.short()),
        Some(Changed::to("earlierValueEndAt", end)),
        Some(Changed::to("endAt", new.expires_at.secs().to_string())),
    ];
    all.into_iter().flatten().collect()
}
