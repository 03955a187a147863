//! Project Wycheproof's vectors; see `tests/vectors/README.md`. What they call acceptable we refuse.

use aeolus_keys::{Alg, JwkSet, PublicKey, jws};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{b64, unhex};

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "tcId")]
    id: u32,
    msg: String,
    sig: String,
    result: String,
}

#[derive(Deserialize)]
struct Jws {
    #[serde(rename = "tcId")]
    id: u32,
    #[serde(rename = "jws")]
    token: String,
    result: String,
    comment: String,
}

fn load<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

/// Verifies every signature of a group; returns how many were good.
fn raw(key: &PublicKey, tests: &Value) -> usize {
    let tests: Vec<Raw> = serde_json::from_value(tests.clone()).unwrap();
    let verify = |test: &&Raw| {
        let good = key.verify(&unhex(&test.msg), &unhex(&test.sig)).is_ok();
        assert_eq!(good, test.result == "valid", "test {}", test.id);
        good
    };
    tests.iter().filter(verify).count()
}

#[test]
fn ed25519() {
    let groups: Vec<Value> = load(include_str!("../vectors/ed25519.json"));
    let good = groups.iter().map(|group| {
        let key = unhex(group["pk"].as_str().unwrap()).try_into().unwrap();
        raw(&PublicKey::from_ed25519(key).unwrap(), &group["tests"])
    });
    assert_eq!(good.sum::<usize>(), 88);
}

#[test]
fn p256() {
    let groups: Vec<Value> = load(include_str!("../vectors/p256.json"));
    let good = groups.iter().map(|group| {
        let point = unhex(group["pk"].as_str().unwrap());
        let jwk =
            json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])});
        raw(
            &PublicKey::from_jwk_json(&jwk.to_string()).unwrap(),
            &group["tests"],
        )
    });
    assert_eq!(good.sum::<usize>(), 173);
}

#[test]
fn rsa2048() {
    let groups: Vec<Value> = load(include_str!("../vectors/rsa2048.json"));
    let good = groups.iter().map(|group| {
        let number = |name: &str| {
            let bytes = unhex(group[name].as_str().unwrap());
            b64(bytes.strip_prefix(&[0]).unwrap_or(&bytes))
        };
        let jwk = json!({"kty": "RSA", "n": number("n"), "e": number("e")});
        raw(
            &PublicKey::from_jwk_json(&jwk.to_string()).unwrap(),
            &group["tests"],
        )
    });
    assert_eq!(good.sum::<usize>(), 9);
}

/// Whether we take the token with this JWK.
fn accepted(jwk: &Value, token: &str) -> bool {
    let Ok(key) = PublicKey::from_jwk_json(&jwk.to_string()) else {
        return false;
    };
    let token = jws::parse_foreign(token.as_bytes());
    token.is_ok_and(|token| token.verify(&key).is_ok())
}

#[test]
fn json_web_signature() {
    let groups: Vec<Value> = load(include_str!("../vectors/jws.json"));
    let mut good = 0;
    for group in &groups {
        let key = &group["key"];
        let tests: Vec<Jws> = serde_json::from_value(group["tests"].clone()).unwrap();
        let ours = [Alg::EdDsa, Alg::Es256, Alg::Rs256].map(Alg::name);
        let ours = ours.iter().any(|alg| key["alg"] == *alg);
        for test in tests {
            // A token without claims is none.
            let expected = test.result == "valid" && ours && test.comment != "emptyPayload";
            assert_eq!(
                accepted(key, &test.token),
                expected,
                "test {}: {}",
                test.id,
                test.comment
            );
            good += usize::from(expected);
        }
    }
    assert_eq!(good, 9);
}

/// The same as an issuer's set, whose algorithms are all announced.
#[test]
fn every_algorithm_that_others_sign_with() {
    let groups: Vec<Value> = load(include_str!("../vectors/jws.json"));
    let mut good = 0;
    for group in &groups {
        let set = json!({"keys": [group["key"]]}).to_string();
        let keys = JwkSet::parse(set.as_bytes()).and_then(|set| set.foreign_keys_for(&Alg::ALL));
        let keys = keys.unwrap_or_default();
        let tests: Vec<Jws> = serde_json::from_value(group["tests"].clone()).unwrap();
        for test in tests {
            let token = jws::parse_foreign(test.token.as_bytes());
            let verified = token.and_then(|token| {
                let key = token.select(&keys)?;
                token.verify(key)
            });
            let asymmetric = group["key"]["kty"] != "oct";
            // These keys say that they are for another algorithm than the token's.
            let contradicts = matches!(test.comment.as_str(), "Figure20" | "Figure27");
            let other = contradicts || test.comment == "emptyPayload";
            let expected = test.result == "valid" && asymmetric && !other;
            assert_eq!(
                verified.is_ok(),
                expected,
                "test {}: {}",
                test.id,
                test.comment
            );
            good += usize::from(expected);
        }
    }
    assert!(good > 9, "{good}");
}

#[test]
fn t21_t22_json_web_key() {
    let groups: Vec<Value> = load(include_str!("../vectors/jwk.json"));
    let mut good = Vec::new();
    for group in &groups {
        let tests: Vec<Jws> = serde_json::from_value(group["tests"].clone()).unwrap();
        for test in tests {
            let set = JwkSet::parse(group["set"].to_string().as_bytes());
            let keys = set.and_then(|set| set.foreign_keys());
            let token = jws::parse_foreign(test.token.as_bytes());
            let accepted = keys.is_ok_and(|keys| {
                let verified = token.and_then(|token| {
                    let key = token.select(&keys)?.clone();
                    token.verify(&key)
                });
                verified.is_ok()
            });
            if accepted {
                assert_eq!(test.result, "valid", "test {}: {}", test.id, test.comment);
                good.push(group["comment"].as_str().unwrap());
            }
        }
    }
    // All other valid ones are HMAC.
    assert_eq!(good, ["rs256"]);
}
