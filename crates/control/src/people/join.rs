//! `GET /invitation/{value}`, and what its buttons do. Looking spends nothing: mail programs look at links
//! before people do.

use aeolus_model::{Action, Actor, Amr, AuditEvent, Email, Secret};
use aeolus_store::{InvitationRecord, Unit as _};
use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};

use super::by_mail::{self, Address, Joining};
use super::invitations::Sending;
use super::ways::{Ways, ways};
use super::{Refused, account, invited, waiting};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure, Form};
use crate::extract;
use crate::pages;
use crate::signin::login_post::{BUSY, TOO_MANY};
use crate::signin::password::{MAX_BYTES, check_new};
use crate::signin::standing::Standing;
use crate::signin::{begin, same_origin, session, throttle};

const MAX_FORM: usize = 32 * 1024;
const MAX_NAME: usize = 200;

#[derive(Template)]
#[template(path = "invitation.html")]
struct Page<'a> {
    organization: &'a str,
    inviter: &'a str,
    invited: &'a Email,
    any_address: bool,
    note: &'a str,
    value: &'a str,
    message: Option<&'a str>,
    name: &'a str,
    view: View<'a>,
}

enum View<'a> {
    /// Somebody who is signed in, at this address. `fits`: it is for them.
    SignedIn { email: &'a Email, fits: bool },
    /// Anybody else.
    Stranger { ways: Ways, joining: Joining },
}

/// Shows who invites, and the ways to accept.
pub(crate) async fn invitation_get(
    State(app): State<App>,
    headers: HeaderMap,
    Path(value): Path<String>,
) -> Result<Response, Failure> {
    let value = Secret::new(value);
    let shown = show(&app, &headers, &value, Asked::default()).await;
    shown.map_err(ApiError::into_page)?
}

/// Accepts for whoever is signed in.
pub(crate) async fn accept_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    accept(&app, &info, &headers, request)
        .await
        .map_err(ApiError::into_page)?
}

/// Makes an account with a password and accepts with it.
pub(crate) async fn join_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    join(&app, &info, &headers, request)
        .await
        .map_err(ApiError::into_page)?
}

/// A refusal as a page.
pub(super) fn refused(refused: Refused) -> Failure {
    Failure {
        status: StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::FORBIDDEN),
        code: refused.code(),
        title: refused.title(),
        detail: refused.text().to_owned(),
        errors: Vec::new(),
        retry_after: None,
        private: refused.reason().to_owned(),
        form: Form::Page,
    }
}

type Answer = Result<Response, Failure>;

/// What somebody typed, and what is wrong with it.
#[derive(Clone, Copy, Default)]
struct Asked<'a> {
    status: u16,
    name: &'a str,
    message: Option<&'a str>,
}

async fn show(
    app: &App,
    headers: &HeaderMap,
    value: &Secret<String>,
    asked: Asked<'_>,
) -> Result<Answer, ApiError> {
    let session = session::current(app, headers).await?;
    let mut view = app.store.read().await?;
    let Some(invitation) = invited::open(app, &mut view, value).await? else {
        return Ok(Err(refused(Refused::Over)));
    };
    let organization = view.organizations().get(invitation.organization).await?;
    let organization = organization.ok_or(ApiError::NotFound("organization"))?;
    let inviter = view.users().get(invitation.invited_by).await?;
    let inviter = inviter.map_or_else(String::new, |user| user.email.to_string());
    let user = match session {
        Some(session) => view.users().get(session.user).await?,
        None => None,
    };
    let shown = if let Some(user) = &user {
        View::SignedIn {
            email: &user.email,
            fits: invitation.any_address || user.email == invitation.email,
        }
    } else {
        let ways = ways(app, &mut view).await?;
        let joining = Joining::of(app, &ways, value);
        View::Stranger { ways, joining }
    };
    let page = Page {
        organization: organization.name.as_str(),
        inviter: &inviter,
        invited: &invitation.email,
        any_address: invitation.any_address,
        note: &invitation.note,
        value: value.expose(),
        message: asked.message,
        name: asked.name,
        view: shown,
    };
    let status = StatusCode::from_u16(asked.status).unwrap_or(StatusCode::OK);
    Ok(Ok(pages::page(status, &page, None)))
}

async fn accept(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Answer, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let form = extract::form(request, MAX_FORM).await?;
    let value = Secret::new(form.get("invitation").unwrap_or("").to_owned());
    let Some(session) = session::current(app, headers).await? else {
        return show(app, headers, &value, Asked::default()).await;
    };
    let mut write = app.store.write().await?;
    let invited = invited::open(app, &mut write, &value).await?;
    if let Some(invited) = &invited {
        write.organizations().lock(invited.organization).await?;
    }
    // Whoever takes their address, or disables them, is done before they are looked at, or waits.
    write.users().hold(session.user).await?;
    let user = write.users().get(session.user).await?;
    let user = user.filter(|user| user.disabled_at.is_none());
    let user = user.ok_or(ApiError::NoSession)?;
    let addresses = [Some(&user.email)];
    let took = invited::accept(app, info, &mut write, (&value, &user), &addresses).await?;
    if let Err(why) = took {
        write.rollback().await?;
        note(
            app,
            info,
            (Actor::User(user.id), Action::InvitationAccept),
            why,
        )
        .await?;
        return Ok(Err(refused(why)));
    }
    if invited::is_mailed(&value) && invited.is_some_and(|invited| invited.email == user.email) {
        // They are signed in as the account, and read what is sent to its address.
        write.users().set_proved(user.id, true).await?;
        waiting::settle(app, info, &mut write, (user.id, false)).await?;
    }
    app.commit(write).await?;
    Ok(Ok(Redirect::to("/").into_response()))
}

