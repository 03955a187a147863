//! `DELETE /v1/sessions/{id}`: ends a session, everywhere or in an organization.

use std::collections::BTreeSet;

use aeolus_api::PlaneAcks;
use aeolus_api::session::SessionsEnded;
use aeolus_model::{Action, Actor, AuditEvent, OrganizationId, Permission, Session, SessionId};
use aeolus_store::{StoreError, Unit as _, Write};
use axum::Json;
use axum::extract::Path;

use super::whose::{Purpose, belongs, within};
use crate::authority::Authority;
use crate::ctx::{By, Ctx};
use crate::error::ApiError;
use crate::extract::Query;
use crate::planes::{Change, wait_within};
use crate::signin::session;
use crate::tokens::wants_planes;

/// Ends one. Connected planes refuse it within two seconds.
pub(crate) async fn end(
    ctx: Ctx,
    Path(session): Path<String>,
    query: Query,
) -> Result<Json<SessionsEnded>, ApiError> {
    let wait = wants_planes(&query)?;
    let id: SessionId = session.parse().map_err(|_| ApiError::NotFound("session"))?;
    let now = ctx.app.clock.now();
    let mut write = ctx.app.store.write().await?;
    let authority = ctx.authority(&mut write).await?;
    let session = write.sessions().get(id).await?;
    let session = session.filter(|session| session.is_alive(now));
    let told = if let Some(name) = query.0.get("organization") {
        let organization = within(&mut write, &authority, (name, Purpose::End)).await?;
        let session = used_in(&mut write, session, organization).await?;
        write
            .sessions()
            .end_in(session.id, organization, now)
            .await?;
        write.audit(ended(ctx.by(), &session, Some(organization)));
        BTreeSet::from([organization])
    } else {
        let session = session.ok_or(ApiError::NotFound("session"))?;
        may_end_everywhere(&ctx, &authority, &session)?;
        end_everywhere(&ctx, &mut write, &session).await?
    };
    let seq = ctx.app.commit(write).await?;
    let planes = acks(&ctx, wait, (told, seq)).await?;
    let ended = vec![id];
    Ok(Json(SessionsEnded { ended, seq, planes }))
}

/// A session that is used in an organization by one of its people, and is good there. Any other is as
/// unknown as none.
async fn used_in(
    write: &mut Write,
    session: Option<Session>,
    organization: OrganizationId,
) -> Result<Session, ApiError> {
    let none = ApiError::NotFound("session");
    let Some(session) = session else {
        return Err(none);
    };
    let entered = write.sessions().entered(session.id).await?;
    let over = write
        .sessions()
        .is_over_in(session.id, organization)
        .await?;
    let theirs = belongs(write, organization, session.user).await?;
    if entered.contains(&organization) && !over && theirs {
        Ok(session)
    } else {
        Err(none)
    }
}

fn may_end_everywhere(ctx: &Ctx, authority: &Authority, session: &Session) -> Result<(), ApiError> {
    if ctx.actor == Actor::User(session.user) {
        return Ok(());
    }
    if !authority.may(Permission::SystemUsersGet, &[]) {
        return Err(ApiError::NotFound("session"));
    }
    authority.require(Permission::SystemIamUpdate, &[])
}

/// Ends a session everywhere, with a line in the log of every organization that it was used in.
/// Returns these: their planes are told.
pub(super) async fn end_everywhere(
    ctx: &Ctx,
    write: &mut Write,
    session: &Session,
) -> Result<BTreeSet<OrganizationId>, StoreError> {
    let newly = session::end(&ctx.app, write, session.id).await?;
    let entered = write.sessions().entered(session.id).await?;
    if newly {
        for organization in &entered {
            write.audit(ended(ctx.by(), session, Some(*organization)));
        }
        if entered.is_empty() {
            write.audit(ended(ctx.by(), session, None));
        }
    }
    Ok(entered.into_iter().collect())
}

/// That a session was ended, and by whom.
pub(super) fn ended(
    by: By<'_>,
    session: &Session,
    organization: Option<OrganizationId>,
) -> AuditEvent {
    let own = *by.actor == Actor::User(session.user);
    AuditEvent {
        reason: if own { "" } else { "by_administrator" }.to_owned(),
        ..by.event(Action::SignOut, organization, session.id)
    }
}

/// With `wait=planes`: which planes of these organizations refuse what was ended.
pub(super) async fn acks(
    ctx: &Ctx,
    wait: bool,
    (organizations, seq): (BTreeSet<OrganizationId>, u64),
) -> Result<Option<PlaneAcks>, StoreError> {
    if !wait {
        return Ok(None);
    }
    let organizations = Vec::from_iter(organizations);
    let change = Change::Revocation(seq);
    let acks = wait_within(&ctx.app, Some(&organizations), change).await?;
    Ok(Some(acks))
}
