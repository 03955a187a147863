//! `POST /v1/planes/self/events`: what happened at a gate, in batches that may be sent twice.

use aeolus_api::plane::{Event, EventsAnswer, TokenUse};
use aeolus_model::{
    Action, Actor, Amr, AuditEvent, DeploymentId, OrganizationId, Outcome, RolloutPath, SessionId,
    Time, TokenId,
};
use aeolus_snapshot::Evidence;
use aeolus_store::{Unit as _, Write};
use axum::Json;
use axum::extract::Request;
use http::HeaderMap;

use super::PlaneCtx;
use super::adopt::{Born, adopt, hold};
use crate::error::ApiError;
use crate::extract;
use crate::signin::session;

const MAX_BATCH: usize = 4 * 1024 * 1024;
const MAX_LINES: usize = 10_000;
/// Uses of tokens that are noted of one batch: what is left out is told again in a while.
const MAX_USES: usize = 2_000;
/// A gate's reason for refusing a token of an identity provider that may have changed its keys.
const KEY_UNKNOWN: &str = "idp_key_unknown";

/// Takes a batch. The same `Idempotency-Key` gets the same answer and changes nothing more.
pub(crate) async fn events(
    ctx: PlaneCtx,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<EventsAnswer>, ApiError> {
    let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok());
    let key = key.filter(|key| (1..=128).contains(&key.len()) && !key.contains(' '));
    let missing = || ApiError::field("Idempotency-Key", "send one, of 1 to 128 characters");
    let key = key.ok_or_else(missing)?.to_owned();
    if !extract::has_type(&request, "application/x-ndjson") {
        return Err(ApiError::MediaType);
    }
    let body = extract::read(request, MAX_BATCH).await?;
    let text = std::str::from_utf8(&body).map_err(|e| ApiError::Body(e.to_string()))?;
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    if lines.len() > MAX_LINES {
        return Err(ApiError::TooLarge);
    }
    let known = |line: &&str| serde_json::from_str::<Event>(line).ok();
    let events: Vec<Event> = lines.iter().filter_map(known).collect();
    let answer = EventsAnswer {
        accepted: events.len() as u64,
        skipped: (lines.len() - events.len()) as u64,
    };
    // Uses are in the tokens' own records; what control signed, it takes back or has.
    let lasting = |event: &&Event| {
        !matches!(
            event,
            Event::TokensUsed { .. } | Event::Forgotten { .. } | Event::Signed { .. }
        )
    };
    let stored = events
        .iter()
        .filter(lasting)
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>();
    let stored = stored.map_err(ApiError::internal)?;
    let mut write = ctx.app.store.write().await?;
    let now = ctx.app.clock.now();
    if write
        .batches()
        .accept(ctx.plane.id, &key, &stored, now)
        .await?
    {
        hold(&mut write, &events).await?;
        let mut room = MAX_USES;
        for mut event in events {
            if let Event::TokensUsed { uses } = &mut event {
                uses.truncate(room);
                room -= uses.len();
                uses.sort_unstable_by_key(|used| (used.token, used.index));
            }
            act(&ctx, &mut write, event).await?;
        }
    }
    ctx.app.commit(write).await?;
    Ok(Json(answer))
}

