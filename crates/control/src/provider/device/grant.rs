//! The device code grant (RFC 8628 §3.4): a code that somebody agreed to, once, for tokens.

use aeolus_api::oauth::TokenAnswer;
use aeolus_keys::digest;
use aeolus_model::{Action, Actor, AuditEvent, Change, DeviceCode, DeviceError, SessionId};
use aeolus_store::{Unit as _, Write};

use super::super::client::Client;
use super::super::failure::OAuthFailure;
use super::super::issue::{Grant, issue};
use super::super::params::Params;
use super::super::refresh;
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::policy::{self, Life};
use crate::signin::session;

/// Answers a machine that asks whether it is signed in.
pub(crate) async fn redeem(
    app: &App,
    info: &RequestInfo,
    client: Client,
    form: &Params,
) -> Result<TokenAnswer, OAuthFailure> {
    if !app.device_flow {
        return Err(OAuthFailure::GrantType);
    }
    let presented = form.get("device_code");
    let presented = presented.ok_or(OAuthFailure::Request("there is no device_code"))?;
    let digest = digest::sha256(presented.as_bytes());
    let now = app.clock.now();
    let unknown = OAuthFailure::Device(DeviceError::Client);
    let mut view = app.store.read().await?;
    if view.device_codes().get(&digest).await?.is_none() {
        // Strangers make nobody wait who has something to write.
        return Err(unknown);
    }
    drop(view);
    let mut write = app.store.write().await?;
    let code = write.device_codes().get(&digest).await?.ok_or(unknown)?;
    match code.poll(&client.id(), now) {
        Ok(session) => {
            if !write.device_codes().take(&digest, now).await? {
                return Err(OAuthFailure::Device(DeviceError::Used));
            }
            tokens(app, info, write, (client, code, session)).await
        }
        Err(error) => {
            let pace = match error {
                DeviceError::Pending => Some(code.pace),
                DeviceError::TooFast(pace) => Some(pace),
                _ => None,
            };
            if let Some(pace) = pace {
                write.device_codes().polled(&digest, now, pace).await?;
                app.commit(write).await?;
            }
            Err(OAuthFailure::Device(error))
        }
    }
}

/// Tokens on the session of whoever agreed. Committed although refused: a code that was tried is spent.
async fn tokens(
    app: &App,
    info: &RequestInfo,
    mut write: Write,
    (client, code, session): (Client, DeviceCode, SessionId),
) -> Result<TokenAnswer, OAuthFailure> {
    let Some((session, user)) = session::alive(app, &mut write, session).await? else {
        app.commit(write).await?;
        return Err(OAuthFailure::Device(DeviceError::Used));
    };
    let forbids = policy::forbids_devices(app, &mut write, user.id).await;
    if forbids.map_err(ApiError::internal)?.is_some() {
        app.commit(write).await?;
        return Err(OAuthFailure::Device(DeviceError::Denied));
    }
    let audience = app.issuer.clone();
    let terms = (client, audience.as_str(), code.scope.as_str());
    let refresh = refresh::begin(app, &mut write, &session, terms).await?;
    // Whoever agreed saw from where it was asked; the tokens may have gone elsewhere.
    write.audit(AuditEvent {
        target: session.id.to_string(),
        changes: vec![Change::to("askedFrom", code.source)],
        ..info.event(app, Actor::User(user.id), Action::DeviceRedeem)
    });
    app.commit(write).await?;
    let grant = Grant {
        client,
        audience,
        scope: code.scope,
        nonce: None,
        session: &session,
        user: &user,
        organization: None,
        life: Life::here(app),
        refresh,
    };
    let answer = issue(app, grant).await;
    Ok(answer.map_err(ApiError::internal)?)
}
