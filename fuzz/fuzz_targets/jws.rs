//! Tokens: parsing never panics, and nothing that wasn't signed verifies.

#![no_main]

use std::sync::LazyLock;

use aeolus_keys::{Kind, PublicKey, jws};
use libfuzzer_sys::fuzz_target;

/// RFC 8037 §A.2.
static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    PublicKey::from_jwk_json(
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    )
    .expect("the RFC's key")
});

fuzz_target!(|token: &[u8]| {
    if let Ok(parsed) = jws::parse(token) {
        let kid = parsed.kid().to_string();
        assert_eq!(kid.parse(), Ok(parsed.kid()));
        assert!(parsed.verify(Kind::Access, &KEY).is_err());
    }
    if let Ok(parsed) = jws::parse_foreign(token) {
        // The example of RFC 8037 §A.4 is rightly signed by this key.
        if let Ok(verified) = parsed.verify(&KEY) {
            assert_eq!(verified.payload(), b"Example of Ed25519 signing");
        }
    }
    let _ = jws::parse_document(token);
});
