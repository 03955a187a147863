//! `/device`: whoever has the code of a machine says yes or no to it (RFC 8628 §3.3).
//!
//! Somebody may have been sent a link with a stranger's code: the page says which client asks from where,
//! and nothing happens without a press of its button.

use std::time::Duration;

use aeolus_model::{Action, Actor, AuditEvent, DeviceCode, Outcome, Session};
use aeolus_store::{StoreError, Unit as _, Write};
use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::user_code::UserCode;
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::extract::{self, Query};
use crate::pages;
use crate::policy;
use crate::provider::params::Params;
use crate::signin::{same_origin, session};

const MAX_FORM: usize = 4 * 1024;
/// Wrong codes in a window that is longer than a code lives: of one person, from one address (offices
/// share one), and of all.
const WINDOW: Duration = Duration::from_secs(15 * 60);
const PER_PERSON: u64 = 10;
const PER_SOURCE: u64 = 50;
const OF_ALL: u64 = 500;

const UNKNOWN: &str = "There is no such code, or it has expired. Look at the machine again.";
const TOO_MANY: &str = "There were too many wrong codes. Wait a few minutes and try again.";

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage<'a> {
    step: Step<'a>,
}

/// What the page is about.
enum Step<'a> {
    Enter {
        typed: &'a str,
        message: Option<&'a str>,
    },
    Confirm {
        code: String,
        asking: &'a DeviceCode,
        /// Whether the machine stays signed in beyond one access token.
        lasting: bool,
    },
    Approved,
    Denied,
    /// An organization lets its people sign in no machines.
    Forbidden {
        organization: &'a str,
    },
}

/// What a typed code leads to.
enum Looked {
    Found(UserCode, DeviceCode),
    Unknown,
    /// Seconds to wait.
    TooMany(u64),
}

/// Asks for the code; one in the link is filled in, no more.
pub(crate) async fn device_get(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query, ApiError>,
) -> Result<Response, Failure> {
    let page = async {
        is_on(&app)?;
        let query = query?;
        let typed = query.0.get("user_code").and_then(code_in);
        if let Err(first) = recent(&app, &headers, typed.as_deref()).await? {
            return Ok(first);
        }
        let typed = typed.as_deref().unwrap_or("");
        Ok(shown(
            StatusCode::OK,
            Step::Enter {
                typed,
                message: None,
            },
        ))
    };
    page.await.map_err(ApiError::into_page)
}

/// Takes a code and asks whether it is meant.
pub(crate) async fn device_post(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let page = async {
        let form = read(&app, &headers, request).await?;
        let typed = form.get("user_code").unwrap_or("");
        let session = match recent(&app, &headers, code_in(typed).as_deref()).await? {
            Ok(session) => session,
            Err(first) => return Ok(first),
        };
        let mut write = app.store.write().await?;
        let looked = look(&app, &mut write, (&session, &info), typed).await?;
        app.commit(write).await?;
        Ok(match looked {
            Looked::Found(code, asking) => {
                let step = Step::Confirm {
                    code: code.shown(),
                    lasting: asking.scope.contains(super::super::scope::OFFLINE_ACCESS),
                    asking: &asking,
                };
                shown(StatusCode::OK, step)
            }
            Looked::Unknown => wrong(typed, UNKNOWN, None),
            Looked::TooMany(wait) => wrong(typed, TOO_MANY, Some(wait)),
        })
    };
    page.await.map_err(ApiError::into_page)
}

/// Takes the decision.
pub(crate) async fn device_decide(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let page = async {
        let form = read(&app, &headers, request).await?;
        let approve = match form.get("decision") {
            Some("approve") => true,
            Some("deny") => false,
            _ => return Err(ApiError::Body("there is no decision".to_owned())),
        };
        let typed = form.get("user_code").unwrap_or("");
        let session = match recent(&app, &headers, code_in(typed).as_deref()).await? {
            Ok(session) => session,
            Err(first) => return Ok(first),
        };
        decide(&app, (&session, &info), typed, approve).await
    };
    page.await.map_err(ApiError::into_page)
}

