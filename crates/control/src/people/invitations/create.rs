//! `POST /v1/organizations/{o}/invitations`: an invitation; its link is in this answer, perhaps in an e-mail,
//! and nowhere else.

use std::time::Duration;

use aeolus_api::Withheld;
use aeolus_api::invitation::{DAYS, InvitationCreate, InvitationCreated, MAX_NOTE};
use aeolus_keys::digest;
use aeolus_model::{
    Action, Actor, Change, EmailId, InvitationId, OrganizationId, Resource, Role, RoleName, UserId,
    moment,
};
use aeolus_store::{InvitationRecord, InvitedRole, Organization, OutgoingEmail, Unit as _, Write};
use axum::extract::Path;

use super::super::invited;
use crate::app::App;
use crate::authority::{Authority, path_within};
use crate::ctx::Ctx;
use crate::email;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;
use crate::policy;
use crate::tenancy::roles;

/// So many of an organization can be taken up at once.
const MOST: u64 = 1_000;
const MOST_ROLES: usize = 20;
const DAY: u64 = 86_400;
/// So many are sent by e-mail in a day: of an organization, and to one address, of whoever invites by all of them, of
/// who has a link by its own. Others are made all the same, and whoever invites hands on the link.
const SENT_A_DAY: (u64, u64) = (500, 5);

/// Invites somebody. Nobody invites to more than they hold (A9), which is judged again when it is taken up.
pub(crate) async fn create(
    ctx: Ctx,
    Path(organization): Path<String>,
    Json(body): Json<InvitationCreate>,
) -> Result<Reply<InvitationCreated>, ApiError> {
    let by = person(&ctx)?;
    check(&body)?;
    let (mut write, authority, organization) = ctx.write_in(&organization).await?;
    let promised = promised(&mut write, (&authority, organization.id), &body).await?;
    policy::refuse_for_people(&organization)?;
    let now = ctx.app.clock.now();
    if write.invitations().open(organization.id, now).await? >= MOST {
        let text = format!(
            "{MOST} invitations of the organization are open. Revoke some that nobody will take up."
        );
        return Err(ApiError::Conflict(text));
    }
    let days = body.expires_in_days.unwrap_or(DAYS.0);
    let record = InvitationRecord {
        id: InvitationId::new(&*ctx.app.clock, &*ctx.app.rng),
        organization: organization.id,
        email: body.email,
        any_address: body.any_address,
        roles: promised,
        note: body.note,
        invited_by: by,
        created_at: now,
        expires_at: now.plus(Duration::from_secs(u64::from(days) * DAY)),
        used: None,
    };
    let value = invited::value_of(&ctx.app, record.id);
    let digest = invited::digest_of(&value);
    write.invitations().insert(&record, &digest).await?;
    let mut event = ctx.event(Action::InvitationCreate, Some(organization.id), record.id);
    event.changes = changes(&record);
    write.audit(event);
    let what = (&organization, &record);
    let sending = send(&ctx.app, &mut write, what, Asking::Inviter).await?;
    let emailed = sending == Sending::Sent;
    let shown = super::view(record, now);
    let kept = |seq| InvitationCreated {
        link: None,
        withheld: Some(Withheld::shown_once(
            "Revoke the invitation and make another.",
        )),
        emailed,
        record: shown,
        seq,
    };
    let reply = ctx.created(write, kept).await?;
    let link = invited::link(&ctx.app, &value);
    Ok(reply.map(|created| InvitationCreated {
        link: Some(link),
        withheld: None,
        ..created
    }))
}

/// Who invites: people. A stolen token could otherwise make itself an owner who outlives it.
fn person(ctx: &Ctx) -> Result<UserId, ApiError> {
    if let Actor::User(id) = ctx.actor {
        return Ok(id);
    }
    let what = "a person's credential: tokens invite nobody (they can add people by their address)";
    Err(ApiError::Forbidden(what.to_owned()))
}

fn check(body: &InvitationCreate) -> Result<(), ApiError> {
    let (usual, most) = DAYS;
    if !(1..=most).contains(&body.expires_in_days.unwrap_or(usual)) {
        let text = format!("use 1 to {most} days");
        return Err(ApiError::field("expiresInDays", text));
    }
    if body.note.chars().count() > MAX_NOTE || !body.note.chars().all(aeolus_model::is_shown) {
        let text = format!("use at most {MAX_NOTE} characters on one line");
        return Err(ApiError::field("note", text));
    }
    if body.roles.len() > MOST_ROLES {
        let text = format!("name at most {MOST_ROLES}");
        return Err(ApiError::field("roles", text));
    }
    Ok(())
}

