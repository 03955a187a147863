//! The refresh token grant (RFC 6749 §6), each value good once (RFC 9700 §4.14.2).
//!
//! Only digests are kept. The value that follows another is computed from it under a key of this control
//! plane, so that a lost answer can be given again although nobody remembers it.

use aeolus_api::oauth::{REFRESH_TOKEN_PREFIX, TokenAnswer};
use aeolus_keys::digest;
use aeolus_model::{
    Action, Actor, AuditEvent, FamilyStage, Outcome, RefreshError, RefreshFamily, RefreshFamilyId,
    RefreshToken, Rotation, Secret, Session,
};
use aeolus_store::{Digest, StoreError, Unit as _, Write};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::client::Client;
use super::failure::OAuthFailure;
use super::issue::reissue;
use super::params::Params;
use super::{pace, scope};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;
use crate::signin::session;

const LABEL: &[u8] = b"refresh token";

/// The key under which values follow one another, from the master key.
pub(crate) fn key_from(master: &Secret<[u8; 32]>) -> Secret<[u8; 32]> {
    Secret::new(digest::hmac(master.expose(), &[LABEL, b"key"]))
}

/// Begins a family on a session, for a client, an audience and a scope, if that asks for access while the
/// person is away (OpenID Connect Core §11). Returns its first value.
pub(super) async fn begin(
    app: &App,
    write: &mut Write,
    session: &Session,
    (client, audience, scope): (Client, &str, &str),
) -> Result<Option<Secret<String>>, StoreError> {
    if !scope::has(scope, scope::OFFLINE_ACCESS) {
        return Ok(None);
    }
    let random = digest::random_token(&*app.rng, 32);
    let first = Secret::new(format!("{REFRESH_TOKEN_PREFIX}{}", random.expose()));
    let family = RefreshFamily {
        id: RefreshFamilyId::new(&*app.clock, &*app.rng),
        session: session.id,
        client_id: client.id(),
        audience: audience.to_owned(),
        scope: scope.to_owned(),
        began_at: app.clock.now(),
        stage: FamilyStage::Alive,
    };
    let digest = digest_of(first.expose());
    write.refresh_tokens().begin(&family, &digest).await?;
    Ok(Some(first))
}

/// Exchanges a refresh token for an access token and the refresh token that follows.
pub(super) async fn refresh(
    app: &App,
    info: &RequestInfo,
    client: Client,
    form: &Params,
) -> Result<TokenAnswer, OAuthFailure> {
    let presented = form.get("refresh_token");
    let presented = presented.ok_or(OAuthFailure::Request("there is no refresh_token"))?;
    let now = app.clock.now();
    let mut view = app.store.read().await?;
    if find(&mut view, presented).await?.is_none() {
        // Strangers make nobody wait who has something to write.
        return Err(OAuthFailure::Refresh);
    }
    drop(view);
    let mut write = app.store.write().await?;
    let digest = digest_of(presented);
    let member = write.refresh_tokens().spend(&digest, now).await?;
    let member = member.ok_or(OAuthFailure::Refresh)?;
    let family = member.family();
    // A refusal drops the unit of work: whoever may not use a value doesn't spend it either.
    let rotation = match member.rotate(&client.id(), form.get("scope"), now) {
        Ok(rotation) => rotation,
        Err(RefreshError::Scope) => return Err(OAuthFailure::Scope),
        Err(RefreshError::Client | RefreshError::Ended) => return Err(OAuthFailure::Refresh),
        Err(RefreshError::Replayed) => {
            replayed(app, info, &mut write, family).await?;
            app.commit(write).await?;
            return Err(OAuthFailure::Refresh);
        }
    };
    // Not before: who has spent the minute's share must not keep a replay from being seen.
    pace::count(&mut write, &family.id.to_string(), now).await?;
    let alive = session::alive(app, &mut write, family.session).await?;
    let (session, user) = alive.ok_or(OAuthFailure::Refresh)?;
    let next = following(&app.refresh_key, presented);
    if rotation == Rotation::Next {
        let digest = digest_of(next.expose());
        write.refresh_tokens().follow(&member, &digest).await?;
        let event = info.event(app, Actor::User(session.user), Action::SessionRenew);
        write.audit(AuditEvent {
            target: session.id.to_string(),
            ..event
        });
    }
    // Also where the same answer is given again: it counts.
    app.commit(write).await?;
    let scope = form.get("scope").unwrap_or(&family.scope);
    let terms = (family.audience.as_str(), scope);
    let answer = reissue(app, (&session, &user), client, terms, next).await;
    Ok(answer.map_err(ApiError::internal)?)
}

/// The member of a family that a text is, spent or not.
pub(super) async fn find(
    unit: &mut impl aeolus_store::Unit,
    text: &str,
) -> Result<Option<RefreshToken>, StoreError> {
    unit.refresh_tokens().get(&digest_of(text)).await
}

/// Ends a family and the session it hangs on. Returns that session if it was not over yet.
pub(super) async fn end(
    app: &App,
    write: &mut Write,
    family: &RefreshFamily,
) -> Result<Option<Session>, StoreError> {
    let now = app.clock.now();
    write.refresh_tokens().end(family.id, now).await?;
    let session = write.sessions().get(family.session).await?;
    let ended = session::end(app, write, family.session).await?;
    Ok(session.filter(|_| ended))
}

/// Somebody used a value again: one of the two is a thief, and nobody can say which.
async fn replayed(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    family: &RefreshFamily,
) -> Result<(), StoreError> {
    end(app, write, family).await?;
    let session = family.session;
    let event = info.event(app, Actor::Anonymous, Action::RefreshReplay);
    write.audit(AuditEvent {
        target: session.to_string(),
        outcome: Outcome::Denied,
        reason: "refresh_replay".to_owned(),
        ..event
    });
    tracing::warn!(%session, "a refresh token was used twice: its session is ended");
    Ok(())
}

fn digest_of(value: &str) -> Digest {
    digest::sha256(value.as_bytes())
}

/// The value that follows another: always the same one, and only this control plane can tell which.
fn following(key: &Secret<[u8; 32]>, value: &str) -> Secret<String> {
    let code = digest::hmac(key.expose(), &[LABEL, value.as_bytes()]);
    let code = URL_SAFE_NO_PAD.encode(code);
    Secret::new(format!("{REFRESH_TOKEN_PREFIX}{code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_followed_by_one_that_only_the_key_tells() {
        let key = key_from(&Secret::new([1; 32]));
        let next = following(&key, "xar_a");
        assert_eq!(next.expose(), following(&key, "xar_a").expose());
        assert_ne!(next.expose(), following(&key, "xar_b").expose());
        let other = key_from(&Secret::new([2; 32]));
        assert_ne!(next.expose(), following(&other, "xar_a").expose());
        assert_eq!(next.expose().len(), 47);
        assert!(next.expose().starts_with("xar_"));
    }
}