async fn decide(
    app: &App,
    (session, info): (&Session, &RequestInfo),
    typed: &str,
    approve: bool,
) -> Result<Response, ApiError> {
    let mut write = app.store.write().await?;
    let looked = look(app, &mut write, (session, info), typed).await?;
    let (code, asking) = match looked {
        Looked::Found(code, asking) => (code, asking),
        Looked::Unknown => {
            app.commit(write).await?;
            return Ok(wrong(typed, UNKNOWN, None));
        }
        Looked::TooMany(wait) => return Ok(wrong(typed, TOO_MANY, Some(wait))),
    };
    let forbids = if approve {
        policy::forbids_devices(app, &mut write, session.user).await?
    } else {
        None
    };
    let approve = approve && forbids.is_none();
    let digest = code.digest(&app.refresh_key);
    let on = approve.then_some(session.id);
    let now = app.clock.now();
    if !write.device_codes().decide(&digest, now, on).await? {
        return Ok(wrong(typed, UNKNOWN, None));
    }
    let event = info.event(app, Actor::User(session.user), Action::DeviceDecide);
    write.audit(AuditEvent {
        target: session.id.to_string(),
        outcome: if approve {
            Outcome::Success
        } else {
            Outcome::Denied
        },
        reason: match (approve, &forbids) {
            (true, _) => "",
            (false, None) => "by_person",
            (false, Some(_)) => "by_policy",
        }
        .to_owned(),
        changes: vec![aeolus_model::Change::to("askedFrom", asking.source)],
        ..event
    });
    app.commit(write).await?;
    Ok(match forbids {
        Some(organization) => {
            let organization = organization.as_str();
            shown(StatusCode::FORBIDDEN, Step::Forbidden { organization })
        }
        None if approve => shown(StatusCode::OK, Step::Approved),
        None => shown(StatusCode::OK, Step::Denied),
    })
}

/// Looks a code up, and counts it if it is wrong (O18). The caller commits.
async fn look(
    app: &App,
    write: &mut Write,
    (session, info): (&Session, &RequestInfo),
    typed: &str,
) -> Result<Looked, StoreError> {
    let now = app.clock.now();
    let buckets = [
        (of_person(session), PER_PERSON),
        (format!("device/source/{}", info.counted_as()), PER_SOURCE),
        ("device/wrong".to_owned(), OF_ALL),
    ];
    for (bucket, most) in &buckets {
        let throttle = write.throttles().get(bucket, WINDOW, now).await?;
        if let Some(throttle) = throttle.filter(|throttle| throttle.hits >= *most) {
            let left = WINDOW.saturating_sub(now.since(throttle.started_at));
            return Ok(Looked::TooMany(left.as_secs().max(1)));
        }
    }
    if let Some(code) = UserCode::parse(typed) {
        let digest = code.digest(&app.refresh_key);
        let found = write.device_codes().by_user_code(&digest).await?;
        if let Some(found) = found.filter(|found| found.is_open(now)) {
            return Ok(Looked::Found(code, found));
        }
    }
    for (bucket, _) in &buckets {
        write.throttles().hit(bucket, WINDOW, now).await?;
    }
    Ok(Looked::Unknown)
}

fn of_person(session: &Session) -> String {
    format!("device/person/{}", session.user)
}

fn is_on(app: &App) -> Result<(), ApiError> {
    app.device_flow.then_some(()).ok_or(ApiError::NoEndpoint)
}

/// A form of our own page.
async fn read(app: &App, headers: &HeaderMap, request: Request) -> Result<Params, ApiError> {
    is_on(app)?;
    if !same_origin::is_same_origin(headers, &app.origin) {
        return Err(ApiError::CrossSite);
    }
    extract::form(request, MAX_FORM).await
}

fn shown(status: StatusCode, step: Step<'_>) -> Response {
    pages::page(status, &DevicePage { step }, None)
}

fn wrong(typed: &str, message: &str, wait: Option<u64>) -> Response {
    let status = match wait {
        Some(_) => StatusCode::TOO_MANY_REQUESTS,
        None => StatusCode::NOT_FOUND,
    };
    let step = Step::Enter {
        typed,
        message: Some(message),
    };
    let mut response = shown(status, step);
    if let Some(wait) = wait {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

/// A code as a person reads it, if the text is one.
fn code_in(text: &str) -> Option<String> {
    UserCode::parse(text).map(|code| code.shown())
}

/// The session of somebody who has signed in just now; else the way to do that and back here.
async fn recent(
    app: &App,
    headers: &HeaderMap,
    typed: Option<&str>,
) -> Result<Result<Session, Response>, ApiError> {
    let session = session::current(app, headers).await?;
    let again = session.is_some();
    let now = app.clock.now();
    let good = |session: &Session| session::is_recent(session, now);
    Ok(session
        .filter(good)
        .ok_or_else(|| sign_in_first(typed, again)))
}

/// `again`: although there is a session.
fn sign_in_first(typed: Option<&str>, again: bool) -> Response {
    let back = match typed {
        Some(code) => format!("/device?user_code={code}"),
        None => "/device".to_owned(),
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if again {
        query.append_pair("again", "1");
    }
    query.append_pair("rd", &back);
    Redirect::to(&format!("/login?{}", query.finish())).into_response()
}
