//! `POST /second-factor/codes` and `/remove`: other recovery codes, or no second factor any more.

use aeolus_model::{Action, Amr, Change};
use aeolus_store::{Unit as _, Write};
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use tokio::sync::OwnedSemaphorePermit;

use super::again::{self, Form, No};
use super::page::{self, View};
use super::{denied, line, note, prove, set_codes};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::email::{self, News};
use crate::error::{ApiError, Failure};
use crate::signin::begin;
use crate::signin::standing::Standing;

/// Makes recovery codes anew; those there were are good for nothing any more.
pub(crate) async fn codes_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    codes(&app, &info, &headers, request)
        .await
        .map_err(ApiError::into_page)
}

/// Removes the second factor. Every session of the person ends; this browser gets one that says that a
/// password was all.
pub(crate) async fn remove_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    remove(&app, &info, &headers, request)
        .await
        .map_err(ApiError::into_page)
}

async fn codes(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let what = Action::RecoveryCodesRenew;
    let asked = (headers, request);
    let (form, proven) = match allowed(app, info, asked, what).await? {
        Ok(held) => held,
        Err(answer) => return Ok(answer),
    };
    let (user, mut write) = (&form.user, proven.write);
    let codes = set_codes(app, &mut write, user.id).await?;
    write.audit(line(app, info, user.id, what));
    email::tell(app, &mut write, user.id, News::CodesRenewed).await?;
    app.commit(write).await?;
    let view = View::Codes {
        codes: &codes,
        new: false,
    };
    let email = user.email.as_str();
    Ok(page::render(200, email, &form.to, view, None))
}

async fn remove(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let what = Action::SecondFactorRemove;
    let asked = (headers, request);
    let (form, proven) = match allowed(app, info, asked, what).await? {
        Ok(held) => held,
        Err(answer) => return Ok(answer),
    };
    let (user, mut write) = (&form.user, proven.write);
    write.second_factors().remove(user.id).await?;
    let ended = again::end_all(app, &mut write, user.id).await?;
    let mut event = line(app, info, user.id, what);
    event.changes = vec![Change::from("sessions", ended.to_string())];
    write.audit(event);
    email::tell(app, &mut write, user.id, News::Removed).await?;
    let anew = (&proven.who, Amr::password());
    let session = begin::begin(app, (info, headers), &mut write, anew).await?;
    app.commit(write).await?;
    let email = user.email.as_str();
    let mut response = page::render(200, email, &form.to, View::Removed, None);
    begin::set_cookie(app, &mut response, &session)?;
    Ok(response)
}

/// Somebody who proved both.
struct Proven {
    who: Standing,
    /// The unit of work in which they did.
    write: Write,
    /// Its place among those who write.
    _writing: OwnedSemaphorePermit,
}

/// The form of somebody who proved both, and the unit of work for what they ask; or the answer to anybody else.
async fn allowed(
    app: &App,
    info: &RequestInfo,
    (headers, request): (&HeaderMap, Request),
    what: Action,
) -> Result<Result<(Form, Proven), Response>, ApiError> {
    let Some(form) = again::read(app, headers, request).await? else {
        return Ok(Err(page::sign_in_first()));
    };
    match proven(app, info, &form, what).await? {
        Ok(proven) => Ok(Ok((form, proven))),
        Err(no) => {
            let view = page::there(app, &form.user).await?;
            let email = form.user.email.as_str();
            Ok(Err(page::refuse(email, &form.to, view, &no)))
        }
    }
}

/// The unit of work in which password and code were right, with its place among those who write; what is
/// refused is in the audit log.
async fn proven(
    app: &App,
    info: &RequestInfo,
    form: &Form,
    what: Action,
) -> Result<Result<Proven, No>, ApiError> {
    let user = form.user.id;
    let turn = match again::password(app, info, form).await? {
        Ok(turn) => turn,
        Err(no) => {
            let mut write = app.store.write().await?;
            write.audit(denied(app, info, (user, what), "password"));
            app.commit(write).await?;
            return Ok(Err(no));
        }
    };
    let writing = turn.write().await?;
    let mut write = app.store.write().await?;
    let Some(who) = Standing::by_password(&mut write, &form.user).await? else {
        return Ok(Err(again::wrong()));
    };
    match prove(app, &mut write, (user, &info.counted_as()), &form.code).await? {
        Ok(proof) => {
            note(app, info, &mut write, (user, proof)).await?;
            Ok(Ok(Proven {
                who,
                write,
                _writing: writing,
            }))
        }
        Err(refused) => {
            write.audit(denied(app, info, (user, what), "code"));
            app.commit(write).await?;
            Ok(Err(No::from(refused)))
        }
    }
}
