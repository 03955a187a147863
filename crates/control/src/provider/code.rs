//! The authorization code grant: a code, once, for tokens (RFC 6749 §4.1.3).

use aeolus_api::oauth::TokenAnswer;
use aeolus_keys::digest;
use aeolus_model::{Action, Actor, AuditEvent, AuthorizationCode, CodeError, Outcome, SessionId};
use aeolus_store::{StoreError, Unit as _, Write};

use super::client::{self, Client};
use super::failure::OAuthFailure;
use super::issue::{Grant, issue};
use super::params::Params;
use super::{pkce, refresh};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::policy::Life;
use crate::signin::session;

/// Exchanges a code.
pub(super) async fn exchange(
    app: &App,
    info: &RequestInfo,
    client: Client,
    form: &Params,
) -> Result<TokenAnswer, OAuthFailure> {
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
            replayed(app, info, &mut write, session).await?;
        }
        // Committed although refused: a code that was tried is spent.
        app.commit(write).await?;
        return Err(OAuthFailure::Grant);
    }
    redeem(app, write, client, taken).await
}

/// Somebody used a code again: one of the two is a thief, so what it led to ends (RFC 9700 §2.1.1).
async fn replayed(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    session: SessionId,
) -> Result<(), StoreError> {
    session::end(app, write, session).await?;
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

async fn redeem(
    app: &App,
    mut write: Write,
    client: Client,
    taken: AuthorizationCode,
) -> Result<TokenAnswer, OAuthFailure> {
    let AuthorizationCode::Issued {
        audience,
        scope,
        nonce,
        session,
        ..
    } = taken
    else {
        return Err(OAuthFailure::Grant);
    };
    let Some((session, user)) = session::alive(app, &mut write, session).await? else {
        app.commit(write).await?;
        return Err(OAuthFailure::Grant);
    };
    let (organization, life) = match client::deployment_of(&audience) {
        None => (None, Life::here(app)),
        Some(id) => {
            let deployment = write.deployments().get(id).await?;
            let Some(deployment) = deployment else {
                app.commit(write).await?;
                return Err(OAuthFailure::Grant);
            };
            let place = (&session, deployment.organization);
            let Ok(life) = session::enter(app, &mut write, place).await? else {
                app.commit(write).await?;
                return Err(OAuthFailure::Grant);
            };
            (Some(deployment.organization), life)
        }
    };
    let terms = (client, audience.as_str(), scope.as_str());
    let refresh = refresh::begin(app, &mut write, &session, terms).await?;
    app.commit(write).await?;
    let grant = Grant {
        client,
        audience,
        scope,
        nonce,
        session: &session,
        user: &user,
        organization,
        life,
        refresh,
    };
    let answer = issue(app, grant).await;
    Ok(answer.map_err(ApiError::internal)?)
}
