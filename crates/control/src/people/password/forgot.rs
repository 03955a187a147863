//! `GET` and `POST /password/forgot`: whoever forgot their password asks for a link, where e-mails are sent. The same
//! is done and answered for every address.

use aeolus_model::{Email, PasswordResetId};
use aeolus_store::{PasswordRequest, Unit as _};
use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::extract;
use crate::pages;
use crate::signin::login_post::{BUSY, TOO_MANY};
use crate::signin::{same_origin, throttle};

const MAX_FORM: usize = 8 * 1024;
const NO_ADDRESS: &str = "That is no e-mail address. Use one of the form name@example.com.";

#[derive(Template)]
#[template(path = "forgot.html")]
struct Page<'a> {
    /// What was typed.
    email: &'a str,
    /// It was asked for.
    asked: bool,
    message: Option<&'a str>,
}

impl Page<'_> {
    fn answer(&self, status: u16) -> Response {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        pages::page(status, self, None)
    }
}

/// Asks for the address.
pub(crate) async fn forgot_get(State(app): State<App>) -> Result<Response, Failure> {
    require(&app).map_err(ApiError::into_page)?;
    let page = Page {
        email: "",
        asked: false,
        message: None,
    };
    Ok(page.answer(200))
}

/// Takes it.
pub(crate) async fn forgot_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let answered = ask(&app, &info, &headers, request).await;
    answered.map_err(ApiError::into_page)
}

/// Without e-mails, or where nobody signs in with a password, there is no such page.
fn require(app: &App) -> Result<(), ApiError> {
    if app.sends_resets() {
        Ok(())
    } else {
        Err(ApiError::NotFound("page"))
    }
}

async fn ask(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    require(app)?;
    let form = extract::form(request, MAX_FORM).await?;
    let typed = form.get("email").unwrap_or("").trim();
    let page = Page {
        email: typed,
        asked: false,
        message: None,
    };
    let Ok(email) = Email::parse(typed) else {
        let message = Some(NO_ADDRESS);
        return Ok(Page { message, ..page }.answer(422));
    };
    let Ok(turn) = app.hashes.turn(Some(info.counted_as())) else {
        let message = Some(BUSY);
        return Ok(Page { message, ..page }.answer(503));
    };
    let _writing = turn.write().await?;
    let counted = throttle::count_forgotten(app, email.as_str(), &info.counted_as()).await?;
    if let (Some(wait), _) = counted {
        let message = Some(TOO_MANY);
        let mut response = Page { message, ..page }.answer(429);
        let wait = HeaderValue::from(wait);
        response.headers_mut().insert(RETRY_AFTER, wait);
        return Ok(response);
    }
    let (_, too_often) = counted;
    if !too_often {
        let mut write = app.store.write().await?;
        let new = PasswordRequest {
            id: PasswordResetId::new(&*app.clock, &*app.rng),
            email,
            source: info.source.clone(),
            created_at: app.clock.now(),
        };
        write.password_resets().ask(&new).await?;
        app.commit(write).await?;
    }
    Ok(Page {
        asked: true,
        ..page
    }
    .answer(200))
}
