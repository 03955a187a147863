//! Tokens of a sign-in: as a whole, and as claims that come as far as the signature. Nobody is signed in by
//! what the provider didn't sign.

#![no_main]

use std::sync::LazyLock;

use aeolus_fuzz::{CONNECTION, DISCOVERY, attempt, token_of};
use aeolus_keys::{ForeignKey, JwkSet};
use aeolus_model::{Secret, Time};
use aeolus_oidc::{Flow, Proof, ResponseType, Tokens};
use libfuzzer_sys::fuzz_target;

/// RFC 8037 §A.2.
static KEYS: LazyLock<Vec<ForeignKey>> = LazyLock::new(|| {
    let set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let set = JwkSet::parse(set).expect("a set");
    set.foreign_keys_for(DISCOVERY.algorithms()).expect("a key")
});

fn signs_nobody_in(token: &str) {
    for flow in [Flow::Code, Flow::Implicit(ResponseType::Token)] {
        let proof = Proof {
            connection: &CONNECTION,
            discovery: &DISCOVERY,
            keys: &KEYS,
            attempt: &attempt(flow),
            now: Time::from_secs(1_900_000_000),
        };
        let token = || Some(Secret::new(token.to_owned()));
        for tokens in [
            Tokens {
                id_token: token(),
                access_token: None,
            },
            Tokens {
                id_token: None,
                access_token: token(),
            },
        ] {
            assert!(proof.of_tokens(&tokens).is_err());
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    signs_nobody_in(&String::from_utf8_lossy(bytes));
    signs_nobody_in(&token_of(bytes));
});
