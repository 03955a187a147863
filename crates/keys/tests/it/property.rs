//! Properties over arbitrary bytes.

use aeolus_keys::seal::{Keyring, Purpose, Sealer};
use aeolus_keys::{Jwk, JwkSet, Kind, PublicKey, jws};
use aeolus_model::Time;
use aeolus_testkit::SeededRng;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{b64, ed25519, forge, header};

fn sealer(plane: &[u8]) -> Sealer {
    Sealer::new(
        &Keyring::generate(&SeededRng::new("property")),
        plane,
        Time::EPOCH,
    )
}

/// JSON that is not deeper or wider than the caps.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn parsers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = jws::parse(&bytes).is_ok();
        let _ = jws::parse_foreign(&bytes).is_ok();
        let _ = jws::parse_document(&bytes).is_ok();
        let _ = Jwk::parse(&bytes).is_ok();
        let _ = JwkSet::parse(&bytes).is_ok();
        let _ = Keyring::from_json(&bytes).is_ok();
        prop_assert!(sealer(b"p").open(Purpose::Session, "h", &bytes).is_none());
    }

    #[test]
    fn parsers_never_panic_on_what_looks_like_a_token(
        head in ".{0,60}", claims in any_json(), signature in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let key = ed25519("property");
        for head in [head, header(&key, Kind::Airflow3)] {
            let token = format!("{}.{}.{}", b64(head), b64(claims.to_string()), b64(&signature));
            if let Ok(token) = jws::parse(token.as_bytes()) {
                prop_assert!(token.verify(Kind::Airflow3, key.public()).is_err());
            }
            if let Ok(token) = jws::parse_foreign(token.as_bytes()) {
                prop_assert!(token.verify(key.public()).is_err());
            }
        }
    }

    #[test]
    fn keys_from_any_members_never_panic(x in prop::collection::vec(any::<u8>(), 0..80), kty in 0..3) {
        let jwk = match kty {
            0 => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&x)}),
            1 => json!({"kty": "EC", "crv": "P-256", "x": b64(&x), "y": b64(&x)}),
            _ => json!({"kty": "RSA", "n": b64(&x), "e": "AQAB"}),
        };
        if let Ok(key) = PublicKey::from_jwk_json(&jwk.to_string()) {
            prop_assert!(key.verify(b"m", &x).is_err());
        }
    }

    #[test]
    fn what_is_signed_verifies(claims in prop::collection::btree_map("[a-z]{1,8}", any_json(), 0..8)) {
        let key = ed25519("property");
        let claims = json!(claims);
        let token = key.sign(Kind::Airflow3, &claims).unwrap();
        prop_assume!(token.len() <= jws::MAX_TOKEN);
        let verified = jws::parse(token.as_bytes()).unwrap().verify(Kind::Airflow3, key.public());
        prop_assert_eq!(verified.unwrap().claims::<Value>().unwrap(), claims);
    }

    #[test]
    fn any_changed_byte_is_refused(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let key = ed25519("property");
        let claims = json!({"kind": "access", "exp": 1});
        let mut token = key.sign(Kind::Access, &claims).unwrap().into_bytes();
        let at = at.index(token.len());
        prop_assume!(token[at] != with);
        token[at] = with;
        let verified = jws::parse(&token).and_then(|token| token.verify(Kind::Access, key.public()));
        prop_assert!(verified.is_err());
    }

    #[test]
    fn a_member_repeated_anywhere_is_refused(claims in any_json(), name in "[a-z]{1,4}") {
        let key = ed25519("property");
        let twice = format!(r#"{{"outer":[{{"{name}":{claims},"{name}":0}}]}}"#);
        let token = forge(&key, &header(&key, Kind::Airflow3), twice);
        prop_assert!(jws::parse(token.as_bytes()).is_err());
    }

    #[test]
    fn o28_what_is_sealed_opens_here_and_nowhere_else(
        plain in prop::collection::vec(any::<u8>(), 0..600),
        host in "[a-z.]{1,40}", other in "[a-z.]{1,40}",
        plane in prop::collection::vec(any::<u8>(), 1..20),
        at in any::<prop::sample::Index>(), with in any::<u8>(),
    ) {
        let sealer = sealer(&plane);
        let text = sealer.seal(Purpose::Ticket, &host, &plain, &SeededRng::new("n")).unwrap();
        let opened = sealer.open(Purpose::Ticket, &host, text.as_bytes());
        prop_assert!(opened.is_some_and(|opened| *opened.expose() == plain));
        prop_assert!(sealer.open(Purpose::Session, &host, text.as_bytes()).is_none());
        if host != other {
            prop_assert!(sealer.open(Purpose::Ticket, &other, text.as_bytes()).is_none());
        }
        let mut changed = text.clone().into_bytes();
        let at = at.index(changed.len());
        if changed[at] != with {
            changed[at] = with;
            prop_assert!(sealer.open(Purpose::Ticket, &host, &changed).is_none());
        }
        prop_assert!(sealer.open(Purpose::Ticket, &host, &text.as_bytes()[..at]).is_none());
        let longer = [&plane[..], b"x"].concat();
        prop_assert!(self::sealer(&longer).open(Purpose::Ticket, &host, text.as_bytes()).is_none());
    }
}
