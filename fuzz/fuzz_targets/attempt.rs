//! What a browser carries of a sign-in at a provider: nothing that control didn't seal for it opens, and what
//! it did opens unchanged.

#![no_main]

use std::sync::LazyLock;

use aeolus_keys::SystemRng;
use aeolus_keys::envelope::MasterKey;
use aeolus_model::Secret;
use libfuzzer_sys::fuzz_target;

static MASTER: LazyLock<MasterKey> =
    LazyLock::new(|| MasterKey::new(&Secret::new([7; 32])).expect("a key"));

fuzz_target!(|bytes: &[u8]| {
    assert!(MASTER.open_carried("sign-in attempt a", bytes).is_none());
    let Some(text) = MASTER.seal_carried("sign-in attempt a", bytes, &SystemRng) else {
        assert!(bytes.len() > 2_800);
        return;
    };
    let opened = MASTER.open_carried("sign-in attempt a", text.as_bytes());
    assert!(opened.is_some_and(|opened| opened.expose() == bytes));
    assert!(
        MASTER
            .open_carried("sign-in attempt b", text.as_bytes())
            .is_none()
    );
});
