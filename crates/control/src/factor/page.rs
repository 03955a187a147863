//! `GET /second-factor?rd=`: what there is, and the forms that change it.

use aeolus_model::{Session, UserId};
use aeolus_store::{Unit as _, User};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::again::No;
use crate::app::App;
use crate::error::{ApiError, Failure};
use crate::extract::Query;
use crate::pages;
use crate::signin::continuation::Continuation;
use crate::signin::{session, step};

#[derive(Template)]
#[template(path = "second_factor.html")]
pub(super) struct Page<'a> {
    /// Where the person wanted to go, if the page was on their way.
    pub(super) rd: &'a str,
    /// The way there. A link, since where it leads is no place that a form of ours may send to.
    pub(super) onward: &'a str,
    pub(super) email: &'a str,
    pub(super) message: Option<&'a str>,
    pub(super) view: View<'a>,
}

/// What the page is about.
pub(super) enum View<'a> {
    /// Somebody who signs in elsewhere.
    Elsewhere,
    /// There is none. `asked`: it is in the way.
    Off { asked: bool },
    /// A new secret, shown once, and the form for its first code.
    Begun {
        secret: &'a str,
        link: &'a str,
        drawing: Drawing,
    },
    /// The form again, without the secret: whoever has only the cookie is not shown it.
    Unproven,
    /// Recovery codes, shown once.
    Codes { codes: &'a [String], new: bool },
    /// It counts.
    On { codes_left: u64 },
    /// It was removed.
    Removed,
}

/// A QR code as a path of an SVG.
pub(super) struct Drawing {
    /// Of a side, with the quiet zone.
    pub(super) size: i32,
    pub(super) path: String,
}

/// Shows the page.
pub(crate) async fn factor_get(
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
    let Some(session) = session::current(app, headers).await? else {
        return Ok(sign_in_first());
    };
    let Some(user) = local_user(app, session.user).await? else {
        return Ok(render(200, "", &to, View::Elsewhere, None));
    };
    let (view, asked) = (there(app, &user).await?, to != Continuation::home());
    if let (View::On { .. }, true) = (&view, asked) {
        return Ok(go_on(&session, &to));
    }
    let view = match view {
        View::Off { .. } => View::Off { asked },
        view => view,
    };
    Ok(render(200, user.email.as_str(), &to, view, None))
}

/// Whoever has a second factor goes on with it: at once, or by signing in again with a code.
fn go_on(session: &Session, to: &Continuation) -> Response {
    let path = step::at("/login", to);
    if session.amr.has_second_factor() {
        return Redirect::to(&path).into_response();
    }
    Redirect::to(&format!("{path}&again=1")).into_response()
}

/// What a person has.
pub(super) async fn there(app: &App, user: &User) -> Result<View<'static>, ApiError> {
    let mut view = app.store.read().await?;
    if !super::counts(&mut view, user.id).await? {
        return Ok(View::Off { asked: false });
    }
    let codes_left = view.second_factors().codes_left(user.id).await?;
    Ok(View::On { codes_left })
}

/// A person who signs in with a password here.
pub(super) async fn local_user(app: &App, id: UserId) -> Result<Option<User>, ApiError> {
    let user = app.store.read().await?.users().get(id).await?;
    Ok(user.filter(|user| user.password_hash.is_some()))
}

pub(super) fn sign_in_first() -> Response {
    Redirect::to("/login?rd=%2Fsecond-factor").into_response()
}

/// The page, perhaps with what was refused.
pub(super) fn render(
    status: u16,
    email: &str,
    to: &Continuation,
    view: View<'_>,
    message: Option<&str>,
) -> Response {
    let page = Page {
        rd: &to.text(),
        onward: &step::at("/login", to),
        email,
        message,
        view,
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    pages::page(status, &page, None)
}

/// A refusal on the page.
pub(super) fn refuse(email: &str, to: &Continuation, view: View<'_>, no: &No) -> Response {
    let mut response = render(no.status, email, to, view, Some(&no.message));
    if let Some(seconds) = no.retry {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
