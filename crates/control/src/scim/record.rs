//! What surrounds every request of a provisioning client: from where it may come, refusals in the protocol's form with
//! the headers that belong to them, and the log of requests.

use std::sync::{Arc, OnceLock};

use aeolus_model::{ConnectionId, ScimRequestId, admits};
use aeolus_scim::{Error, Reason};
use aeolus_store::ScimRequest;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::caller::BASE;
use super::copy::Copied;
use super::{ScimFailure, answer, mask};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure, Form};
use crate::minute;

/// The request came to the listener that is for provisioning alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnListener;

/// Whoever asks may not provision where the request came from: tokens for it aren't given either.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoScope;

/// What is learnt of a request on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    /// The connection that it names, if there is such a one.
    pub(super) connection: Arc<OnceLock<ConnectionId>>,
    /// The name of the credential, if it is good.
    pub(super) credential: Arc<OnceLock<String>>,
}

/// Where clients get access tokens.
const TOKEN: &str = "/oauth2/token";
/// What the listener for provisioning answers besides.
const BESIDE: [&str; 2] = [TOKEN, "/livez"];

/// Around everything; what is no request of such a client goes through.
pub(crate) async fn record(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let own = request.extensions().get::<OwnListener>().is_some();
    let config = app.scim.config();
    let path = request.uri().path();
    let provisions = path.starts_with(BASE);
    if own && !provisions && !BESIDE.contains(&path) || provisions && config.only && !own {
        return ApiError::NoEndpoint.into_response();
    }
    let info = request.extensions().get::<RequestInfo>().cloned();
    let info = info.unwrap_or_default();
    let from = info.source.parse().ok();
    let admitted = admits(&config.allowed_networks, from);
    if !provisions {
        // Whoever may not provision needs no token for it.
        if path == TOKEN && own && !admitted {
            return elsewhere().into_response();
        }
        if !own && (config.only || !admitted) {
            request.extensions_mut().insert(NoScope);
        }
        return next.run(request).await;
    }
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    let seen = Seen::of(&app, &request, info);
    let (request, copied) = Copied::of(request);
    let mut response = if admitted {
        next.run(request).await
    } else {
        elsewhere().into_response()
    };
    let mut refusal = Refusal::default();
    if let Some(failure) = response.extensions_mut().get_mut::<Failure>() {
        answer::in_form(failure);
        refusal = Refusal::of(failure);
    }
    headers(&app, &mut response);
    seen.keep(&app, &noted, (response.status(), refusal), &copied);
    response
}

fn elsewhere() -> ScimFailure {
    let what = "Provisioning isn't allowed from that address (control.scim.allowedNetworks).";
    ScimFailure::Scim(Error::new(Reason::Forbidden, what))
}

fn headers(app: &App, response: &mut Response) {
    let status = response.status();
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer realm=\"scim\"");
        let basic = HeaderValue::from_static("Basic realm=\"scim\", charset=\"UTF-8\"");
        headers.insert(WWW_AUTHENTICATE, bearer);
        headers.append(WWW_AUTHENTICATE, basic);
    }
    if status == StatusCode::TOO_MANY_REQUESTS && !headers.contains_key(RETRY_AFTER) {
        let left = minute::left(app.clock.now());
        headers.insert(RETRY_AFTER, HeaderValue::from(left));
    }
}

/// Why a request was refused.
#[derive(Default)]
struct Refusal {
    scim_type: String,
    detail: String,
}

impl Refusal {
    fn of(failure: &Failure) -> Self {
        let kind = match failure.form {
            Form::Scim(kind) => kind,
            _ => None,
        };
        Self {
            scim_type: kind.unwrap_or_default().to_owned(),
            detail: said(failure).to_owned(),
        }
    }
}

/// What of a refusal is kept. What the client is told repeats what it sent, often without quotes, and that may name
/// people: here it is what kind of refusal it is.
fn said(failure: &Failure) -> &str {
    let kind = match failure.form {
        Form::Scim(kind) => kind.unwrap_or_default(),
        _ => "",
    };
    match (failure.status.as_u16(), kind) {
        // One of few texts (caller.rs), and what an administrator needs.
        (401, _) => &failure.detail,
        (_, "invalidSyntax") => "The body is not what the schema or the message asks for.",
        (_, "invalidFilter") => "The filter can't be read, or asks for what can't be filtered.",
        (_, "invalidPath") => "The path of an operation can't be read, or names nothing.",
        (_, "invalidValue") => "A value is missing, of another type, too long, or names nothing.",
        (_, "noTarget") => "The path of an operation matches nothing.",
        (_, "mutability") => "An attribute can't be changed so.",
        (_, "tooMany") => "It asks for more than is worked on at once.",
        (_, "invalidVers") => "It names a version of the protocol that isn't spoken here.",
        (_, "sensitive") => "What it asks for must not be in a URL: it belongs in a .search.",
        (_, "invalidCursor") => "The cursor is none of ours, or of another query.",
        (_, "expiredCursor") => "The cursor is too old.",
        (_, "invalidCount") => "\"count\" is no number of resources.",
        (_, "uniqueness") => "A name or an address belongs to somebody else here.",
        (403, _) => {
            "Not allowed to this client, or from its address (control.scim.allowedNetworks)."
        }
        (404, _) => "There is no such resource or endpoint for this client.",
        (405, _) => "The resource is there, the method isn't.",
        (409, _) => "It is at odds with what is here.",
        (412, _) => "The resource is not in the version that the client named.",
        (413, _) => "The body is larger than is read.",
        (415, _) => "The body is of another media type.",
        (429, _) => "Too many requests in a short time.",
        (501, _) => "This isn't done here.",
        (503, _) => "Not at that moment; the client may send it again.",
        _ => failure.title,
    }
}

/// What of a request is known before it is answered.
struct Seen {
    info: RequestInfo,
    started: tokio::time::Instant,
    at: aeolus_model::Time,
    method: http::Method,
    path: String,
    query: String,
}

impl Seen {
    fn of(app: &App, request: &Request, info: RequestInfo) -> Self {
        let uri = request.uri();
        let below = uri.path().strip_prefix(BASE).unwrap_or_default();
        let below = below.find('/').and_then(|at| below.get(at..));
        Self {
            info,
            started: tokio::time::Instant::now(),
            at: app.clock.now(),
            method: request.method().clone(),
            path: mask::path(below.unwrap_or_default()),
            query: mask::query(uri.query().unwrap_or_default()),
        }
    }

    fn keep(
        self,
        app: &App,
        noted: &Noted,
        (status, refusal): (StatusCode, Refusal),
        copied: &Copied,
    ) {
        let Some(connection) = noted.connection.get() else {
            return;
        };
        let took = self.started.elapsed().as_millis();
        let request = ScimRequest {
            id: ScimRequestId::new(&*app.clock, &*app.rng),
            connection: *connection,
            at: self.at,
            method: mask::line(self.method.as_str(), 20),
            path: self.path,
            query: self.query,
            status: status.as_u16().into(),
            scim_type: refusal.scim_type,
            detail: refusal.detail,
            took_ms: u64::try_from(took).unwrap_or(u64::MAX),
            credential: noted.credential.get().cloned().unwrap_or_default(),
            source: self.info.source,
            request_id: self.info.id,
            body: copied.masked(),
        };
        app.scim.log.push(request, app.clock.now());
    }
}
