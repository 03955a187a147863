//! `GET /password/reset/{value}` and `POST /password/reset`: the page of a link, and the new password. Looking spends
//! nothing: mail programs look at links before people do.

use aeolus_model::{Action, Actor, AuditEvent, Change, Email, Outcome, Secret};
use aeolus_store::{Unit as _, User, Write};
use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;

use super::super::disable::{end, places};
use super::{open, over, unreferred};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::email::{self, News};
use crate::error::{ApiError, Failure};
use crate::extract;
use crate::factor;
use crate::pages;
use crate::signin::login_post::{BUSY, TOO_MANY};
use crate::signin::password::{MAX_BYTES, check_new};
use crate::signin::standing::Standing;
use crate::signin::throttle;

const MAX_FORM: usize = 32 * 1024;

#[derive(Template)]
#[template(path = "reset.html")]
struct Page<'a> {
    message: Option<&'a str>,
    view: View<'a>,
}

enum View<'a> {
    /// The form. `code`: of somebody with a second factor.
    Ask {
        value: &'a str,
        email: &'a Email,
        code: bool,
    },
    Done,
}

type Answer = Result<Response, Failure>;

/// Shows the form.
pub(crate) async fn reset_get(
    State(app): State<App>,
    Path(value): Path<String>,
) -> Result<Response, Failure> {
    let value = Secret::new(value);
    let shown = show(&app, &value, (200, None)).await;
    shown.map_err(ApiError::into_page)?
}

/// Sets the password. What the form carries is proof enough that it is ours: without the link's value it does nothing, and
/// no cookie counts here. Browsers say no origin either where a page may tell no referrer.
pub(crate) async fn reset_post(
    State(app): State<App>,
    info: RequestInfo,
    request: Request,
) -> Result<Response, Failure> {
    let answered = take(&app, &info, request).await;
    answered.map_err(ApiError::into_page)?
}

async fn show(
    app: &App,
    value: &Secret<String>,
    (status, message): (u16, Option<&str>),
) -> Result<Answer, ApiError> {
    let mut view = app.store.read().await?;
    let Some((_, user)) = open(app, &mut view, value).await? else {
        return Ok(Err(over()));
    };
    let code = factor::counts(&mut view, user.id).await?;
    let email = &user.email;
    let value = value.expose();
    let view = View::Ask { value, email, code };
    Ok(Ok(render(status, message, view)))
}

fn render(status: u16, message: Option<&str>, view: View<'_>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    unreferred(pages::page(status, &Page { message, view }, None))
}

async fn take(app: &App, info: &RequestInfo, request: Request) -> Result<Answer, ApiError> {
    let form = extract::form(request, MAX_FORM).await?;
    let secret = |name| Secret::new(form.get(name).unwrap_or("").to_owned());
    let (value, password, code) = (secret("reset"), secret("password"), secret("code"));
    if password.expose().len() > MAX_BYTES {
        return Err(ApiError::TooLarge);
    }
    let mut view = app.store.read().await?;
    let Some((_, user)) = open(app, &mut view, &value).await? else {
        return Ok(Err(over()));
    };
    drop(view);
    if !app.local_accounts.offered() {
        return Err(ApiError::NotFound("way to sign in"));
    }
    if let Err(error) = check_new(&password, user.email.as_str()) {
        let message = format!("The password can't be used: {error}.");
        return show(app, &value, (422, Some(&message))).await;
    }
    let Ok(turn) = app.hashes.turn(Some(info.counted_as())) else {
        return show(app, &value, (503, Some(BUSY))).await;
    };
    let wait = throttle::count_source(app, &info.counted_as()).await?;
    if wait.is_some() {
        return show(app, &value, (429, Some(TOO_MANY))).await;
    }
    let hash = app.hashes.hash(password, app.rng.clone()).await;
    let hash = hash.map_err(ApiError::internal)?;
    let _writing = turn.write().await?;
    match set(app, info, (&value, &code), (&user, hash.into())).await? {
        Set::Done => Ok(Ok(render(200, None, View::Done))),
        Set::Over => Ok(Err(over())),
        Set::Code(refused) => {
            let message = match refused {
                factor::Refused::Wrong => factor::WRONG.to_owned(),
                factor::Refused::Wait(seconds) => factor::waiting(seconds),
            };
            show(app, &value, (401, Some(&message))).await
        }
    }
}

/// What became of it.
enum Set {
    Done,
    /// The link is good for nothing any more.
    Over,
    /// The second factor was not proved; the link is still good.
    Code(factor::Refused),
}

/// All of it at once. The person is held first: whoever disables them or sets another password comes before or after.
async fn set(
    app: &App,
    info: &RequestInfo,
    (value, code): (&Secret<String>, &Secret<String>),
    (judged, hash): (&User, Secret<String>),
) -> Result<Set, ApiError> {
    let mut write = app.store.write().await?;
    if Standing::of(&mut write, judged.id).await?.is_none() {
        return Ok(Set::Over);
    }
    let Some((reset, user)) = open(app, &mut write, value).await? else {
        return Ok(Set::Over);
    };
    let line = |action| AuditEvent {
        target: user.id.to_string(),
        ..info.event(app, Actor::User(user.id), action)
    };
    let held = write.second_factors().lock(user.id).await?;
    if held.is_some_and(|factor| factor.confirmed_at.is_some()) {
        let who = (user.id, info.counted_as());
        match factor::prove(app, &mut write, (who.0, &who.1), code).await? {
            Ok(proof) => factor::note(app, info, &mut write, (user.id, proof)).await?,
            Err(refused) => {
                write.audit(AuditEvent {
                    outcome: Outcome::Denied,
                    reason: "second_factor".to_owned(),
                    ..line(Action::PasswordReset)
                });
                app.commit(write).await?;
                return Ok(Set::Code(refused));
            }
        }
    }
    if let Some(by) = reset.made_by
        && !factor::still_allowed(app, &mut write, by, &user).await?
    {
        return Ok(Set::Over);
    }
    let now = app.clock.now();
    if !write.password_resets().take(reset.id, now).await? {
        return Ok(Set::Over);
    }
    let ended = replace(app, &mut write, (&user, hash)).await?;
    write.audit(AuditEvent {
        changes: vec![Change::from("sessions", ended.to_string())],
        ..line(Action::PasswordReset)
    });
    email::tell(app, &mut write, user.id, News::PasswordReset).await?;
    app.commit(write).await?;
    Ok(Set::Done)
}

/// The new password in place of the old one, and the end of all that began with that; how many sessions there were.
async fn replace(
    app: &App,
    write: &mut Write,
    (user, hash): (&User, Secret<String>),
) -> Result<u64, ApiError> {
    let changed = User {
        password_hash: Some(hash),
        ..user.clone()
    };
    write.users().update(&changed).await?;
    let bucket = throttle::account_bucket(user.email.as_str());
    write.throttles().clear(&bucket).await?;
    let places = places(write, user).await?;
    let now = app.clock.now();
    end(write, (user, &places), (now, now)).await
}