async fn act(ctx: &PlaneCtx, write: &mut Write, event: Event) -> Result<(), ApiError> {
    let audit = |action, organization: Option<OrganizationId>, target: String| AuditEvent {
        organization,
        target,
        ..ctx
            .request
            .event(&ctx.app, Actor::Plane(ctx.plane.id), action)
    };
    match event {
        Event::SessionEnded { session, at } => {
            // Only a session that was used somewhere can be ended by a plane; ids are unguessable,
            // and a plane learns only those of its own visitors.
            if session::end_since(&ctx.app, write, session, Time::from_secs(at)).await? {
                write.audit(audit(Action::SignOut, None, session.to_string()));
            }
        }
        Event::SessionBegun {
            session,
            user,
            connection,
            deployment,
            at,
            auth_time,
            amr,
            absolute_end,
        } => {
            let born = Born {
                session,
                user,
                connection,
                deployment,
                at: Time::from_secs(at),
                auth_time: Time::from_secs(auth_time),
                amr: Amr::said(amr),
                absolute_end: Time::from_secs(absolute_end),
            };
            adopt(ctx, write, born).await?;
        }
        Event::UseAfterRevocation {
            at,
            deployment,
            organization: _,
            credential,
        } => {
            let at = Time::from_secs(at).min(ctx.app.clock.now());
            let organization = organization_of(ctx, write, deployment).await?;
            if !was_late(write, &credential, organization, at).await? {
                return Ok(());
            }
            // A batch that is not kept comes again: an alarm may count it twice, but must not miss it.
            ctx.app.metrics.used_late();
            write.audit(AuditEvent {
                at,
                outcome: Outcome::Success,
                reason: "served_while_cut_off".to_owned(),
                ..audit(Action::UseAfterRevocation, organization, credential)
            });
        }
        Event::RolloutMoved {
            at,
            rollout,
            deployment,
            path,
            back,
            bad,
            requests,
        } => {
            let organization = organization_of(ctx, write, deployment).await?;
            let (action, reason) = moved(path, back, (bad, requests));
            write.audit(AuditEvent {
                at: Time::from_secs(at),
                reason,
                ..audit(action, organization, format!("{rollout}/{deployment}"))
            });
        }
        Event::Forgotten {
            organization,
            manifest,
            content,
        } => {
            let evidence = Evidence {
                organization,
                manifest,
                content: content.0,
            };
            crate::restore::remind(&ctx.app, write, ctx.plane.id, &evidence).await?;
        }
        Event::Signed { manifest } => {
            crate::restore::shown(&ctx.app, write, ctx.plane.id, &manifest).await?;
        }
        Event::TokensUsed { uses } => note(ctx, write, &uses).await?,
        // Refusals are kept with their batch, for the plane's own log; strangers cause them, so
        // they make no audit lines.
        Event::Denied { reason, .. } | Event::DeniedCount { reason, .. } => {
            if reason == KEY_UNKNOWN {
                ctx.app.provider_keys_wanted.notify_one();
            }
        }
    }
    Ok(())
}

/// What a move of a deployment to another path is called, and why it was made.
fn moved(path: RolloutPath, back: bool, (bad, requests): (u64, u64)) -> (Action, String) {
    if back {
        (Action::RolloutReturn, format!("to {path}"))
    } else {
        let why = format!("to {path}: {bad} of {requests} bad");
        (Action::RolloutFallBack, why)
    }
}

/// Notes which values of tokens a plane says were used.
async fn note(ctx: &PlaneCtx, write: &mut Write, uses: &[TokenUse]) -> Result<(), ApiError> {
    let now = ctx.app.clock.now();
    for used in uses {
        let at = Time::from_secs(used.at).min(now);
        let value = (used.token, used.index);
        write.tokens().used_at(ctx.plane.id, value, at).await?;
    }
    Ok(())
}

/// Whether the records bear out what a plane says it served too long. It can't know since when, and
/// it might blame what is not its own: a token counts if a value of it had ended by then. Without a
/// record nothing speaks against it.
async fn was_late(
    write: &mut Write,
    credential: &str,
    organization: Option<OrganizationId>,
    at: Time,
) -> Result<bool, ApiError> {
    if let Ok(id) = credential.parse::<TokenId>()
        && let Some(record) = write.tokens().get(id).await?
    {
        let own = organization == Some(record.token.organization);
        return Ok(own && write.tokens().had_ended(id, at).await?);
    }
    if let Ok(id) = credential.parse::<SessionId>()
        && let Some(session) = write.sessions().get(id).await?
    {
        return Ok(session.end.is_none_or(|end| at >= end.at));
    }
    Ok(true)
}

pub(super) async fn organization_of(
    ctx: &PlaneCtx,
    write: &mut Write,
    deployment: DeploymentId,
) -> Result<Option<OrganizationId>, ApiError> {
    let deployment = write.deployments().get(deployment).await?;
    let own = deployment.filter(|deployment| deployment.plane == ctx.plane.id);
    Ok(own.map(|deployment| deployment.organization))
}
