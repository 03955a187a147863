//! `POST /oauth2/token`: a code, once, for tokens (RFC 6749 §4.1.3).

use aeolus_api::oauth::{ASSERTION_TYPE, GRANT_AUTHORIZATION_CODE, TokenAnswer};
use aeolus_keys::digest;
use aeolus_model::{Action, Actor, AuditEvent, AuthorizationCode, CodeError, Outcome, SessionId};
use aeolus_store::{StoreError, Unit as _, Write};
use axum::Json;
use axum::extract::{Request, State};

use super::client::{self, Client};
use super::failure::OAuthFailure;
use super::issue::{Grant, issue};
use super::params::Params;
use super::pkce;
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::extract;

const MAX_FORM: usize = 32 * 1024;

/// The token endpoint.
pub(crate) async fn token(
    State(app): State<App>,
    info: RequestInfo,
    request: Request,
) -> Result<Json<TokenAnswer>, OAuthFailure> {
    let form = read_form(request).await?;
    match form.get("grant_type") {
        None => return Err(OAuthFailure::Request("there is no grant_type")),
        Some(GRANT_AUTHORIZATION_CODE) => {}
        Some(_) => return Err(OAuthFailure::GrantType),
    }
    let client = authenticate(&app, &form).await?;
    let need = |name, what| form.get(name).ok_or(OAuthFailure::Request(what));
    let code = need("code", "there is no code")?;
    let redirect = need("redirect_uri", "there is no redirect_uri")?;
    let verifier = need("code_verifier", "there is no code_verifier")?;
    let challenge = pkce::proven_by(verifier).ok_or(OAuthFailure::Grant)?;
    let now = app.clock.now();
    let mut write = app.store.write().await?;
    let taken = digest::sha256(code.as_bytes());
    let taken = write.codes().take(&taken, now).await?;
    let Some(taken) = taken else {
        return Err(OAuthFailure::Grant);
    };
    if let Err(error) = taken
        .clone()
        .exchange(&client.id(), redirect, &challenge, now)
    {
        if let CodeError::Replayed(session) = error {
            replayed(&app, &info, &mut write, session).await?;
        }
        // Committed although refused: a code that was tried is spent.
        app.commit(write).await?;
        return Err(OAuthFailure::Grant);
    }
    exchange(&app, write, client, taken).await
}

/// Reads a form body, each parameter at most once.
pub(super) async fn read_form(request: Request) -> Result<Params, OAuthFailure> {
    if !extract::has_type(&request, "application/x-www-form-urlencoded") {
        return Err(OAuthFailure::Request(
            "send application/x-www-form-urlencoded",
        ));
    }
    let body = extract::read(request, MAX_FORM).await?;
    let duplicate = OAuthFailure::Request("a parameter was sent more than once");
    Params::parse(&body).map_err(|_| duplicate)
}

/// Which client asks. A plane proves it by an assertion of its identity key (RFC 7523 §2.2), each
/// good for one request; the command line is public and can prove nothing.
pub(super) async fn authenticate(app: &App, form: &Params) -> Result<Client, OAuthFailure> {
    let client = form.get("client_id").and_then(Client::parse);
    let client = client.ok_or(OAuthFailure::Client)?;
    let assertion = form.get("client_assertion");
    match (client, assertion) {
        (Client::Cli, None) => Ok(client),
        (Client::Plane(plane), Some(assertion))
            if form.get("client_assertion_type") == Some(ASSERTION_TYPE) =>
        {
            let proven = crate::planes::prove_once(app, assertion).await;
            match proven {
                Ok(proven) if proven.id == plane => Ok(client),
                Ok(_) | Err(ApiError::BadCredential(_) | ApiError::Forbidden(_)) => {
                    Err(OAuthFailure::Client)
                }
                Err(error) => Err(error.into()),
            }
        }
        _ => Err(OAuthFailure::Client),
    }
}

/// Somebody used a code again: one of the two is a thief, so what it led to ends (RFC 9700 §2.1.1).
async fn replayed(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    session: SessionId,
) -> Result<(), StoreError> {
    crate::signin::session::end(app, write, session).await?;
    let event = info.event(app, Actor::Anonymous, Action::CodeReplay);
    write.audit(AuditEvent {
        target: session.to_string(),
        outcome: Outcome::Denied,
        reason: "code_replay".to_owned(),
        ..event
    });
    tracing::warn!(%session, "an authorization code was used twice: its session is ended");
    Ok(())
}

async fn exchange(
    app: &App,
    mut write: Write,
    client: Client,
    taken: AuthorizationCode,
) -> Result<Json<TokenAnswer>, OAuthFailure> {
    let AuthorizationCode::Issued {
        audience,
        nonce,
        session,
        ..
    } = taken
    else {
        return Err(OAuthFailure::Grant);
    };
    let now = app.clock.now();
    let session = write.sessions().get(session).await?;
    let Some(session) = session.filter(|session| session.is_alive(now)) else {
        app.commit(write).await?;
        return Err(OAuthFailure::Grant);
    };
    let user = write.users().get(session.user).await?;
    let Some(user) = user.filter(|user| user.disabled_at.is_none()) else {
        app.commit(write).await?;
        return Err(OAuthFailure::Grant);
    };
    let organization = match client::deployment_of(&audience) {
        None => None,
        Some(id) => {
            let deployment = write.deployments().get(id).await?;
            let Some(deployment) = deployment else {
                app.commit(write).await?;
                return Err(OAuthFailure::Grant);
            };
            write
                .sessions()
                .enter(session.id, deployment.organization)
                .await?;
            Some(deployment.organization)
        }
    };
    app.commit(write).await?;
    let grant = Grant {
        client,
        audience,
        nonce,
        session: &session,
        user: &user,
        organization,
    };
    let answer = issue(app, grant).map_err(ApiError::internal)?;
    Ok(Json(answer))
}
