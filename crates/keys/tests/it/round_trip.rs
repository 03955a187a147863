//! The happy path of everything, once.

use aeolus_keys::seal::{Keyring, Purpose, Sealer};
use aeolus_keys::{Alg, Kind, PublicKey, SigningKey, jws};
use aeolus_model::Time;
use aeolus_testkit::SeededRng;

#[test]
fn what_a_key_signs_its_public_half_verifies() {
    let rng = SeededRng::new("round trip");
    let key = SigningKey::generate(Alg::EdDsa, &rng).unwrap();
    let claims = serde_json::json!({"kind": "access", "exp": 5});
    let token = key.sign(Kind::Access, &claims).unwrap();
    let public = PublicKey::from_jwk_json(&key.public().to_jwk().to_json()).unwrap();
    let unverified = jws::parse(token.as_bytes()).unwrap();
    assert_eq!(unverified.kid(), public.kid());
    let verified = unverified.verify(Kind::Access, &public).unwrap();
    assert_eq!(verified.claims::<serde_json::Value>().unwrap(), claims);
}

#[test]
fn what_is_sealed_opens() {
    let rng = SeededRng::new("seal");
    let sealer = Sealer::new(&Keyring::generate(&rng), b"plane", Time::EPOCH);
    let text = sealer
        .seal(Purpose::Session, "a.example.com", b"hello", &rng)
        .unwrap();
    let opened = sealer
        .open(Purpose::Session, "a.example.com", text.as_bytes())
        .unwrap();
    assert_eq!(opened.expose(), b"hello");
}
