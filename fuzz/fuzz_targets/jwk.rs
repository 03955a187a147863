//! Keys and key sets: what is accepted is written and read back as the same key.

#![no_main]

use aeolus_keys::{Jwk, JwkSet, PublicKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    if let Ok(key) = Jwk::parse(json).and_then(|jwk| PublicKey::from_jwk(&jwk)) {
        let again = PublicKey::from_jwk(&key.to_jwk()).expect("what we publish we read");
        assert_eq!(again, key);
    }
    if let Ok(set) = JwkSet::parse(json) {
        let _ = set.own_keys();
        let _ = set.foreign_keys();
        assert_eq!(JwkSet::parse(set.to_json().as_bytes()), Ok(set));
    }
});
