//! `GET /token` and `POST /token/reveal`: an access token to paste where no browser can bring one.

use aeolus_api::oauth::CLI_CLIENT_ID;
use aeolus_model::{Action, Actor, AuditEvent};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::provider::for_control;
use crate::signin::{same_origin, session};

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage<'a> {
    issuer: &'a str,
    shown: Option<Shown>,
}

/// A token with the minutes that it is good for.
struct Shown {
    token: String,
    hours: u64,
    minutes: u64,
}

/// Asks first: a GET is sent by a link or an image as well.
pub(crate) async fn token_get(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let found = session::current(&app, &headers).await;
    if found.map_err(ApiError::into_page)?.is_none() {
        return Ok(sign_in_first());
    }
    Ok(page(&app, None))
}

/// Makes a token and shows it this once: it is kept nowhere.
pub(crate) async fn token_reveal(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    reveal(&app, &info, &headers)
        .await
        .map_err(ApiError::into_page)
}

async fn reveal(app: &App, info: &RequestInfo, headers: &HeaderMap) -> Result<Response, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let Some(session) = session::current(app, headers).await? else {
        return Ok(sign_in_first());
    };
    let answer = for_control(app, &session, CLI_CLIENT_ID).map_err(ApiError::internal)?;
    let mut write = app.store.write().await?;
    let event = info.event(app, Actor::User(session.user), Action::TokenShow);
    write.audit(AuditEvent {
        target: session.id.to_string(),
        ..event
    });
    app.commit(write).await?;
    let minutes = answer.expires_in / 60;
    let shown = Shown {
        token: answer.access_token,
        hours: minutes / 60,
        minutes: minutes % 60,
    };
    Ok(page(app, Some(shown)))
}

fn page(app: &App, shown: Option<Shown>) -> Response {
    let issuer = &app.issuer;
    super::page(StatusCode::OK, &TokenPage { issuer, shown }, None)
}

fn sign_in_first() -> Response {
    Redirect::to("/login?rd=%2Ftoken").into_response()
}
