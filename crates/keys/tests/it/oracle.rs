//! Another implementation verifies ours, and ours verifies it.

use aeolus_keys::{Kind, PublicKey, SigningKey, jws};
use base64::Engine as _;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::Value;

use crate::support::{P256, claims, derived, ed25519, rsa};

fn pem(key: &SigningKey) -> String {
    let der = key.to_pkcs8().unwrap();
    let body = base64::engine::general_purpose::STANDARD.encode(der.expose());
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

fn theirs(key: &PublicKey) -> DecodingKey {
    let jwk = serde_json::from_str(&key.to_jwk().to_json()).unwrap();
    DecodingKey::from_jwk(&jwk).unwrap()
}

fn validation(alg: Algorithm) -> Validation {
    let mut validation = Validation::new(alg);
    // The claims' fixed times are no subject here.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn they_verify(key: &SigningKey, kind: Kind, alg: Algorithm) {
    let token = key.sign(kind, &claims(kind)).unwrap();
    let data = decode::<Value>(&token, &theirs(key.public()), &validation(alg)).unwrap();
    assert_eq!(data.claims, claims(kind));
    assert_eq!(data.header.kid, Some(key.public().kid().to_string()));
    assert_eq!(data.header.typ.as_deref(), Some(kind.typ()));
    let broken = token.replacen('.', ".e", 1);
    assert!(decode::<Value>(&broken, &theirs(key.public()), &validation(alg)).is_err());
}

fn we_verify(key: &SigningKey, kind: Kind, alg: Algorithm, encoding: &EncodingKey) {
    let mut header = Header::new(alg);
    header.typ = Some(kind.typ().to_owned());
    header.kid = Some(key.public().kid().to_string());
    let token = encode(&header, &claims(kind), encoding).unwrap();
    let verified = jws::parse(token.as_bytes())
        .unwrap()
        .verify(kind, key.public())
        .unwrap();
    assert_eq!(verified.claims::<Value>().unwrap(), claims(kind));
}

#[test]
fn eddsa_both_ways() {
    let key = ed25519("oracle");
    they_verify(&key, Kind::Access, Algorithm::EdDSA);
    let encoding = EncodingKey::from_ed_pem(pem(&key).as_bytes()).unwrap();
    we_verify(&key, Kind::Access, Algorithm::EdDSA, &encoding);
}

#[test]
fn rs256_both_ways() {
    they_verify(rsa(0), Kind::Id, Algorithm::RS256);
    let encoding = EncodingKey::from_rsa_pem(pem(rsa(0)).as_bytes()).unwrap();
    we_verify(rsa(0), Kind::Id, Algorithm::RS256, &encoding);
}

#[test]
fn es256_both_ways() {
    they_verify(&derived("oracle"), Kind::ClientAssertion, Algorithm::ES256);
    let key = P256::generate();
    let token = key.token(r#"{"alg":"ES256"}"#, r#"{"a":1}"#);
    let mut any = validation(Algorithm::ES256);
    any.required_spec_claims.clear();
    assert!(decode::<Value>(&token, &theirs(&key.public()), &any).is_ok());

    let encoding = EncodingKey::from_ec_der(&key.pkcs8());
    let token = encode(&Header::new(Algorithm::ES256), &claims(Kind::Id), &encoding).unwrap();
    let token = jws::parse_foreign(token.as_bytes()).unwrap();
    let verified = token.verify(&key.public()).unwrap();
    assert_eq!(verified.claims::<Value>().unwrap(), claims(Kind::Id));
}
