//! The outermost layer: gives a request its id, times it, renders refusals, sets the headers that
//! every answer has.

use std::net::IpAddr;
use std::time::Duration;

use aeolus_api::Problem;
use aeolus_api::oauth::OAuthError;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::App;
use crate::audit::Refused;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure, Form, NO_CERTIFICATE, OTHER_CERTIFICATE};
use crate::{pages, quota, scim};

/// The address of the connection's other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

/// No request takes longer: the longest poll waits 30 s.
const DEADLINE: Duration = Duration::from_secs(60);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Wraps every route.
pub(crate) async fn edge(
    State(app): State<App>,
    route: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let info = RequestInfo {
        id: new_id(&app),
        method: request.method().clone(),
        source: source_of(&app, &request),
        chain: request.extensions().get().cloned().unwrap_or_default(),
        ends: quota::only_ends(
            request.method(),
            route.as_ref().map_or("", MatchedPath::as_str),
        ),
        ..RequestInfo::default()
    };
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(info.clone());
    let started = tokio::time::Instant::now();
    let pattern = route.as_ref().map_or("", MatchedPath::as_str);
    let admitted = app.tls.admit(pattern, &info.chain, app.clock.now());
    let mut response = match (is_text(&path), admitted) {
        (false, _) => ApiError::Path.into_response(),
        (true, Err(error)) => error.into_response(),
        (true, Ok(())) => {
            let answered = tokio::time::timeout(DEADLINE, next.run(request)).await;
            answered.unwrap_or_else(|_| {
                ApiError::Internal("the deadline passed".into()).into_response()
            })
        }
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let kept = std::mem::take(response.headers_mut());
        log(&failure, &info);
        let route = route.as_ref().map_or("", MatchedPath::as_str);
        let refused = Refused {
            failure: &failure,
            info: &info,
            route,
            path: &path,
            about: None,
        };
        app.denials.note(&refused, app.clock.now());
        response = render(&failure, &info);
        response.headers_mut().extend(kept);
        // What was shown is the connection's: with another certificate a gate needs another one.
        if [NO_CERTIFICATE, OTHER_CERTIFICATE].contains(&failure.code) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
    }
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.metrics
        .request(&info.method, route, response.status(), started.elapsed());
    headers(&app, &info, response.headers_mut());
    response
}

/// Whether a path is text once it is decoded.
fn is_text(path: &str) -> bool {
    percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .is_ok()
}

fn log(failure: &Failure, info: &RequestInfo) {
    let (status, code) = (failure.status.as_u16(), failure.code);
    if failure.status.is_server_error() {
        tracing::error!(request_id = %info.id, status, code, cause = %failure.private, "failed");
    } else {
        tracing::debug!(request_id = %info.id, status, code, cause = %failure.private, "refused");
    }
}

fn render(failure: &Failure, info: &RequestInfo) -> Response {
    let mut response = match failure.form {
        Form::Problem => {
            let problem = Problem {
                detail: failure.detail.clone(),
                request_id: info.id.clone(),
                errors: failure.errors.clone(),
                ..Problem::new(failure.status.as_u16(), failure.code, failure.title)
            };
            json(failure.status, "application/problem+json", &problem)
        }
        Form::OAuth => {
            let error = OAuthError {
                error: failure.code.to_owned(),
                error_description: failure.detail.clone(),
            };
            json(failure.status, "application/json", &error)
        }
        Form::Scim(kind) => scim::render(failure, kind),
        Form::Page => pages::error(failure, &info.id),
    };
    let headers = response.headers_mut();
    if failure.status == StatusCode::UNAUTHORIZED && failure.form != Form::Page {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = failure.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn json(status: StatusCode, content_type: &'static str, body: &impl serde::Serialize) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [(CONTENT_TYPE, content_type)], body).into_response()
}

/// What every answer says unless its handler said otherwise: don't keep, don't frame, don't guess.
fn headers(app: &App, info: &RequestInfo, headers: &mut HeaderMap) {
    let defaults = [
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in defaults {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if app.issuer.starts_with("https://") {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    if let Ok(id) = HeaderValue::from_str(&info.id) {
        headers.insert(REQUEST_ID, id);
    }
}

fn new_id(app: &App) -> String {
    let mut bytes = [0; 12];
    app.rng.fill(&mut bytes);
    bytes
        .iter()
        .fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
}

/// The client's address: the connection's other end, or what the trusted proxies in front say.
/// Anything further left in `X-Forwarded-For` is whatever a stranger wrote (A21).
fn source_of(app: &App, request: &Request) -> String {
    let peer = request.extensions().get::<Peer>().and_then(|peer| peer.0);
    let peer = peer.map(|ip| ip.to_string()).unwrap_or_default();
    let Some(skip) = app.trusted_hops.checked_sub(1) else {
        return peer;
    };
    let values = request.headers().get_all(FORWARDED_FOR);
    let hops: Vec<&str> = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let told = hops.iter().rev().nth(skip);
    let told = told.and_then(|hop| hop.parse::<IpAddr>().ok());
    told.map_or(peer, |ip| ip.to_string())
}
