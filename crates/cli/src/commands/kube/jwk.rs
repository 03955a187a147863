//! One bare JSON Web Key with its certificate, as the original's control shows its signing key (rows H5 and K11).

use aeolus_pki::{Certificate, PublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// What is wrong with an answer that should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JwkError {
    /// The standard's form, of several keys.
    #[error("it is a set of keys; the one that signs is at /v1/.well-known/jwks.json")]
    Set,
    /// Not RSA, or not a key.
    #[error("it is no RSA key (kty, n, e)")]
    NotRsa,
    /// There is no certificate.
    #[error("it has no certificate (x5c)")]
    NoCertificate,
    /// The certificate is none.
    #[error("its certificate (x5c) can't be read")]
    Unreadable,
    /// RFC 7517 §4.7: the first certificate has the key.
    #[error("its certificate (x5c) is another key's")]
    OtherKey,
    /// Somebody shows a private key to everybody.
    #[error(
        "it has the private key: whoever reads that address can sign in everybody's name, so the key has to be replaced"
    )]
    Private,
}

/// The certificate of a key.
pub(super) fn certificate(jwk: &Value) -> Result<Certificate, JwkError> {
    if jwk.get("keys").is_some() {
        return Err(JwkError::Set);
    }
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let number = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let (Some("RSA"), Some(n), Some(e)) = (text("kty"), number("n"), number("e")) else {
        return Err(JwkError::NotRsa);
    };
    if jwk.get("d").is_some() || jwk.get("p").is_some() {
        return Err(JwkError::Private);
    }
    let first = jwk.get("x5c").and_then(|chain| chain.get(0));
    let first = first
        .and_then(Value::as_str)
        .ok_or(JwkError::NoCertificate)?;
    let der = STANDARD.decode(first).map_err(|_| JwkError::Unreadable)?;
    let read = Certificate::from_der(&der).map_err(|_| JwkError::Unreadable)?;
    if is_of(&read.key, (&n, &e)) {
        Ok(read)
    } else {
        Err(JwkError::OtherKey)
    }
}

fn is_of(key: &PublicKey, (n, e): (&[u8], &[u8])) -> bool {
    key.rsa().is_some_and(|(modulus, exponent)| {
        significant(&modulus) == significant(n) && significant(&exponent) == significant(e)
    })
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aeolus_model::Time;
    use aeolus_pki::{KeyKind, PrivateKey, signer_certificate};
    use serde_json::json;

    fn shown() -> (Value, Certificate) {
        let key = PrivateKey::generate(KeyKind::Rsa2048).unwrap();
        let made = signer_certificate("houston", &key, Time::from_secs(1_800_000_000)).unwrap();
        let (n, e) = made.key.rsa().unwrap();
        let encoded = |number: &[u8]| URL_SAFE_NO_PAD.encode(significant(number));
        let jwk = json!({"kty": "RSA", "use": "sig", "n": encoded(&n), "e": encoded(&e),
            "x5c": [STANDARD.encode(made.der())]});
        (jwk, made)
    }

    #[test]
    fn h5_the_first_certificate_of_a_bare_key_is_taken() {
        let (jwk, made) = shown();
        assert_eq!(certificate(&jwk), Ok(made));
    }

    #[test]
    fn what_is_no_bare_key_with_its_certificate_is_refused() {
        let (jwk, _) = shown();
        let (other, _) = shown();
        let with = |name: &str, value: Value| {
            let mut jwk = jwk.clone();
            jwk[name] = value;
            certificate(&jwk).unwrap_err()
        };
        assert_eq!(with("keys", json!([])), JwkError::Set);
        assert_eq!(with("kty", json!("EC")), JwkError::NotRsa);
        assert_eq!(with("n", json!("!")), JwkError::NotRsa);
        assert_eq!(with("d", json!("AQ")), JwkError::Private);
        assert_eq!(with("x5c", json!([])), JwkError::NoCertificate);
        assert_eq!(with("x5c", json!(["AAAA"])), JwkError::Unreadable);
        assert_eq!(with("x5c", other["x5c"].clone()), JwkError::OtherKey);
        for senseless in [json!(null), json!([]), json!("x"), json!({"x5c": 1})] {
            assert_eq!(certificate(&senseless), Err(JwkError::NotRsa));
        }
    }
}
