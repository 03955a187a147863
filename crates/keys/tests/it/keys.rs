//! Keys and key sets from outside.

use aeolus_keys::{Alg, JwkSet, KeyError, KeyRing, Kid, Kind, PublicKey, SigningKey, jws};
use aeolus_model::Secret;
use serde_json::{Value, json};

use crate::support::{P256, b64, claims, derived, ed25519, forge, merge, rsa, unb64, unhex};

fn import(jwk: &Value) -> Result<PublicKey, KeyError> {
    PublicKey::from_jwk_json(&jwk.to_string())
}

fn with(jwk: &Value, extra: Value) -> Value {
    let mut jwk = jwk.clone();
    merge(&mut jwk, extra);
    jwk
}

fn set(keys: &[Value]) -> Result<JwkSet, KeyError> {
    JwkSet::parse(json!({"keys": keys}).to_string().as_bytes())
}

fn jwk_of(key: &PublicKey) -> Value {
    serde_json::from_str(&key.to_jwk().to_json()).unwrap()
}

#[test]
fn rfc8037_a_the_example_key_and_signature() {
    let seed = unb64("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let seed = Secret::new(seed.try_into().unwrap());
    let key = SigningKey::ed25519_from_seed(&seed).unwrap();
    let x = key.public().as_ed25519().unwrap();
    assert_eq!(b64(x), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    let kid = key.public().kid().to_string();
    assert_eq!(kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(kid.parse(), Ok(key.public().kid()));
    let token = forge(&key, r#"{"alg":"EdDSA"}"#, "Example of Ed25519 signing");
    let (_, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(
        signature,
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn rfc7638_the_example_thumbprint() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_\
             BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_\
             FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI\
             4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let key = import(&json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"})).unwrap();
    let kid = key.kid().to_string();
    assert_eq!(kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn a_key_survives_its_jwk_and_its_pkcs8() {
    for key in [&ed25519("jwk"), rsa(0)] {
        let public = PublicKey::from_jwk(&key.public().to_jwk()).unwrap();
        assert_eq!(public, *key.public());
        let again = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(again.public(), key.public());
        let signature = again.sign_raw(b"message").unwrap();
        assert!(public.verify(b"message", &signature).is_ok());
    }
    let p256 = P256::generate().public();
    assert_eq!(PublicKey::from_jwk(&p256.to_jwk()).unwrap(), p256);
    let garbage = Secret::new(vec![0x30; 48]);
    assert!(SigningKey::from_pkcs8(&garbage).is_err());
}

#[test]
fn a_key_signs_only_kinds_of_its_algorithm() {
    let (ed, rsa, p256) = (ed25519("kinds"), rsa(0), derived("kinds"));
    for kind in Kind::ALL {
        assert_eq!(ed.sign(kind, &json!({})).is_ok(), kind.alg() == Alg::EdDsa);
        assert_eq!(rsa.sign(kind, &json!({})).is_ok(), kind.alg() == Alg::Rs256);
        assert_eq!(
            p256.sign(kind, &json!({})).is_ok(),
            kind.alg() == Alg::Es256
        );
    }
    let es256 = SigningKey::generate(Alg::Es256, &aeolus_keys::SystemRng);
    assert_eq!(es256.unwrap_err(), KeyError::Unsupported);
}

#[test]
fn our_tokens_begin_alike() {
    let token = ed25519("prefix")
        .sign(Kind::Api, &claims(Kind::Api))
        .unwrap();
    assert!(token.starts_with("eyJhbGciOiJFZERTQSIsImtpZCI6I"));
}

#[test]
fn t7_a_key_of_one_issuer_or_kind_is_none_of_another() {
    let (ours, theirs) = (ed25519("ours"), ed25519("theirs"));
    let mut ring = KeyRing::default();
    let slot = ring.insert(Kind::Access, ours.public().clone()).unwrap();
    assert_eq!(ring.key(slot), Some(ours.public()));
    assert_eq!(
        ring.get_slot(Kind::Access, &ours.public().kid()),
        Some(slot)
    );
    assert_eq!(ring.get(Kind::Api, &ours.public().kid()), None);
    assert_eq!(ring.get(Kind::Access, &theirs.public().kid()), None);
    assert_eq!(ring.key(slot + 1), None);

    // Their key under our kid is another key: the id follows from the key.
    let header = format!(
        r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#,
        ours.public().kid()
    );
    let forged = forge(&theirs, &header, claims(Kind::Access).to_string());
    let forged = jws::parse(forged.as_bytes()).unwrap();
    assert!(ring.verify(Kind::Access, forged).is_err());

    // Our token is no token of theirs, even where their set has our key.
    let token = ours.sign(Kind::Access, &claims(Kind::Access)).unwrap();
    assert!(jws::parse_foreign(token.as_bytes()).is_err());
}

#[test]
fn t7_one_key_serves_one_kind() {
    let (key, rsa) = (
        ed25519("one kind").public().clone(),
        rsa(0).public().clone(),
    );
    let p256 = derived("one kind");
    for first in Kind::ALL {
        for second in Kind::ALL {
            let mut ring = KeyRing::default();
            let pick = |kind: Kind| match kind.alg() {
                Alg::Rs256 => rsa.clone(),
                Alg::Es256 => p256.public().clone(),
                _ => key.clone(),
            };
            ring.insert(first, pick(first)).unwrap();
            let snapshot = [Kind::Manifest, Kind::Freshness, Kind::Checkpoint];
            let shared = first == second
                || first.alg() != second.alg()
                || (snapshot.contains(&first) && snapshot.contains(&second));
            assert_eq!(
                ring.insert(second, pick(second)).is_ok(),
                shared,
                "{first} {second}"
            );
        }
    }
    let mut ring = KeyRing::default();
    let wrong = ring.insert(Kind::Access, rsa);
    assert_eq!(wrong, Err(KeyError::WrongAlg(Alg::Rs256)));
}

#[test]
fn t6_a_foreign_token_without_kid_needs_exactly_one_fitting_key() {
    let (one, two, p256) = (ed25519("one"), ed25519("two"), P256::generate());
    let named = |key: &PublicKey, kid: &str| with(&jwk_of(key), json!({"kid": kid}));
    let keys = |keys: &[Value]| set(keys).unwrap().foreign_keys().unwrap();
    let both = keys(&[named(one.public(), "1"), named(&p256.public(), "2")]);
    let three = keys(&[
        named(one.public(), "1"),
        named(two.public(), "2"),
        named(&p256.public(), "3"),
    ]);
    let token = forge(&one, r#"{"alg":"EdDSA"}"#, "{}");
    let token = jws::parse_foreign(token.as_bytes()).unwrap();
    assert_eq!(token.select(&both), Ok(one.public()));
    assert!(token.select(&three).is_err());
    let named = forge(&one, r#"{"alg":"EdDSA","kid":"2"}"#, "{}");
    let named = jws::parse_foreign(named.as_bytes()).unwrap();
    assert_eq!(named.select(&three), Ok(two.public()));
    let empty = forge(&one, r#"{"alg":"EdDSA","kid":""}"#, "{}");
    assert!(
        jws::parse_foreign(empty.as_bytes())
            .unwrap()
            .select(&three)
            .is_err()
    );
}

#[test]
fn t21_weak_rsa_keys() {
    let good = jwk_of(rsa(0).public());
    assert!(import(&good).is_ok());
    let n = unb64(good["n"].as_str().unwrap());
    let mut even = n.clone();
    *even.last_mut().unwrap() &= 0xfe;
    let mut short = n.clone();
    short[0] = 0x7f;
    let half = [&n[..127], &[1]].concat();
    let long = [&[0x80], &vec![1; 1024][..]].concat();
    let padded = [&[0], &n[..]].concat();
    for bad in [&even, &short, &half, &long, &padded, &vec![], &vec![3]] {
        assert!(import(&with(&good, json!({"n": b64(bad), "kid": null}))).is_err());
    }
    for e in [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[4],
        &[1, 0, 0],
        &[0, 1, 0, 1],
        &[1, 0, 0, 0, 1],
    ] {
        let bad = with(&good, json!({"e": b64(e)}));
        assert!(import(&bad).is_err(), "e = {e:?}");
    }
    assert!(import(&with(&good, json!({"e": b64([3])}))).is_ok());
}

#[test]
fn t21_a_weak_key_of_another_issuer_is_left_out() {
    let good = jwk_of(ed25519("t21").public());
    let weak = json!({"kty": "OKP", "crv": "Ed25519", "x": b64([0; 32]), "kid": "weak"});
    let encryption = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc", "kid": "enc"});
    let other = json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "p521"});
    let set = set(&[weak, encryption, good, other]).unwrap();
    let keys = set.foreign_keys().unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].key, *ed25519("t21").public());
    // In a set of ours none of them may be.
    assert!(set.own_keys().is_err());
}

/// Keys that contradict themselves, are malformed, or of an algorithm that isn't used here.
fn unusable() -> Vec<Value> {
    let good = jwk_of(ed25519("t22").public());
    let p256 = P256::generate().jwk();
    let rsa = jwk_of(rsa(0).public());
    vec![
        with(&good, json!({"alg": "ES256"})),
        with(&good, json!({"alg": "none"})),
        with(&p256, json!({"alg": "ES384"})),
        with(&p256, json!({"y": b64([7; 32])})),
        with(&p256, json!({"x": b64([7; 31])})),
        with(&p256, json!({"y": null})),
        with(&rsa, json!({"alg": "PS256"})),
        with(&rsa, json!({"alg": "RS512"})),
        with(&rsa, json!({"alg": "EdDSA"})),
        with(&rsa, json!({"n": "not base64url!"})),
        with(&good, json!({"key_ops": ["sign"]})),
        with(&good, json!({"key_ops": ["verify", "encrypt"]})),
        with(&good, json!({"key_ops": []})),
        with(&good, json!({"use": "SIG"})),
        json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA"}),
    ]
}

#[test]
fn t22_one_unusable_key_takes_no_other_with_it() {
    let good = jwk_of(rsa(0).public());
    for bad in unusable() {
        // Also under the id of the good one: a key that is published once for each of two algorithms.
        for kid in [json!("other"), good["kid"].clone()] {
            let bad = with(&bad, json!({"kid": kid}));
            let set = set(&[bad.clone(), good.clone()]).unwrap();
            let keys = set.foreign_keys().unwrap();
            let [key] = keys.as_slice() else {
                panic!("{bad}: {keys:?}");
            };
            assert_eq!(key.key, *rsa(0).public(), "{bad}");
        }
    }
    assert_eq!(set(&[]).unwrap().foreign_keys(), Err(KeyError::NoneUsable));
}

#[test]
fn t22_contradictory_sets_are_refused() {
    let good = jwk_of(ed25519("t22").public());
    let p256 = P256::generate().jwk();
    let rsa = jwk_of(rsa(0).public());
    assert_eq!(
        set(&[good.clone(), rsa.clone()])
            .unwrap()
            .own_keys()
            .unwrap()
            .len(),
        2
    );

    let twice = set(&[good.clone(), good.clone()]).unwrap();
    assert_eq!(twice.own_keys(), Err(KeyError::DuplicateKid));
    assert_eq!(twice.foreign_keys(), Err(KeyError::DuplicateKid));
    let oct = json!({"kty": "oct", "k": "AAAA", "kid": "o"});
    assert_eq!(set(&[good.clone(), oct]), Err(KeyError::Private));
    let empty = json!({"kty": "oct", "kid": "o"});
    assert_eq!(set(&[empty]), Err(KeyError::Private));
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for key in [&good, &p256, &rsa] {
            let private = with(key, json!({member: "AAAA"}));
            assert_eq!(set(&[private]), Err(KeyError::Private));
        }
    }

    for bad in unusable() {
        let alone = set(std::slice::from_ref(&bad)).unwrap();
        assert!(alone.own_keys().is_err(), "{bad}");
        assert_eq!(alone.foreign_keys(), Err(KeyError::NoneUsable), "{bad}");
        assert!(import(&bad).is_err(), "{bad}");
    }
    for bad in [
        with(&good, json!({"use": "enc"})),
        with(&good, json!({"crv": "P-256"})),
        with(&good, json!({"crv": "X25519"})),
        with(&good, json!({"kty": "EC"})),
        with(&p256, json!({"crv": "secp256k1"})),
        with(&good, json!({"kid": "chosen"})),
    ] {
        assert!(
            set(std::slice::from_ref(&bad)).unwrap().own_keys().is_err(),
            "{bad}"
        );
    }
    assert!(import(&with(&good, json!({"key_ops": ["verify"]}))).is_ok());
}

#[test]
fn t23_sets_are_capped() {
    let keys = |n: u32| -> Vec<Value> {
        let jwk = |i: u32| with(&P256::generate().jwk(), json!({"kid": i.to_string()}));
        (0..n).map(jwk).collect()
    };
    assert!(set(&keys(64)).is_ok());
    assert_eq!(set(&keys(65)), Err(KeyError::TooLarge));
    let one = jwk_of(ed25519("t23").public());
    let big = with(&one, json!({"x5c": ["A".repeat(256 * 1024)]}));
    assert_eq!(set(&[big]), Err(KeyError::TooLarge));
    let deep = format!(
        r#"{{"keys":[],"x":{}{}}}"#,
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    assert!(matches!(
        JwkSet::parse(deep.as_bytes()),
        Err(KeyError::Malformed(_))
    ));
    let twice = r#"{"keys":[],"keys":[]}"#;
    assert!(matches!(
        JwkSet::parse(twice.as_bytes()),
        Err(KeyError::Malformed(_))
    ));
    for text in ["", "[]", "{}", "null", r#"{"keys":{}}"#] {
        assert!(JwkSet::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn what_has_not_the_form_of_a_key_is_left_out_of_others_sets_and_refuses_ours() {
    let one = jwk_of(ed25519("odd").public());
    for odd in [
        json!(1),
        json!({}),
        json!({"kty": "RSA", "kid": 7}),
        with(&one, json!({"key_ops": "verify"})),
    ] {
        let both = set(&[one.clone(), odd.clone()]).unwrap();
        assert_eq!(both.foreign_keys().unwrap().len(), 1, "{odd}");
        assert!(both.own_keys().is_err(), "{odd}");
        let alone = set(&[odd]).unwrap();
        assert!(matches!(alone.foreign_keys(), Err(KeyError::NoneUsable)));
    }
    let private = with(&one, json!({"d": "AA"}));
    assert_eq!(set(&[one, private]), Err(KeyError::Private));
}

#[test]
fn a_kid_has_one_spelling() {
    let kid = ed25519("kid").public().kid();
    let text = kid.to_string();
    assert_eq!(text.len(), 43);
    assert_eq!(serde_json::to_string(&kid).unwrap(), format!("\"{text}\""));
    assert_eq!(Kid::from_bytes(*kid.as_bytes()), kid);
    for bad in [
        String::new(),
        format!("{text}="),
        text[1..].to_owned(),
        format!("A{text}"),
        "é".repeat(22),
    ] {
        assert!(bad.parse::<Kid>().is_err(), "{bad}");
    }
    // 43 characters carry two bits too many.
    let last = text.chars().last().unwrap();
    let spellings = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let same = spellings
        .chars()
        .filter(|c| format!("{}{c}", &text[..42]).parse::<Kid>() == Ok(kid));
    assert_eq!(same.collect::<String>(), last.to_string());
}

#[test]
fn secrets_are_not_printed() {
    let key = ed25519("debug");
    let der = key.to_pkcs8().unwrap();
    let seed = &der.expose()[der.expose().len() - 32..];
    let printed = format!("{key:?}");
    assert!(!printed.contains(&b64(seed)));
    assert_eq!(
        printed,
        format!("SigningKey(EdDSA, {})", key.public().kid())
    );
    assert_eq!(unhex("00ff"), [0, 255]);
}
