//! `GET` and `POST /login/code`: the second step of a sign-in, for those who have a second factor.
//!
//! Between the steps there is a row, named by 256 random bits in a cookie. It opens this page and nothing
//! else, for five minutes, once.

use std::time::Duration;

use aeolus_keys::digest;
use aeolus_model::{Action, Actor, AuditEvent, Outcome, Secret, UserId};
use aeolus_store::{Digest, Unit as _, User, Write};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::continuation::Continuation;
use super::login_post::{BUSY, LOCAL, MAX_FORM, TOO_MANY};
use super::standing::Standing;
use super::{begin, parent, same_origin, throttle};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::extract::{self, Query};
use crate::factor::{self, Refused};
use crate::pages::{self, LoginCode};

/// How long somebody may look for their telephone.
const LIFE: Duration = Duration::from_secs(300);

/// Begins the second step of somebody whose password was right.
pub(super) async fn begin(
    app: &App,
    mut write: Write,
    user: &User,
    to: &Continuation,
) -> Result<Response, ApiError> {
    let value = digest::random_token(&*app.rng, 32);
    let digest = digest::sha256(value.expose().as_bytes());
    let now = app.clock.now();
    let mut factors = write.second_factors();
    factors.begin_step(&digest, user.id, now).await?;
    // Whoever knows the password guesses none: codes have bounds of their own.
    let bucket = throttle::account_bucket(user.email.as_str());
    write.throttles().clear(&bucket).await?;
    app.commit(write).await?;
    let mut response = Redirect::to(&at("/login/code", to)).into_response();
    let cookie = app.cookie.of_step().set(&value);
    let cookie = cookie.ok_or_else(|| ApiError::internal("the cookie can't be written"))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// Shows the page.
pub(crate) async fn code_get(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query, ApiError>,
) -> Result<Response, Failure> {
    let query = query.map_err(ApiError::into_page)?;
    show(&app, &headers, &query)
        .await
        .map_err(ApiError::into_page)
}

async fn show(app: &App, headers: &HeaderMap, query: &Query) -> Result<Response, ApiError> {
    let to = Continuation::read(app, query.0.get("rd")).await?;
    let Some(digest) = step_of(app, headers)? else {
        return Ok(from_the_start(app, &to));
    };
    let mut view = app.store.read().await?;
    let step = (LIFE, app.clock.now());
    match view.second_factors().step(&digest, step).await? {
        Some(_) => Ok(page(StatusCode::OK, &to, None)),
        None => Ok(from_the_start(app, &to)),
    }
}

/// Takes the code.
pub(crate) async fn code_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let answered = take(&app, &info, &headers, request).await;
    answered.map_err(ApiError::into_page)
}

async fn take(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let form = extract::form(request, MAX_FORM).await?;
    let typed = Secret::new(form.get("code").unwrap_or("").to_owned());
    let to = Continuation::read(app, form.get("rd")).await?;
    let Some(digest) = step_of(app, headers)? else {
        return Ok(from_the_start(app, &to));
    };
    let Ok(turn) = app.hashes.turn(Some(info.counted_as())) else {
        return Ok(refused(503, &to, BUSY, Some(2)));
    };
    let _writing = turn.write().await?;
    if let Some(wait) = throttle::count_source(app, &info.counted_as()).await? {
        return Ok(refused(429, &to, TOO_MANY, Some(wait)));
    }
    let mut write = app.store.write().await?;
    let Some(who) = whose(app, &mut write, &digest).await? else {
        return Ok(from_the_start(app, &to));
    };
    let (user, source) = (who.user().id, info.counted_as());
    match factor::prove(app, &mut write, (user, &source), &typed).await? {
        Ok(proof) => {
            // Whoever was faster has the session of this sign-in, or has ended it with all that waited.
            if !write.second_factors().take_step(&digest).await? {
                return Ok(from_the_start(app, &to));
            }
            factor::note(app, info, &mut write, (user, proof)).await?;
            let proven = (&who, proof.amr());
            let session = begin::begin(app, (info, headers), &mut write, proven).await?;
            app.commit(write).await?;
            app.metrics.sign_in("success", LOCAL);
            let mut response = parent::go_on(app, &to, &session).await?;
            begin::set_cookie(app, &mut response, &session)?;
            clear(app, &mut response);
            Ok(response)
        }
        Err(why) => {
            fail(app, info, write, user).await?;
            Ok(match why {
                Refused::Wrong => refused(401, &to, factor::WRONG, None),
                Refused::Wait(seconds) => {
                    refused(429, &to, &factor::waiting(seconds), Some(seconds))
                }
            })
        }
    }
}

/// Somebody up to the second step, if they may still sign in.
async fn whose(
    app: &App,
    write: &mut Write,
    digest: &Digest,
) -> Result<Option<Standing>, ApiError> {
    let step = (LIFE, app.clock.now());
    let Some(id) = write.second_factors().step(digest, step).await? else {
        return Ok(None);
    };
    Ok(Standing::of(write, id).await?)
}

async fn fail(
    app: &App,
    info: &RequestInfo,
    mut write: Write,
    user: UserId,
) -> Result<(), ApiError> {
    let event = info.event(app, Actor::Anonymous, Action::SignIn);
    write.audit(AuditEvent {
        target: user.to_string(),
        outcome: Outcome::Denied,
        reason: "second_factor".to_owned(),
        ..event
    });
    app.commit(write).await?;
    app.metrics.sign_in("denied", LOCAL);
    Ok(())
}

fn step_of(app: &App, headers: &HeaderMap) -> Result<Option<Digest>, ApiError> {
    let value = app.cookie.of_step().read(headers);
    let value = value.map_err(|_| ApiError::AmbiguousCookie)?;
    Ok(value.map(|value| digest::sha256(value.expose().as_bytes())))
}

/// To the password, which was given too long ago, or in another browser.
fn from_the_start(app: &App, to: &Continuation) -> Response {
    let mut response = Redirect::to(&at("/login", to)).into_response();
    clear(app, &mut response);
    response
}

fn clear(app: &App, response: &mut Response) {
    if let Some(cleared) = app.cookie.of_step().clear() {
        response.headers_mut().append(SET_COOKIE, cleared);
    }
}

/// A page of ours with what it leads on to.
pub(crate) fn at(path: &str, to: &Continuation) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("rd", &to.text())
        .finish();
    format!("{path}?{query}")
}

fn page(status: StatusCode, to: &Continuation, message: Option<&str>) -> Response {
    let rd = &to.text();
    pages::login_code(status, &LoginCode { rd, message }, to)
}

fn refused(status: u16, to: &Continuation, message: &str, retry: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = page(status, to, Some(message));
    if let Some(seconds) = retry {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
