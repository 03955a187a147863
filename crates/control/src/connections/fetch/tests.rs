use aeolus_keys::{Alg, SigningKey};
use aeolus_testkit::SeededRng;
use serde_json::{Value, json};

use super::*;

const URL: &str = "https://acme.auth0.test/.well-known/openid-configuration";

fn read(issuer: &Value) -> Result<Document, FetchError> {
    let text = json!({"issuer": issuer, "jwks_uri": "https://acme.auth0.test/jwks.json"});
    document(text.to_string().as_bytes(), URL)
}

#[test]
fn t29_a_document_of_another_issuer_is_refused() {
    // Auth0 ends its issuer with a slash, and it stays as it is.
    let kept = read(&json!("https://acme.auth0.test/")).ok().unwrap();
    assert_eq!(kept.issuer, "https://acme.auth0.test/");
    assert!(read(&json!("https://acme.auth0.test")).is_ok());
    for other in [
        "https://evil.test",
        "https://acme.auth0.test//",
        "https://ACME.auth0.test",
        "https://acme.auth0.test/x",
        "http://acme.auth0.test",
    ] {
        let refused = read(&json!(other));
        assert!(matches!(refused, Err(FetchError::Issuer(_))), "{other}");
    }
    assert!(matches!(read(&json!(7)), Err(FetchError::Document)));
    assert!(matches!(document(b"{}", URL), Err(FetchError::Document)));
}

fn jwk() -> Value {
    let key = SigningKey::generate(Alg::EdDsa, &SeededRng::new("idp")).unwrap();
    serde_json::from_str(&key.public().to_jwk().to_json()).unwrap()
}

#[test]
fn t22_t23_usable_keys_are_taken_unless_the_set_contradicts_itself() {
    let read = |set: Value| keys(set.to_string().as_bytes());
    let good = jwk();
    let found = read(json!({"keys": [good]})).unwrap();
    assert_eq!((found.usable.len(), found.left_out), (1, 0));
    let mut named = good.clone();
    named["kid"] = json!("any text");
    let mut encrypts = jwk();
    encrypts["use"] = json!("enc");
    encrypts["kid"] = json!("enc");
    let mut other = jwk();
    other["alg"] = json!("ES512");
    other["kid"] = json!("other");
    let found = read(json!({"keys": [named, encrypts, other]})).unwrap();
    assert_eq!((found.usable.len(), found.left_out), (1, 2));
    assert_eq!(found.usable[0].kid.as_deref(), Some("any text"));
    let mut private = good.clone();
    private["d"] = json!("AAAA");
    private["kid"] = json!("p");
    let symmetric = json!({"kty": "oct", "k": "AAAA", "kid": "s"});
    for bad in [
        json!({"keys": [good, good]}),
        json!({"keys": [good, private]}),
        json!({"keys": [good, symmetric]}),
        json!({"keys": vec![json!({"kty": "x"}); 65]}),
        json!({"keys": "x"}),
        json!([]),
    ] {
        let error = read(bad.clone()).unwrap_err();
        assert_ne!(error, KeyError::NoneUsable, "{bad}");
    }
    assert_eq!(keys(&vec![b' '; 300_000]), Err(KeyError::TooLarge));
    let weak = json!({"kty": "RSA", "e": "AQAB", "n": "AQAB", "kid": "w"});
    for none in [json!({"keys": []}), json!({"keys": [weak]})] {
        assert_eq!(read(none), Err(KeyError::NoneUsable));
    }
}
