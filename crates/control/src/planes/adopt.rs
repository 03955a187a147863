//! Sessions that began at a plane while control was away become control's own: they are in the audit
//! log, are renewed, and end like all others.

use std::collections::BTreeSet;

use aeolus_api::plane::Event;
use aeolus_model::{
    Action, Actor, Amr, AuditEvent, ConnectionId, DeploymentId, OrganizationId, Outcome, Session,
    SessionId, Subject, Time, UserId,
};
use aeolus_store::{Unit as _, Write};

use super::PlaneCtx;
use crate::connections::Settings;
use crate::error::ApiError;
use crate::policy;

/// A session as a plane tells of it.
#[derive(Clone)]
pub(super) struct Born {
    pub(super) session: SessionId,
    pub(super) user: UserId,
    pub(super) connection: ConnectionId,
    pub(super) deployment: DeploymentId,
    pub(super) at: Time,
    pub(super) auth_time: Time,
    pub(super) amr: Amr,
    pub(super) absolute_end: Time,
}

/// Keeps those who are told to have signed in as they are, one after the other in the order of their ids: two planes
/// that tell of the same people wait for each other, never both.
pub(super) async fn hold(write: &mut Write, events: &[Event]) -> Result<(), ApiError> {
    let begun = events.iter().filter_map(|event| match event {
        Event::SessionBegun { user, .. } => Some(*user),
        _ => None,
    });
    for user in begun.collect::<BTreeSet<_>>() {
        write.users().hold(user).await?;
    }
    Ok(())
}

/// Takes a session up. What control would not have let begin is taken up as ended, so that the plane
/// is told of its end; what is none of the plane's is only noted.
pub(super) async fn adopt(ctx: &PlaneCtx, write: &mut Write, born: Born) -> Result<(), ApiError> {
    let now = ctx.app.clock.now();
    let audit = |actor, organization, (outcome, reason): (Outcome, String)| AuditEvent {
        at: born.at.min(now),
        organization,
        target: born.session.to_string(),
        outcome,
        reason,
        ..ctx.request.event(&ctx.app, actor, Action::SignIn)
    };
    // Told twice, or an id that is in use: a plane changes no session that is there.
    if write.sessions().get(born.session).await?.is_some() {
        return Ok(());
    }
    let plane = Actor::Plane(ctx.plane.id);
    let organization = super::events::organization_of(ctx, write, born.deployment).await?;
    let user = write.users().get(born.user).await?;
    let (Some(organization), Some(user)) = (organization, user) else {
        let reason = "not_of_this_plane".to_owned();
        write.audit(audit(plane, None, (Outcome::Denied, reason)));
        return Ok(());
    };
    let disabled = user.disabled_at.is_some();
    let refused = refusal(ctx, write, &born, (organization, disabled)).await?;
    let session = session(ctx, &born, now);
    let (session, event) = match refused {
        None => {
            let reason = format!("at_plane:{}", ctx.plane.name);
            let actor = Actor::User(born.user);
            let event = audit(actor, Some(organization), (Outcome::Success, reason));
            (session, event)
        }
        Some(why) => {
            let denied = (Outcome::Denied, why.to_owned());
            (session.ended(now), audit(plane, Some(organization), denied))
        }
    };
    // Without the connection there is nothing to hang it on, and no plane lets such a session live.
    if write.connections().get(born.connection).await?.is_some() {
        write.sessions().insert(&session).await?;
        write.sessions().enter(born.session, organization).await?;
    }
    write.audit(event);
    Ok(())
}

/// Why control would not have let it begin.
async fn refusal(
    ctx: &PlaneCtx,
    write: &mut Write,
    born: &Born,
    (organization, disabled): (OrganizationId, bool),
) -> Result<Option<&'static str>, ApiError> {
    if disabled {
        return Ok(Some("user_disabled"));
    }
    let connection = write.connections().get(born.connection).await?;
    let settings = connection.as_ref().and_then(Settings::of);
    let registered = settings.filter(|s| !s.absent && s.registration(&ctx.plane.name).is_some());
    let (Some(connection), Some(settings)) = (connection, registered) else {
        return Ok(Some("no_plane_registration"));
    };
    // A link that was made after the sign-in is not the one that it came through.
    let links = write.identities().of_user(born.user).await?;
    let issuer = settings.identity_issuer(&connection.kind);
    let linked = links.iter().any(|link| {
        link.connection == born.connection
            && issuer.as_deref() == Some(link.issuer.as_str())
            && link.linked_at <= born.at
    });
    if !linked {
        return Ok(Some("not_linked"));
    }
    // They signed out at the provider, which told control before the plane could.
    let out = write
        .identities()
        .signed_out_at(born.connection, born.user)
        .await?;
    if out.is_some_and(|out| out >= born.at) {
        return Ok(Some("signed_out_at_provider"));
    }
    // They were disabled until a later moment, or somebody ended what they had begun before one: a plane that was cut
    // off tells only now.
    let (subject, began) = (Subject::User(born.user), born.auth_time.min(born.at));
    let mut revocations = write.revocations();
    if revocations.is_marked(organization, subject, began).await? {
        return Ok(Some("ended_meanwhile"));
    }
    let record = write.organizations().get(organization).await?;
    let policy = record.as_ref().map(policy::of).transpose()?;
    let required = policy.is_some_and(|policy| policy.second_factor.is_required());
    if required && !born.amr.has_second_factor() {
        return Ok(Some("second_factor"));
    }
    // No plane says of somebody whom it doesn't know that they were there.
    let held = write.grants().effective(born.user).await?;
    let mut reaches = held.iter().map(|record| record.organization);
    let known = reaches.any(|place| place.is_none_or(|place| place == organization));
    Ok((!known).then_some("not_of_this_organization"))
}

/// Within control's own bounds, whatever the plane says.
fn session(ctx: &PlaneCtx, born: &Born, now: Time) -> Session {
    let began = born.at.min(now);
    Session {
        id: born.session,
        user: born.user,
        connection: born.connection,
        auth_time: born.auth_time.min(began),
        amr: born.amr.clone(),
        absolute_end: born.absolute_end.min(began.plus(ctx.app.session.absolute)),
        end: None,
    }
}
