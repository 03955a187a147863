//! `POST /login`: an address and a password become a session. An address alone leads on to what its domain
//! asks for.

use aeolus_model::{Action, Actor, Amr, AuditEvent, Email, Outcome, Secret};
use aeolus_store::{Unit as _, User};
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};

use super::ask::{Ask, SignInPage, by_address};
use super::continuation::Continuation;
use super::standing::Standing;
use super::{Offers, begin, parent, password, same_origin, step, throttle};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::extract;

/// An address, a password and a continuation fit many times.
pub(super) const MAX_FORM: usize = 32 * 1024;
/// What local accounts are called in the metrics.
pub(super) const LOCAL: &str = "local";
const SWITCHED_OFF: &str =
    "Nobody signs in with a password here. Go back to the sign-in page and choose another way.";
const WRONG: &str = "The address or the password is wrong.";
pub(crate) const TOO_MANY: &str = "There were too many attempts. Wait a few minutes and try again.";
pub(crate) const BUSY: &str =
    "Too many people are signing in at this moment. Try again in a few seconds.";

/// What somebody typed.
pub(super) struct Attempt {
    pub(super) typed: String,
    pub(super) email: Option<Email>,
    password: Secret<String>,
    pub(super) to: Continuation,
    /// Whether a session at a provider doesn't do.
    pub(super) again: bool,
    step: Step,
}

/// Which form it was typed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// That for an address alone.
    Address,
    /// That for the password of an address typed before.
    Password,
    /// That for both.
    Both,
}

/// Signs somebody in. Whether the account exists shows neither in the answer nor in its time.
pub(crate) async fn login_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let answered = sign_in(&app, &info, &headers, request).await;
    answered.map_err(ApiError::into_page)
}

async fn sign_in(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let attempt = read(app, request).await?;
    if attempt.step == Step::Address {
        let offers = Offers::read(app, &attempt.to, attempt.again).await?;
        if offers.go_by_address() {
            return Ok(by_address(app, (info, headers), &attempt, &offers).await);
        }
    }
    if !app.local_accounts.offered() {
        // Nobody's password is looked at, and strangers leave no rows.
        app.metrics.sign_in("denied", LOCAL);
        return refused(app, (403, &attempt), SWITCHED_OFF, None).await;
    }
    let Ok(turn) = app.hashes.turn(Some(info.counted_as())) else {
        return refused(app, (503, &attempt), BUSY, Some(2)).await;
    };
    let account = attempt.email.as_ref().map_or("", Email::as_str);
    let source = info.counted_as();
    let wait = turn
        .written(Box::pin(throttle::count(app, account, &source)))
        .await?;
    if let Some(wait) = wait {
        return refused(app, (429, &attempt), TOO_MANY, Some(wait)).await;
    }
    let user = match &attempt.email {
        Some(email) => app.store.read().await?.users().by_email(email).await?,
        None => None,
    };
    let stored = user.as_ref().and_then(|user| user.password_hash.as_ref());
    let stored = stored.map(|hash| hash.expose().clone());
    let password = attempt.password.clone();
    let right = app.hashes.verify(&turn, password, stored).await;
    let right = right.map_err(ApiError::internal)?;
    let _writing = turn.write().await?;
    let begun = match user.filter(|user| right && user.disabled_at.is_none()) {
        Some(user) => succeed(app, info, headers, (user, &attempt.to)).await?,
        None => None,
    };
    match begun {
        Some(response) => Ok(response),
        None => fail(app, info, &attempt).await,
    }
}

async fn read(app: &App, request: Request) -> Result<Attempt, ApiError> {
    let form = extract::form(request, MAX_FORM).await?;
    let typed = form.get("email").unwrap_or("").trim().to_owned();
    let password = form.get("password");
    let step = match (password, form.get("step")) {
        (None, _) => Step::Address,
        (Some(_), Some("password")) => Step::Password,
        (Some(_), _) => Step::Both,
    };
    let password = password.unwrap_or("").to_owned();
    if password.len() > password::MAX_BYTES || typed.len() > 254 {
        return Err(ApiError::TooLarge);
    }
    Ok(Attempt {
        email: Email::parse(&typed).ok(),
        typed,
        password: Secret::new(password),
        to: Continuation::read(app, form.get("rd")).await?,
        again: form.get("again").is_some(),
        step,
    })
}

/// Whoever has a second factor is asked for it next; the password alone opens nothing for them. None if the
/// password is another one by now, or the account disabled: judging it took a while. Person and factor are held
/// until the end, so that whoever changes either meanwhile ends what begins here.
async fn succeed(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    (user, to): (User, &Continuation),
) -> Result<Option<Response>, ApiError> {
    let mut write = app.store.write().await?;
    let Some(who) = Standing::by_password(&mut write, &user).await? else {
        return Ok(None);
    };
    let factor = write.second_factors().lock(user.id).await?;
    if factor.is_some_and(|factor| factor.confirmed_at.is_some()) {
        return step::begin(app, write, &user, to).await.map(Some);
    }
    let proven = (&who, Amr::password());
    let session = begin::begin(app, (info, headers), &mut write, proven).await?;
    app.commit(write).await?;
    app.metrics.sign_in("success", LOCAL);
    let mut response = parent::go_on(app, to, &session).await?;
    begin::set_cookie(app, &mut response, &session)?;
    Ok(Some(response))
}

/// The same work for accounts that exist and those that don't.
async fn fail(app: &App, info: &RequestInfo, attempt: &Attempt) -> Result<Response, ApiError> {
    let mut write = app.store.write().await?;
    let event = info.event(app, Actor::Anonymous, Action::SignIn);
    let target = attempt.email.as_ref().map_or("", Email::as_str);
    write.audit(AuditEvent {
        target: target.to_owned(),
        outcome: Outcome::Denied,
        reason: "password".to_owned(),
        ..event
    });
    app.commit(write).await?;
    app.metrics.sign_in("denied", LOCAL);
    refused(app, (401, attempt), WRONG, None).await
}

async fn refused(
    app: &App,
    (status, attempt): (u16, &Attempt),
    message: &str,
    retry: Option<u64>,
) -> Result<Response, ApiError> {
    let offers = Offers::read(app, &attempt.to, attempt.again).await?;
    let page = SignInPage {
        to: &attempt.to,
        offers: &offers,
        again: attempt.again,
        ask: match attempt.step {
            Step::Password => Ask::Password,
            Step::Address | Step::Both => Ask::Both,
        },
        email: &attempt.typed,
        message: Some(message),
    };
    let mut response = page.answer(status);
    if let Some(seconds) = retry {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}
