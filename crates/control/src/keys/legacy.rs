//! The public half of the legacy key with its certificate, for those who believe what that signs: one key as
//! the original shows its own (row H5), and all that count as a set.
//!
//! It is not in the set for `id_token`s: whoever reads that must not believe this key.

use aeolus_keys::Kind;
use axum::extract::State;
use http::header::{CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};

use super::life::cached;
use super::{Keys, KeysError, certificate};
use crate::app::App;
use crate::error::ApiError;

type Shown = ([(HeaderName, String); 2], String);

/// `GET /v1/.well-known/jwks.json`: the key that signs, bare and not in a set.
pub(crate) async fn jwk(State(app): State<App>) -> Result<Shown, ApiError> {
    let jwk = app.keys.legacy_jwk().map_err(ApiError::internal)?;
    Ok(shown("application/json", jwk.ok_or(ApiError::NoEndpoint)?))
}

/// `GET /v2/.well-known/jwks.json`: the same as a set (RFC 7517 §5), with the key that signs next and those
/// whose signatures are still good. Who trusts all of them is ready for a rotation.
pub(crate) async fn set(State(app): State<App>) -> Result<Shown, ApiError> {
    let set = app.keys.legacy_set().map_err(ApiError::internal)?;
    let set = set.ok_or(ApiError::NoEndpoint)?.to_string();
    Ok(shown("application/jwk-set+json", set))
}

fn shown(media: &'static str, body: String) -> Shown {
    ([(CONTENT_TYPE, media.to_owned()), cached()], body)
}

impl Keys {
    fn legacy_jwk(&self) -> Result<Option<String>, KeysError> {
        let held = self.now.load().certified().filter(|_| self.legacy);
        let Some((key, certificate)) = held else {
            return Ok(None);
        };
        let jwk = key.public().to_jwk().to_json();
        certificate::with(&jwk, &certificate).map(Some)
    }

    fn legacy_set(&self) -> Result<Option<Value>, KeysError> {
        let Some(active) = self.legacy_jwk()? else {
            return Ok(None);
        };
        let now = self.now.load();
        let signs = now
            .certified()
            .map(|(key, _)| key.public().kid().to_string());
        let records = now.records.iter();
        let legacy = records.filter(|record| record.kind == Kind::Legacy.name());
        let mut keys = Vec::new();
        for record in legacy {
            // One that a version from before certificates were kept made has none but the one that is made of it.
            let jwk = match certificate::kept(&record.public_jwk) {
                None if signs.as_ref() == Some(&record.kid) => &active,
                _ => &record.public_jwk,
            };
            let jwk: Value = serde_json::from_str(jwk).map_err(|_| unreadable())?;
            keys.push(jwk);
        }
        Ok(Some(json!({"keys": keys})))
    }
}

fn unreadable() -> KeysError {
    KeysError::Certificate("its public part is no JSON".to_owned())
}
