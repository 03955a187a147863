//! `POST /oauth2/revoke` (RFC 7009): ends the session behind an access token, everywhere.

use aeolus_keys::claims::Access;
use aeolus_keys::{Kind, jws};
use aeolus_model::{Action, Actor, AuditEvent};
use axum::extract::{Request, State};
use http::StatusCode;

use super::failure::OAuthFailure;
use super::token::{authenticate, read_form};
use crate::app::App;
use crate::ctx::RequestInfo;

/// Revokes. A token that isn't ours, or another client's, changes nothing; the answer is the same
/// (O19).
pub(crate) async fn revoke(
    State(app): State<App>,
    info: RequestInfo,
    request: Request,
) -> Result<StatusCode, OAuthFailure> {
    let form = read_form(request).await?;
    let client = authenticate(&app, &form).await?;
    let token = form
        .get("token")
        .ok_or(OAuthFailure::Request("there is no token"))?;
    let claims = jws::parse(token.as_bytes())
        .and_then(|token| app.keys.ring().verify(Kind::Access, token))
        .and_then(|token| token.claims::<Access>());
    // An expired token's session may well be alive: its end is not asked for here.
    let Some(claims) = claims.ok().filter(|claims| claims.client_id == client.id()) else {
        return Ok(StatusCode::OK);
    };
    let mut write = app.store.write().await?;
    if crate::signin::session::end(&app, &mut write, claims.sid).await? {
        let event = info.event(&app, Actor::User(claims.sub), Action::SignOut);
        write.audit(AuditEvent {
            target: claims.sid.to_string(),
            ..event
        });
    }
    app.commit(write).await?;
    Ok(StatusCode::OK)
}
