//! From a decision to the answer that such an nginx understands: a gate's, name by name.

use aeolus_decide::{Access, Allowed, Decision, Deny, Identity, Reason, SignIn, original};
use axum::body::Body;
use axum::response::Response;
use http::header::{AUTHORIZATION, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::App;
use crate::error::ApiError;

const X_AEOLUS_USER: HeaderName = HeaderName::from_static("x-aeolus-user");
const X_AEOLUS_EMAIL: HeaderName = HeaderName::from_static("x-aeolus-email");
const X_AEOLUS_DEPLOYMENT: HeaderName = HeaderName::from_static("x-aeolus-deployment");
const X_AUTH_LOCATION: HeaderName = HeaderName::from_static("x-auth-location");

/// The answer to a check. `question` has the headers of the check.
pub(super) async fn answer(
    app: &App,
    decision: Decision,
    question: &HeaderMap,
) -> Result<Response, ApiError> {
    match decision {
        Decision::Allow(allowed) => allow(app, &allowed, question).await,
        Decision::SignIn(sign_in) => Ok(to_sign_in(&sign_in)),
        Decision::Deny(deny) => Ok(refuse(&deny)),
    }
}

async fn allow(app: &App, allowed: &Allowed, question: &HeaderMap) -> Result<Response, ApiError> {
    let nothing = || HeaderValue::from_static("");
    let (authorization, who) = match allowed.access() {
        Access::As(identity) => {
            let minted = app.minted.bearer(app, (allowed, identity)).await?;
            let Some(bearer) = minted else {
                return Ok(refuse(&Deny::because(Reason::TokenExpired)));
            };
            (bearer, Some(identity))
        }
        // The application checks the client's own credential: it goes on unchanged.
        Access::PassThrough => {
            let own = question.get(AUTHORIZATION).cloned();
            (own.unwrap_or_else(nothing), None)
        }
        Access::Anonymous => (nothing(), None),
    };
    let mut answer = status(200);
    let headers = answer.headers_mut();
    headers.insert(AUTHORIZATION, authorization);
    name(headers, who);
    let deployment = value(&allowed.deployment().id.to_string());
    headers.insert(X_AEOLUS_DEPLOYMENT, deployment);
    Ok(answer)
}

/// Every name is there, empty where there is nobody, so that none of a client's own remains.
fn name(headers: &mut HeaderMap, who: Option<&Identity>) {
    let id = who.map_or_else(String::new, |who| who.subject.id_text());
    let email = who.map_or("", |who| &*who.person.email);
    headers.insert(X_AEOLUS_USER, value(&id));
    headers.insert(X_AEOLUS_EMAIL, value(email));
    headers.insert(original::USERNAME, value(&id));
    headers.insert(original::EMAIL, value(email));
}

fn to_sign_in(sign_in: &SignIn) -> Response {
    let mut answer = status(401);
    let headers = answer.headers_mut();
    headers.insert(X_AUTH_LOCATION, value(&sign_in.location()));
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

fn refuse(deny: &Deny) -> Response {
    let mut answer = status(original::status(deny));
    if let Some(challenge) = deny.challenge() {
        let challenge = HeaderValue::from_static(challenge);
        answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    answer
}

fn status(code: u16) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::FORBIDDEN);
    answer
}

/// What can't be a header value is left empty: it must not become two headers.
fn value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
