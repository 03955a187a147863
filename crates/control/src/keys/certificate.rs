//! The legacy key's certificate, by which others know the key: in its JSON Web Key (RFC 7517 §4.7), where it is
//! still when the private part is forgotten.

use std::time::Duration;

use aeolus_keys::Kind;
use aeolus_model::{Secret, Time};
use aeolus_pki::{Certificate, PrivateKey, signer_certificate};
use aeolus_store::SigningKey as Record;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::rotate::is_announced;
use super::{Keys, KeysError};

/// Whom every such certificate is about: it doesn't change with control's public URL, or whoever trusts the
/// certificate would have to be told.
const NAME: &str = "Aeolus legacy signing key";

/// A key whose certificate has less left doesn't take over: somebody has to have the time to give everybody another
/// one.
const LEAST: Duration = Duration::from_secs(12 * 3600);

/// Whether a certificate is good, and for long enough to begin with: for a day where it is taken, and for half of
/// that where its key takes over.
pub(super) fn lasts(certificate: &Certificate, now: Time, taken: bool) -> bool {
    let least = if taken { LEAST * 2 } else { LEAST };
    certificate.not_before <= now && certificate.not_after >= now.plus(least)
}

/// Whether the certificate that a record has, if it has any, is good for long enough for its key to take over.
pub(super) fn lets_take_over(record: &Record, now: Time) -> bool {
    let read = kept(&record.public_jwk).map(|text| {
        let der = STANDARD.decode(text).ok()?;
        Certificate::from_der(&der).ok()
    });
    match read {
        // Its key makes one, or needs none.
        None => true,
        Some(read) => read.is_some_and(|certificate| lasts(&certificate, now, false)),
    }
}

impl Keys {
    /// The certificates of the legacy key that signs and of the one that follows, in DER: others refuse what is
    /// signed once these have ended.
    pub(crate) fn legacy_certificates(&self) -> Vec<Vec<u8>> {
        if !self.legacy {
            return Vec::new();
        }
        let now = self.now.load();
        let next = now.records.iter().filter(|record| {
            Kind::parse(&record.kind) == Some(Kind::Legacy) && is_announced(record)
        });
        let next = next.filter_map(|record| kept(&record.public_jwk));
        let signs = now
            .certified()
            .map(|(_, certificate)| certificate.to_string());
        let all = signs.into_iter().chain(next);
        all.filter_map(|text| STANDARD.decode(text).ok()).collect()
    }
}

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
