//! Client credentials at the token endpoint (RFC 6749 §4.4), as Entra's gallery wants them: a token for SCIM of one
//! connection, and no other.

use std::time::Duration;

use aeolus_api::oauth::{GRANT_CLIENT_CREDENTIALS, TokenAnswer};
use aeolus_api::scim::SCOPE_SCIM;
use aeolus_model::Secret;
use aeolus_store::{ScimCredentialKind, Unit as _};
use axum::Json;
use axum::extract::{Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{access, secret};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::minute;
use crate::provider::params::Params;
use crate::provider::{OAuthFailure, read_form};

/// The token endpoint where there is nothing but SCIM.
pub(crate) async fn token(
    State(app): State<App>,
    info: RequestInfo,
    request: Request,
) -> Result<Json<TokenAnswer>, OAuthFailure> {
    let headers = request.headers().clone();
    let form = read_form(request).await?;
    match form.get("grant_type") {
        Some(GRANT_CLIENT_CREDENTIALS) => grant(&app, &info, (&headers, &form)).await.map(Json),
        Some(_) => Err(OAuthFailure::GrantType),
        None => Err(OAuthFailure::Request("there is no grant_type")),
    }
}

/// An access token for a client that proves itself by its secret, in the header (`client_secret_basic`) or in the
/// form (`client_secret_post`), and not in both.
pub(crate) async fn grant(
    app: &App,
    info: &RequestInfo,
    (headers, form): (&HeaderMap, &Params),
) -> Result<TokenAnswer, OAuthFailure> {
    let scope = form.get("scope").unwrap_or(SCOPE_SCIM);
    if scope != SCOPE_SCIM {
        return Err(OAuthFailure::Scope);
    }
    let (id, shown) = client(headers, form)?;
    let now = app.clock.now();
    let digest = secret::of_pair(&id, shown.expose());
    let mut view = app.store.read().await?;
    let found = view.scim_credentials().by_digest(&digest, now).await?;
    let found = found.filter(|found| found.kind == ScimCredentialKind::Client);
    let Some(found) = found else {
        if app.scim.floods.failed(&info.counted_as(), now) {
            return Err(OAuthFailure::Pace(minute::left(now)));
        }
        return Err(OAuthFailure::Client);
    };
    drop(view);
    app.scim.uses.seen(found.id, now);
    let end = now.plus(Duration::from_secs(access::LIFE));
    let token = access::make(&app.scim.key, (found.id, &digest), end);
    Ok(TokenAnswer {
        access_token: token.expose().clone(),
        issued_token_type: None,
        token_type: "Bearer".to_owned(),
        expires_in: access::LIFE,
        scope: SCOPE_SCIM.to_owned(),
        id_token: None,
        refresh_token: None,
        aeolus: None,
    })
}

/// Who the client says it is, and by what it proves that.
fn client(headers: &HeaderMap, form: &Params) -> Result<(String, Secret<String>), OAuthFailure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let in_form = (form.get("client_id"), form.get("client_secret"));
    match (values.next(), values.next(), in_form) {
        (None, _, (Some(id), Some(secret))) => Ok((id.to_owned(), Secret::new(secret.to_owned()))),
        // The id may be in the form beside it, if it is the same.
        (Some(value), None, (named, None)) => {
            let (id, secret) = basic(value.as_bytes()).ok_or(OAuthFailure::Client)?;
            if named.is_some_and(|named| named != id) {
                return Err(OAuthFailure::Client);
            }
            Ok((id, secret))
        }
        (Some(_), _, _) => Err(OAuthFailure::Request(
            "show the client's secret in one way only",
        )),
        _ => Err(OAuthFailure::Client),
    }
}

/// RFC 6749 §2.3.1: both are form-encoded before they are joined.
fn basic(value: &[u8]) -> Option<(String, Secret<String>)> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim_ascii()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let text = percent_encoding::percent_decode_str(&text).decode_utf8();
        text.ok().map(std::borrow::Cow::into_owned)
    };
    Some((decoded(id)?, Secret::new(decoded(secret)?)))
}
