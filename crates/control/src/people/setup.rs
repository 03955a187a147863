//! `GET /setup` and its forms: whoever holds the code makes the first administrator. Afterwards there is no
//! such page.

use aeolus_model::{Action, Actor, Amr, Email, Secret};
use aeolus_store::Unit as _;
use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};

use super::join::{is_name, note};
use super::ways::{Ways, ways};
use super::{Refused, account, code};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::extract;
use crate::pages;
use crate::signin::login_post::{BUSY, TOO_MANY};
use crate::signin::password::{MAX_BYTES, check_new};
use crate::signin::standing::Standing;
use crate::signin::{begin, same_origin, throttle};

const MAX_FORM: usize = 32 * 1024;
const WRONG: &str =
    "That is not the code, or it was used. `aeolus control first-admin` makes another one.";

#[derive(Template)]
#[template(path = "setup.html")]
struct Page<'a> {
    message: Option<&'a str>,
    view: View<'a>,
}

enum View<'a> {
    /// The code is asked for.
    Code,
    /// It was right: who is to be the administrator?
    Who {
        code: &'a str,
        email: &'a str,
        name: &'a str,
        ways: Ways,
    },
}

/// What somebody typed.
struct Typed {
    code: Secret<String>,
    email: String,
    name: String,
    password: Secret<String>,
}

/// Asks for the code.
pub(crate) async fn setup_get(State(app): State<App>) -> Result<Response, Failure> {
    ask(&app, 200, None).await.map_err(ApiError::into_page)
}

/// Takes the code, and asks who is to be the administrator.
pub(crate) async fn setup_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let answered = step(&app, &info, &headers, request);
    answered.await.map_err(ApiError::into_page)
}

/// Makes the account.
pub(crate) async fn setup_account(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let answered = account_post(&app, &info, &headers, request);
    answered.await.map_err(ApiError::into_page)
}

async fn ask(app: &App, status: u16, message: Option<&str>) -> Result<Response, ApiError> {
    let mut view = app.store.read().await?;
    if view.first_admin_code().get().await?.is_none() {
        return Err(ApiError::NoEndpoint);
    }
    let page = Page {
        message,
        view: View::Code,
    };
    Ok(render(status, &page))
}

fn render(status: u16, page: &Page<'_>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    pages::page(status, page, None)
}

/// What was typed, if the code is right; else the page again. Tries are counted for their source.
async fn read(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Result<Typed, Response>, ApiError> {
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    let form = extract::form(request, MAX_FORM).await?;
    let text = |name| form.get(name).unwrap_or("").to_owned();
    let typed = Typed {
        code: Secret::new(text("code")),
        email: text("email").trim().to_owned(),
        name: text("name").trim().to_owned(),
        password: Secret::new(text("password")),
    };
    if typed.password.expose().len() > MAX_BYTES {
        return Err(ApiError::TooLarge);
    }
    if throttle::count_source(app, &info.counted_as())
        .await?
        .is_some()
    {
        return ask(app, 429, Some(TOO_MANY)).await.map(Err);
    }
    let mut view = app.store.read().await?;
    if code::is_right(&mut view, &typed.code).await? {
        return Ok(Ok(typed));
    }
    drop(view);
    let what = (Actor::Anonymous, Action::FirstAdmin);
    note(app, info, what, Refused::Code).await?;
    ask(app, 401, Some(WRONG)).await.map(Err)
}

async fn who(
    app: &App,
    typed: &Typed,
    (status, message): (u16, Option<&str>),
) -> Result<Response, ApiError> {
    let mut view = app.store.read().await?;
    let page = Page {
        message,
        view: View::Who {
            code: typed.code.expose(),
            email: &typed.email,
            name: &typed.name,
            ways: ways(app, &mut view).await?,
        },
    };
    Ok(render(status, &page))
}

async fn step(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    match read(app, info, headers, request).await? {
        Ok(typed) => who(app, &typed, (200, None)).await,
        Err(answer) => Ok(answer),
    }
}

async fn account_post(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let typed = match read(app, info, headers, request).await? {
        Ok(typed) => typed,
        Err(answer) => return Ok(answer),
    };
    let Ok(email) = Email::parse(&typed.email) else {
        let message = "The address is none: use one of the form name@example.com.";
        return who(app, &typed, (422, Some(message))).await;
    };
    if !is_name(&typed.name) {
        let message = "Say your name in up to 200 characters.";
        return who(app, &typed, (422, Some(message))).await;
    }
    if let Err(error) = check_new(&typed.password, email.as_str()) {
        let message = format!("The password can't be used: {error}.");
        return who(app, &typed, (422, Some(&message))).await;
    }
    let Ok(turn) = app.hashes.turn(Some(info.counted_as())) else {
        return who(app, &typed, (503, Some(BUSY))).await;
    };
    let hash = app.hashes.hash(typed.password.clone(), app.rng.clone());
    let hash = hash.await.map_err(ApiError::internal)?;
    let _writing = turn.write().await?;
    make(app, info, headers, (&typed, &email, hash.into())).await
}

async fn make(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    (typed, email, hash): (&Typed, &Email, Secret<String>),
) -> Result<Response, ApiError> {
    let mut write = app.store.write().await?;
    if write.users().by_email(email).await?.is_some() {
        drop(write);
        let message = "There is an account with this address. Use another one.";
        return who(app, typed, (409, Some(message))).await;
    }
    let new = account::New {
        email,
        name: &typed.name,
        password: Some(hash),
        through: None,
        // Whoever holds the code runs the installation.
        proved: true,
    };
    let user = account::open(app, info, &mut write, new).await?;
    let claimed = code::claim(app, info, &mut write, (&typed.code, &user)).await?;
    if claimed.is_err() {
        write.rollback().await?;
        return ask(app, 401, Some(WRONG)).await;
    }
    let who = Standing::of(&mut write, user.id).await?;
    let who = who.ok_or_else(|| ApiError::internal("an account that was just made is none"))?;
    let proven = (&who, Amr::password());
    let session = begin::begin(app, (info, headers), &mut write, proven).await?;
    app.commit(write).await?;
    let mut response = Redirect::to("/").into_response();
    begin::set_cookie(app, &mut response, &session)?;
    Ok(response)
}
