//! `PUT /v1/organizations/{o}/policy?dry_run=&wait=planes`: other rules, as a whole.

use std::net::IpAddr;

use aeolus_api::policy::{Policy, PolicyChanged};
use aeolus_model::{Action, Change as Changed, Permission};
use aeolus_store::{Organization, Unit as _};
use axum::extract::Path;

use super::tighten::{Ended, tighten};
use crate::authority::{Authority, organization_path};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::planes::{Wait, heard};
use crate::seen::Tag;
use crate::tokens::wants_planes;

/// Gives the organization other rules and ends what they no longer allow, in one transaction. A dry run
/// does the same and takes it back, so that it says exactly what would end.
pub(crate) async fn set(
    ctx: Ctx,
    Path(organization): Path<String>,
    query: Query,
    Json(policy): Json<Policy>,
) -> Result<axum::Json<PolicyChanged>, ApiError> {
    let wait = wants_planes(&query)?;
    let dry_run = query.flag("dry_run")?;
    let faults = policy.check();
    if !faults.is_empty() {
        return Err(ApiError::Invalid(faults));
    }
    let mut write = ctx.app.store.write().await?;
    let (authority, organization) = ctx.authority_in(&mut write, &organization).await?;
    let path = organization_path(organization.id);
    authority.require(Permission::OrganizationConfigUpdate, &path)?;
    let tag = Tag::of_revision(organization.revision);
    ctx.if_match.require(Some(&tag))?;
    refuse_lockout(&ctx, &authority, &policy)?;
    refuse_one_factor(&ctx, &authority, &policy)?;
    let before = super::of(&organization)?;
    let id = organization.id;
    let ended = tighten(&ctx.app, &mut write, id, &policy).await?;
    let changed = Organization {
        policy: text(&policy)?,
        ..organization
    };
    write.organizations().update(&changed).await?;
    let mut event = ctx.event(Action::PolicySet, Some(id), id);
    event.changes = changes(&before, &policy, &ended)?;
    write.audit(event);
    let answer = answer(policy, ended);
    if dry_run {
        write.rollback().await?;
        return Ok(axum::Json(answer));
    }
    let seq = ctx.app.commit(write).await?;
    let wait = wait.then_some(Wait::any(Some(id)));
    let planes = heard(&ctx.app, wait, seq).await?;
    Ok(axum::Json(PolicyChanged {
        revision: Some(changed.revision.saturating_add(1)),
        done: true,
        seq: Some(seq),
        planes,
        ..answer
    }))
}

/// Whoever names networks has to come from one of them: else their next request would be refused, and
/// with it the one that takes the rule back. Who administers the installation can always do that.
fn refuse_lockout(ctx: &Ctx, authority: &Authority, policy: &Policy) -> Result<(), ApiError> {
    let from: Option<IpAddr> = ctx.request.source.parse().ok();
    if authority.is_system() || policy.admits(from) {
        return Ok(());
    }
    let from = from.map_or_else(
        || "from an unknown address".to_owned(),
        |from| from.to_string(),
    );
    let what =
        format!("you come from {from}, which is in none of them: you would lock yourself out");
    Err(ApiError::field("allowedNetworks", what))
}

/// Whoever wants a second factor of everybody has to have one in this session, for the same reason.
fn refuse_one_factor(ctx: &Ctx, authority: &Authority, policy: &Policy) -> Result<(), ApiError> {
    let one_factor = ctx
        .session
        .as_ref()
        .is_some_and(|session| !session.amr.has_second_factor());
    if authority.is_system() || !one_factor || policy.second_factor.is_optional() {
        return Ok(());
    }
    let what = "you are signed in without one: you would lock yourself out. Set it up at /second-factor and \
                sign in again";
    Err(ApiError::field("secondFactor", what))
}

fn text(policy: &Policy) -> Result<String, ApiError> {
    serde_json::to_string(policy).map_err(ApiError::internal)
}

/// What the audit log says of a change.
pub(crate) fn changes(
    before: &Policy,
    after: &Policy,
    ended: &Ended,
) -> Result<Vec<Changed>, ApiError> {
    let ends = |name, total: u64| (total > 0).then(|| Changed::from(name, total.to_string()));
    let all = [
        Changed::of("policy", &text(before)?, &text(after)?),
        ends("tokenValues", ended.tokens_total),
        ends("sessions", ended.sessions_total),
    ];
    Ok(all.into_iter().flatten().collect())
}

fn answer(policy: Policy, ended: Ended) -> PolicyChanged {
    PolicyChanged {
        policy,
        revision: None,
        tokens: ended.tokens,
        tokens_total: ended.tokens_total,
        lasting_total: ended.lasting_total,
        sessions: ended.sessions,
        sessions_total: ended.sessions_total,
        done: false,
        seq: None,
        planes: None,
    }
}
