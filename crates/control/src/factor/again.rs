//! Whoever changes their second factor proves again who they are (A8): by their session, by their
//! password and by a code. A form of ours alone brings that.

use aeolus_model::{Secret, UserId};
use aeolus_store::{Unit as _, User};
use axum::extract::Request;
use http::HeaderMap;

use super::page;
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::extract;
use crate::signin::continuation::Continuation;
use crate::signin::login_post::{BUSY, TOO_MANY};
use crate::signin::turn::Turn;
use crate::signin::{same_origin, session, throttle};

const MAX_FORM: usize = 32 * 1024;
const MAX_PASSWORD: usize = crate::signin::password::MAX_BYTES;
const WRONG: &str = "The password is wrong.";

/// A form of the page, of somebody with a session.
pub(super) struct Form {
    pub(super) user: User,
    pub(super) password: Secret<String>,
    pub(super) code: Secret<String>,
    pub(super) to: Continuation,
}

/// A refusal as the page says it.
pub(super) struct No {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) retry: Option<u64>,
}

impl No {
    pub(super) fn new(status: u16, message: impl Into<String>, retry: Option<u64>) -> Self {
        Self {
            status,
            message: message.into(),
            retry,
        }
    }
}

impl From<super::Refused> for No {
    fn from(refused: super::Refused) -> Self {
        match refused {
            super::Refused::Wrong => Self::new(401, super::WRONG, None),
            super::Refused::Wait(seconds) => Self::new(429, super::waiting(seconds), Some(seconds)),
        }
    }
}

/// Reads a form. None if nobody is signed in, or not by a password of ours.
pub(super) async fn read(
    app: &App,
    headers: &HeaderMap,
    request: Request,
) -> Result<Option<Form>, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let form = extract::form(request, MAX_FORM).await?;
    let text = |name| form.get(name).unwrap_or("").to_owned();
    let (password, code) = (text("password"), text("code"));
    if password.len() > MAX_PASSWORD {
        return Err(ApiError::TooLarge);
    }
    let Some(session) = session::current(app, headers).await? else {
        return Ok(None);
    };
    let Some(user) = page::local_user(app, session.user).await? else {
        return Ok(None);
    };
    Ok(Some(Form {
        user,
        password: Secret::new(password),
        code: Secret::new(code),
        to: Continuation::read(app, form.get("rd")).await?,
    }))
}

/// Whether the password is right, counted like one of a sign-in. The turn is kept to write by.
pub(super) async fn password(
    app: &App,
    info: &RequestInfo,
    form: &Form,
) -> Result<Result<Turn, No>, ApiError> {
    let Ok(turn) = app.hashes.turn(Some(info.counted_as())) else {
        return Ok(Err(No::new(503, BUSY, Some(2))));
    };
    let (account, source) = (form.user.email.as_str(), info.counted_as());
    let wait = turn
        .written(Box::pin(throttle::count(app, account, &source)))
        .await?;
    if let Some(wait) = wait {
        return Ok(Err(No::new(429, TOO_MANY, Some(wait))));
    }
    let stored = form.user.password_hash.as_ref();
    let stored = stored.map(|hash| hash.expose().clone());
    let right = app
        .hashes
        .verify(&turn, form.password.clone(), stored)
        .await;
    if right.map_err(ApiError::internal)? {
        Ok(Ok(turn))
    } else {
        Ok(Err(wrong()))
    }
}

/// The password is wrong, or is another one by now.
pub(super) fn wrong() -> No {
    No::new(401, WRONG, None)
}

/// Ends all sessions of a person; says how many there were.
pub(super) async fn end_all(
    app: &App,
    write: &mut aeolus_store::Write,
    user: UserId,
) -> Result<u64, ApiError> {
    Ok(write.sessions().end_all(user, app.clock.now()).await?)
}
