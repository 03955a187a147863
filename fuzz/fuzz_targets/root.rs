//! Root documents: as they come, and whatever claims under the root key's signature.

#![no_main]

use aeolus_fuzz::TRUSTED;
use aeolus_snapshot::Root;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let held = &TRUSTED.root;
    assert!(held.accept_next(text).is_err());
    let _ = Root::parse(text);
    let Ok(claims) = serde_json::from_str(text) else {
        return;
    };
    let Some(signed) = TRUSTED.sign_root(&claims) else {
        return;
    };
    if let Ok(next) = held.accept_next(&signed) {
        assert_eq!(next.version(), held.version() + 1);
        assert!((1..=next.root_keys().len()).contains(&next.threshold()));
        assert!((1..=3).contains(&next.snapshot_keys().len()));
        assert_eq!(next.document(), signed);
    }
});
