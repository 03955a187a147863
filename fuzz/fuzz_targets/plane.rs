//! What a gate asks of control, and what operators write on a plane: JSON from outside.

#![no_main]

use aeolus_api::plane::{CheckRequest, EnrollRequest, RenewRequest};
use aeolus_model::RolloutPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(asked) = serde_json::from_slice::<CheckRequest>(bytes) {
        let written = serde_json::to_vec(&asked).expect("written");
        let again: CheckRequest = serde_json::from_slice(&written).expect("our own");
        assert!(again == asked);
    }
    let _ = serde_json::from_slice::<EnrollRequest>(bytes);
    let _ = serde_json::from_slice::<RenewRequest>(bytes);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(path) = text.trim().parse::<RolloutPath>()
    {
        assert_eq!(path.to_string(), text.trim());
    }
});
