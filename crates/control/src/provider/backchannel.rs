//! `POST /v1/oauth/backchannel-logout/{connection}`: an identity provider says that somebody signed out
//! there (OpenID Connect Back-Channel Logout 1.0). Their sessions of the connection end everywhere.

use std::time::Duration;

use aeolus_decide::LogoutError;
use aeolus_keys::digest;
use aeolus_model::{Action, Actor, AuditEvent, Slug};
use aeolus_store::Unit as _;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};

use super::failure::OAuthFailure;
use super::token::read_form;
use crate::app::App;
use crate::connections::logout_terms;
use crate::ctx::RequestInfo;

/// Longer than any logout token is good: within it none is heard twice.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// Ends the sessions. Every refusal is a 400 (§2.8), and no answer is stored.
pub(crate) async fn backchannel_logout(
    State(app): State<App>,
    info: RequestInfo,
    Path(connection): Path<String>,
    request: Request,
) -> Response {
    let mut answer = match ended(&app, &info, &connection, request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(failure) => failure.into_response(),
    };
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn ended(
    app: &App,
    info: &RequestInfo,
    connection: &str,
    request: Request,
) -> Result<(), OAuthFailure> {
    let form = read_form(request).await?;
    let token = form
        .get("logout_token")
        .ok_or(OAuthFailure::Request("there is no logout_token"))?;
    let unknown = OAuthFailure::Request("no connection of this name takes logout tokens");
    let Ok(name) = connection.parse::<Slug>() else {
        return Err(unknown);
    };
    let now = app.clock.now();
    let mut view = app.store.read().await?;
    let connection = view.connections().by_name(&name).await?;
    let held = view.provider_keys().list().await?;
    drop(view);
    let Some(connection) = connection else {
        return Err(unknown);
    };
    let Some((issuer, terms)) = logout_terms(&connection, &held, now) else {
        return Err(unknown);
    };
    let out = terms.verify(token.as_bytes(), now).map_err(|error| {
        tracing::warn!(%error, connection = name.as_str(), "a logout token was refused");
        if error == LogoutError::Key {
            app.provider_keys_wanted.notify_one();
        }
        OAuthFailure::Request(error.text())
    })?;

    let mut write = app.store.write().await?;
    let once = digest::sha256(out.id.as_bytes());
    let bucket = format!("logout/{}/{}", connection.id, URL_SAFE_NO_PAD.encode(once));
    if write.throttles().hit(&bucket, REMEMBERED, now).await?.hits > 1 {
        return Err(OAuthFailure::Request("the logout_token was used before"));
    }
    let found = write
        .identities()
        .find(connection.id, &issuer, &out.subject)
        .await?;
    // Somebody whom nobody here knows has no session: there is nothing to do, which is no error.
    if let Some(found) = found {
        // A plane may yet tell of a session that began before this.
        write.identities().signed_out(&found, now).await?;
        for session in write.sessions().alive(found.user, now).await? {
            if session.connection != connection.id
                || !crate::signin::session::end(app, &mut write, session.id).await?
            {
                continue;
            }
            let event = AuditEvent {
                target: session.id.to_string(),
                reason: format!("at_provider:{name}"),
                ..info.event(app, Actor::User(found.user), Action::SignOut)
            };
            for organization in write.sessions().entered(session.id).await? {
                write.audit(AuditEvent {
                    organization: Some(organization),
                    ..event.clone()
                });
            }
        }
    }
    app.commit(write).await?;
    Ok(())
}
