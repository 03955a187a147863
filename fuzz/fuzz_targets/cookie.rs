//! Sealed texts: nothing that wasn't sealed opens; keyring files never panic.

#![no_main]

use std::sync::LazyLock;

use aeolus_keys::SystemRng;
use aeolus_keys::seal::{Keyring, Purpose, Sealer};
use aeolus_model::Time;
use libfuzzer_sys::fuzz_target;

static SEALER: LazyLock<Sealer> =
    LazyLock::new(|| Sealer::new(&Keyring::generate(&SystemRng), b"plane", Time::EPOCH));

fuzz_target!(|text: &[u8]| {
    for purpose in Purpose::ALL {
        assert!(SEALER.open(purpose, "host.example.com", text).is_none());
    }
    let _ = Keyring::from_json(text);
});
