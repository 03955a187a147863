//! `DELETE /v1/sessions`: ends all of a person, everywhere or in an organization.

use std::collections::BTreeSet;

use aeolus_api::session::SessionsEnded;
use aeolus_model::{Action, Actor, OrganizationId, SessionId, Subject, Time, UserId};
use aeolus_store::{Mark, Page, Unit as _, Write};
use axum::Json;

use super::end::{acks, end_everywhere, ended};
use super::whose::{Purpose, Whose, asked};
use crate::ctx::{By, Ctx};
use crate::error::ApiError;
use crate::extract::Query;
use crate::tokens::wants_planes;

/// More than anybody has.
const ALL: u32 = 1_000_000;

/// Ends all. `?others=true`: all of one's own but the one that asks.
pub(crate) async fn end_all(ctx: Ctx, query: Query) -> Result<Json<SessionsEnded>, ApiError> {
    let wait = wants_planes(&query)?;
    let others = query.flag("others")?;
    let mut write = ctx.app.store.write().await?;
    let authority = ctx.authority(&mut write).await?;
    let whose = asked(&ctx, &mut write, &authority, (&query, Purpose::End)).await?;
    let own = matches!(whose, Whose::Person(user) if ctx.actor == Actor::User(user));
    if others && !own {
        let text = "use it for your own sessions, without an organization";
        return Err(ApiError::field("others", text));
    }
    let kept = ctx.session_id().filter(|_| others);
    let mut told = BTreeSet::new();
    let mut over = Vec::new();
    match whose {
        Whose::Person(user) => {
            for session in write.sessions().alive(user, ctx.app.clock.now()).await? {
                if kept != Some(session.id) {
                    told.extend(end_everywhere(&ctx, &mut write, &session).await?);
                    over.push(session.id);
                }
            }
        }
        Whose::Within(organization, Some(user)) => {
            over = end_all_in(ctx.by(), &mut write, (organization, user)).await?;
            told.insert(organization);
        }
        Whose::Within(_, None) => return Err(ApiError::field("user", "say whose")),
    }
    let seq = ctx.app.commit(write).await?;
    let planes = acks(&ctx, wait, (told, seq)).await?;
    let ended = over;
    Ok(Json(SessionsEnded { ended, seq, planes }))
}

/// Ends in one organization whatever a person has signed in until now, also what control has not heard
/// of yet: its gates refuse it, others don't.
pub(crate) async fn end_all_in(
    by: By<'_>,
    write: &mut Write,
    (organization, user): (OrganizationId, UserId),
) -> Result<Vec<SessionId>, ApiError> {
    let now = by.app.clock.now();
    let of = (organization, Some(user));
    let sessions = write.sessions().list_in(of, now, Page::first(ALL)).await?;
    let mark = Mark {
        subject: Subject::User(user),
        not_before: next_second(now),
    };
    write.revocations().mark(organization, mark).await?;
    let mut over = Vec::new();
    for record in sessions.items {
        write.audit(ended(by, &record.session, Some(organization)));
        over.push(record.session.id);
    }
    write.audit(by.event(Action::SessionsEnd, Some(organization), user));
    Ok(over)
}

/// Gates compare whole seconds: what began earlier in this one has to be refused too.
const fn next_second(now: Time) -> Time {
    Time::from_secs(now.secs().saturating_add(1))
}
