//! Public status lists: as they come, and whatever claims and packed bytes under a signature.

#![no_main]

use aeolus_fuzz::STATUS;
use aeolus_keys::Kind;
use aeolus_keys::status_list::{LENGTH, StatusList, TTL, pack};
use aeolus_model::Time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const URI: &str =
    "https://control.example.com/v1/status-lists/01890a5d-ac96-774b-bcce-b302099a8057/0";

fn open(text: &[u8]) -> Option<StatusList> {
    StatusList::verify(text, &STATUS.1, URI, Time::from_secs(1)).ok()
}

fn signed(claims: &Value) -> Option<StatusList> {
    open(STATUS.0.sign(Kind::StatusList, claims).ok()?.as_bytes())
}

fn claims(lst: &str) -> Value {
    json!({"iss": "https://control.example.com", "sub": URI, "iat": 0, "exp": 86_400, "ttl": TTL,
        "status_list": {"bits": 1, "lst": lst}})
}

fuzz_target!(|bytes: &[u8]| {
    assert!(open(bytes).is_none());
    if let Ok(other) = serde_json::from_slice::<Value>(bytes) {
        let _ = signed(&other);
    }
    // Whatever it unpacks to is no longer than a list.
    if let Some(list) = signed(&claims(&URL_SAFE_NO_PAD.encode(bytes))) {
        assert!(list.is_revoked(LENGTH).is_err());
    }
    // What is packed is read again.
    let list = signed(&claims(&pack(bytes))).expect("our own");
    for (at, byte) in (0..).zip(bytes) {
        for bit in 0..8 {
            assert_eq!(list.is_revoked(at * 8 + bit), Ok(byte >> bit & 1 == 1));
        }
    }
});
