//! Whether a certificate and its key are worth spreading. The API server takes any bytes.

use aeolus_model::{Secret, Time};
use aeolus_pki::{Certificate, read};

use crate::object::Data;

/// A pair that is good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// SHA-256 of the certificate, in hexadecimal.
    pub fingerprint: String,
    /// Until when it is good.
    pub not_after: Time,
}

/// What is wrong with a pair.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// `tls.crt` isn't one.
    #[error("tls.crt can't be read: {0}")]
    Certificate(String),
    /// `tls.key` isn't one.
    #[error("tls.key can't be read: {0}")]
    Key(String),
    /// They don't belong together.
    #[error("tls.key is not the key of the first certificate in tls.crt")]
    Mismatch,
    /// Too late.
    #[error("the certificate expired at {}", aeolus_model::rfc3339(.0.secs()))]
    Expired(Time),
    /// Too early.
    #[error("the certificate is not valid before {}", aeolus_model::rfc3339(.0.secs()))]
    NotYet(Time),
}

/// Judges `tls.crt` and `tls.key`.
pub(super) fn judge(data: &Data, now: Time) -> Result<Pair, TlsProblem> {
    let leaf = certificate(data)?;
    let key = part(data, "tls.key").map_err(TlsProblem::Key)?;
    let key = read(key.expose(), None).map_err(|error| TlsProblem::Key(error.to_string()))?;
    let key = key.keys.first();
    let key = key.ok_or_else(|| TlsProblem::Key("there is no private key in it".to_owned()))?;
    if *key.public() != leaf.key {
        return Err(TlsProblem::Mismatch);
    }
    if now > leaf.not_after {
        return Err(TlsProblem::Expired(leaf.not_after));
    }
    if now < leaf.not_before {
        return Err(TlsProblem::NotYet(leaf.not_before));
    }
    Ok(Pair {
        fingerprint: leaf.fingerprint().to_string(),
        not_after: leaf.not_after,
    })
}

/// The fingerprint of the certificate in `tls.crt`, good or not.
pub(super) fn fingerprint(data: &Data) -> Option<String> {
    let leaf = certificate(data).ok()?;
    Some(leaf.fingerprint().to_string())
}

/// Which value has a private key in it, if any has.
pub(super) fn private_key(data: &Data) -> Option<&str> {
    const LABEL: &[u8] = b"PRIVATE KEY-----";
    let has = |value: &Secret<Vec<u8>>| {
        value
            .expose()
            .windows(LABEL.len())
            .any(|part| part == LABEL)
    };
    let mut keys = data
        .iter()
        .filter(|(key, value)| *key == "tls.key" || has(value));
    keys.next().map(|(key, _)| key.as_str())
}

fn certificate(data: &Data) -> Result<Certificate, TlsProblem> {
    let bytes = part(data, "tls.crt").map_err(TlsProblem::Certificate)?;
    let found = read(bytes.expose(), None);
    let found = found.map_err(|error| TlsProblem::Certificate(error.to_string()))?;
    let first = found.certificates.into_iter().next();
    first.ok_or_else(|| TlsProblem::Certificate("there is no certificate in it".to_owned()))
}

fn part<'a>(data: &'a Data, key: &str) -> Result<&'a Secret<Vec<u8>>, String> {
    data.get(key).ok_or_else(|| "it is absent".to_owned())
}
