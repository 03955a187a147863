//! The legacy key's certificate, by which others know the key: in its JSON Web Key (RFC 7517 §4.7), where it is
//! still when the private part is forgotten.

use aeolus_model::Secret;
use aeolus_pki::{PrivateKey, signer_certificate};
use aeolus_store::SigningKey as Record;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::KeysError;

/// Whom every such certificate is about: it doesn't change with control's public URL, or whoever trusts the
/// certificate would have to be told.
const NAME: &str = "Aeolus legacy signing key";

/// A key's certificate in base64: the one that its record has, or one that every replica makes alike, of a key
/// that a version from before there were any has made since the last start of one that keeps them.
pub(super) fn of(record: &Record, private: &Secret<Vec<u8>>) -> Result<String, KeysError> {
    if let Some(kept) = kept(&record.public_jwk) {
        return Ok(kept);
    }
    let key = PrivateKey::from_kept(private);
    let key = key.map_err(|error| KeysError::Certificate(error.to_string()))?;
    let made = signer_certificate(NAME, &key, record.created_at);
    let made = made.map_err(|error| KeysError::Certificate(error.to_string()))?;
    Ok(STANDARD.encode(made.der()))
}

/// The certificate that a JSON Web Key has.
pub(super) fn kept(jwk: &str) -> Option<String> {
    let jwk: Value = serde_json::from_str(jwk).ok()?;
    jwk.get("x5c")?.get(0)?.as_str().map(str::to_owned)
}

/// A JSON Web Key with a certificate.
pub(super) fn with(jwk: &str, certificate: &str) -> Result<String, KeysError> {
    let read = serde_json::from_str(jwk).ok();
    let read = read.and_then(|mut jwk: Value| {
        let members = jwk.as_object_mut()?;
        members.insert("x5c".to_owned(), json!([certificate]));
        Some(jwk.to_string())
    });
    read.ok_or_else(|| KeysError::Certificate("its public part is no JSON".to_owned()))
}
