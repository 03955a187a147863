//! `GET /v1/.well-known/jwks.json`: the public half of the legacy key as the original shows its own
//! (row H5): one bare JWK with a certificate, not a set.

use std::time::Duration;

use aeolus_keys::{KeyError, Kind};
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};

use super::Keys;
use crate::app::App;
use crate::error::ApiError;

/// Ten years, as the original's. Nobody asks: the key counts for as long as it is shown.
const LIFE: Duration = Duration::from_secs(3650 * 86_400);

/// The key, where control answers proxies as the original did.
pub(crate) async fn jwk(
    State(app): State<App>,
) -> Result<([(HeaderName, &'static str); 2], String), ApiError> {
    let name = url::Url::parse(&app.issuer).ok();
    let name = name.as_ref().and_then(url::Url::host_str);
    let jwk = app.keys.legacy_jwk(name.unwrap_or("aeolus"));
    let jwk = jwk.map_err(ApiError::internal)?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    Ok((headers, jwk.ok_or(ApiError::NoEndpoint)?.to_string()))
}

impl Keys {
    fn legacy_jwk(&self, name: &str) -> Result<Option<Value>, KeyError> {
        let held = self.now.load().held(Kind::Legacy);
        let Some((key, made)) = held.filter(|_| self.legacy) else {
            return Ok(None);
        };
        let certificate = key.self_signed(name, (made, made.plus(LIFE)))?;
        let jwk = serde_json::from_str(&key.public().to_jwk().to_json());
        let mut jwk: Value = jwk.map_err(|_| KeyError::Refused)?;
        if let Some(members) = jwk.as_object_mut() {
            members.insert("x5c".to_owned(), json!([STANDARD.encode(certificate)]));
        }
        Ok(Some(jwk))
    }
}