/// What is asked for, if whoever invites may give it.
async fn promised(
    write: &mut Write,
    (authority, organization): (&Authority, OrganizationId),
    body: &InvitationCreate,
) -> Result<Vec<InvitedRole>, ApiError> {
    let first = InvitedRole {
        role: body
            .role
            .clone()
            .unwrap_or(RoleName::BuiltIn(Role::OrganizationMember)),
        resource: Resource::Organization(organization),
    };
    let more = body.roles.iter().map(|asked| InvitedRole {
        role: asked.role.clone(),
        resource: asked.resource,
    });
    let mut promised = Vec::new();
    for asked in std::iter::once(first).chain(more) {
        let path = path_within(write, organization, asked.resource).await?;
        let path = path.ok_or(ApiError::NotFound("resource"))?;
        authority.require(roles::iam(asked.resource), &path)?;
        let role = roles::resolve(write, organization, &asked.role, &path).await?;
        authority.require_covers(&role, &path)?;
        // By its id: another role of the same name later is not what was promised.
        let name = match roles::find(write, organization, &asked.role).await? {
            Some(own) => own.id.to_string().parse().map_err(ApiError::internal)?,
            None => asked.role,
        };
        promised.push(InvitedRole {
            role: name,
            resource: asked.resource,
        });
    }
    Ok(promised)
}

fn changes(record: &InvitationRecord) -> Vec<Change> {
    let roles = record.roles.iter().map(|held| held.role.to_string());
    let mut changes = vec![
        Change::to("email", record.email.to_string()),
        Change::to("roles", roles.collect::<Vec<_>>().join(" ")),
    ];
    if record.any_address {
        changes.push(Change::to("anyAddress", "true"));
    }
    changes
}

/// Who asks for an e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Whoever invites, who may mean to fill somebody's mailbox.
    Inviter,
    /// Whoever has the link, who is kept from it by no other organization.
    Invited,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// It is on its way.
    Sent,
    /// It was within a day already.
    SentToday,
    /// So many were within a day that no more is.
    NotToday,
    /// None is sent here.
    Never,
}

/// Has a link sent to the address where e-mails are, once a day. The message is kept without it: that is put in when it
/// is sent.
pub(crate) async fn send(
    app: &App,
    write: &mut Write,
    (organization, record): (&Organization, &InvitationRecord),
    asking: Asking,
) -> Result<Sending, ApiError> {
    if app.mailer.is_none() {
        return Ok(Sending::Never);
    }
    let now = app.clock.now();
    let address = digest::sha256(record.email.as_str().as_bytes());
    let since = now.minus(Duration::from_secs(DAY));
    let which = (record.id, organization.id);
    let mut invitations = write.invitations();
    let sent = invitations.sent((organization.id, &address), since).await?;
    let to = match asking {
        Asking::Inviter => sent.to_address,
        Asking::Invited => sent.of_it_to_address,
    };
    if sent.of_organization >= SENT_A_DAY.0 || to >= SENT_A_DAY.1 {
        return Ok(Sending::NotToday);
    }
    if !invitations.note_sent(which, &address, (now, since)).await? {
        return Ok(Sending::SentToday);
    }
    let by = write.users().get(record.invited_by).await?;
    let by = by.map_or_else(String::new, |user| user.email.to_string());
    let name = &organization.name;
    let note = match record.note.as_str() {
        "" => String::new(),
        note => format!("\nThey write: {note}\n"),
    };
    // The link comes before whatever they wrote.
    let body = format!(
        "{by} invites you to the organization {name} on {}.\n\nTo accept, open this page and choose how to \
         sign in:\n\n{}\n\nThe link is for you alone and is good once, until {}. If you don't know who sent it, \
         ignore it: nothing happens.\n{note}",
        app.issuer,
        email::link_of(record.id),
        moment(record.expires_at.secs()),
    );
    let message = OutgoingEmail {
        id: EmailId::new(&*app.clock, &*app.rng),
        recipient: record.email.clone(),
        subject: format!("Invitation to {name}"),
        body,
        created_at: now,
        next_at: now,
        attempts: 0,
    };
    let kept = email::enqueue(app, write, &message).await?;
    Ok(if kept {
        Sending::Sent
    } else {
        Sending::NotToday
    })
}
