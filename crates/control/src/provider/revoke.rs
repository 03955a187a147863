//! `POST /oauth2/revoke` (RFC 7009): ends the session behind a token, everywhere.

use aeolus_api::oauth::REFRESH_TOKEN_PREFIX;
use aeolus_keys::claims::Access;
use aeolus_keys::{Kind, jws};
use aeolus_model::{Action, Actor, AuditEvent, Session};
use aeolus_store::{Unit as _, Write};
use axum::extract::{Request, State};
use http::StatusCode;

use super::client::Client;
use super::failure::OAuthFailure;
use super::refresh;
use super::token::{authenticate, read_form};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Revokes. A token that isn't ours, or another client's, changes nothing; the answer is the same
/// (O19). A hint of the token's type is not needed: its form says it.
pub(crate) async fn revoke(
    State(app): State<App>,
    info: RequestInfo,
    request: Request,
) -> Result<StatusCode, OAuthFailure> {
    let form = read_form(request).await?;
    let client = authenticate(&app, &info, &form).await?;
    let token = form
        .get("token")
        .ok_or(OAuthFailure::Request("there is no token"))?;
    let mut write = app.store.write().await?;
    let ended = if token.starts_with(REFRESH_TOKEN_PREFIX) {
        end_by_refresh(&app, &mut write, client, token).await?
    } else {
        end_by_access(&app, &mut write, client, token).await?
    };
    if let Some(session) = ended {
        let event = info.event(&app, Actor::User(session.user), Action::SignOut);
        write.audit(AuditEvent {
            target: session.id.to_string(),
            ..event
        });
    }
    app.commit(write).await?;
    Ok(StatusCode::OK)
}

/// A spent one names its session as well as the one that followed it.
async fn end_by_refresh(
    app: &App,
    write: &mut Write,
    client: Client,
    token: &str,
) -> Result<Option<Session>, ApiError> {
    let member = refresh::find(write, token).await?;
    match member.filter(|member| member.family().client_id == client.id()) {
        Some(member) => Ok(refresh::end(app, write, member.family()).await?),
        None => Ok(None),
    }
}

async fn end_by_access(
    app: &App,
    write: &mut Write,
    client: Client,
    token: &str,
) -> Result<Option<Session>, ApiError> {
    let claims = jws::parse(token.as_bytes())
        .and_then(|token| app.keys.ring().verify(Kind::Access, token))
        .and_then(|token| token.claims::<Access>());
    // An expired token's session may well be alive: its end is not asked for here.
    // What was exchanged for one deployment has the command line's name too, and no power over the rest.
    let own = |claims: &Access| {
        claims.client_id == client.id() && (client != Client::Cli || claims.aud == app.issuer)
    };
    let Some(claims) = claims.ok().filter(own) else {
        return Ok(None);
    };
    let session = write.sessions().get(claims.sid).await?;
    let ended = crate::signin::session::end(app, write, claims.sid).await?;
    Ok(session.filter(|_| ended))
}