async fn join(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Answer, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let form = extract::form(request, MAX_FORM).await?;
    let value = Secret::new(form.get("invitation").unwrap_or("").to_owned());
    let password = Secret::new(form.get("password").unwrap_or("").to_owned());
    let name = form.get("name").unwrap_or("").trim().to_owned();
    let again = |status, message| Asked {
        status,
        name: &name,
        message: Some(message),
    };
    if password.expose().len() > MAX_BYTES {
        return Err(ApiError::TooLarge);
    }
    let mut view = app.store.read().await?;
    let Some(invitation) = invited::open(app, &mut view, &value).await? else {
        return Ok(Err(refused(Refused::Over)));
    };
    let there = ways(app, &mut view).await?;
    drop(view);
    match Joining::of(app, &there, &value) {
        Joining::Nowhere => return Err(ApiError::NotFound("way to sign in")),
        Joining::ByMail => {
            if throttle::count_source(app, &info.counted_as())
                .await?
                .is_some()
            {
                return show(app, headers, &value, again(429, TOO_MANY)).await;
            }
            let (status, message) = match by_mail::send(app, &invitation).await? {
                Sending::Sent | Sending::SentToday => (200, by_mail::SENT),
                Sending::Never | Sending::NotToday => (429, by_mail::NOT_TODAY),
            };
            return show(app, headers, &value, again(status, message)).await;
        }
        Joining::Here => {}
    }
    if !is_name(&name) {
        let message = "Say your name in up to 200 characters.";
        return show(app, headers, &value, again(422, message)).await;
    }
    if let Err(error) = check_new(&password, invitation.email.as_str()) {
        let message = format!("The password can't be used: {error}.");
        return show(app, headers, &value, again(422, &message)).await;
    }
    let Ok(turn) = app.hashes.turn(Some(info.counted_as())) else {
        return show(app, headers, &value, again(503, BUSY)).await;
    };
    if throttle::count_source(app, &info.counted_as())
        .await?
        .is_some()
    {
        return show(app, headers, &value, again(429, TOO_MANY)).await;
    }
    let hash = app.hashes.hash(password, app.rng.clone()).await;
    let hash = hash.map_err(ApiError::internal)?;
    let _writing = turn.write().await?;
    let joined = Joined {
        mailed: invited::is_mailed(&value),
        invitation: &invitation,
        name: &name,
        hash: hash.into(),
    };
    match make(app, info, headers, joined).await? {
        Ok(response) => Ok(Ok(response)),
        Err(Refused::AddressTaken) => {
            let what = (Actor::Anonymous, Action::InvitationAccept);
            note(app, info, what, Refused::AddressTaken).await?;
            let message = "There is an account with this address. Sign in with it, then accept.";
            show(app, headers, &value, again(409, message)).await
        }
        Err(why) => Ok(Err(refused(why))),
    }
}

/// Whether it is a name, on one line.
pub(super) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// Somebody who has chosen a password.
struct Joined<'a> {
    /// Whether the link was sent to the address, and so the address is theirs.
    mailed: bool,
    invitation: &'a InvitationRecord,
    name: &'a str,
    hash: Secret<String>,
}

/// The account, what was promised, and its first session. The address is the invited one at their word, unless the link
/// was sent there: whoever invited has the other one too.
async fn make(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    joined: Joined<'_>,
) -> Result<Result<Response, Refused>, ApiError> {
    let mut write = app.store.write().await?;
    let mut organizations = write.organizations();
    organizations.lock(joined.invitation.organization).await?;
    let whose = (joined.invitation, joined.mailed);
    let user = match by_mail::address(app, info, &mut write, whose).await? {
        Address::Taken => {
            write.rollback().await?;
            return Ok(Err(Refused::AddressTaken));
        }
        Address::Waited(user) => {
            let what = (user, joined.name, joined.hash);
            by_mail::take_over(app, info, &mut write, what).await?
        }
        Address::Free => {
            let new = account::New {
                email: &joined.invitation.email,
                name: joined.name,
                password: Some(joined.hash),
                through: None,
                proved: joined.mailed,
            };
            account::open(app, info, &mut write, new).await?
        }
    };
    let took = invited::take(app, info, &mut write, (joined.invitation, &user)).await?;
    if let Err(why) = took {
        write.rollback().await?;
        note(app, info, (Actor::Anonymous, Action::InvitationAccept), why).await?;
        return Ok(Err(why));
    }
    let who = Standing::of(&mut write, user.id).await?;
    let who = who.ok_or_else(|| ApiError::internal("an account that was just made is none"))?;
    let proven = (&who, Amr::password());
    let session = begin::begin(app, (info, headers), &mut write, proven).await?;
    app.commit(write).await?;
    let mut response = Redirect::to("/").into_response();
    begin::set_cookie(app, &mut response, &session)?;
    Ok(Ok(response))
}

/// The line of the audit log about what was refused.
pub(super) async fn note(
    app: &App,
    info: &RequestInfo,
    (actor, action): (Actor, Action),
    why: Refused,
) -> Result<(), ApiError> {
    let mut write = app.store.write().await?;
    write.audit(AuditEvent {
        outcome: aeolus_model::Outcome::Denied,
        reason: why.reason().to_owned(),
        ..info.event(app, actor, action)
    });
    app.commit(write).await?;
    Ok(())
}
