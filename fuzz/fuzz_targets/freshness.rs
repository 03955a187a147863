//! Freshness statements: as they come, and whatever claims under control's signature.

#![no_main]

use aeolus_fuzz::{PLANE, TRUSTED};
use aeolus_keys::Kind;
use aeolus_snapshot::verify_freshness;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let root = &TRUSTED.root;
    assert!(verify_freshness(root, PLANE, text).is_err());
    let Ok(claims) = serde_json::from_str(text) else {
        return;
    };
    let Some(signed) = TRUSTED.sign(Kind::Freshness, &claims) else {
        return;
    };
    if let Ok(fresh) = verify_freshness(root, PLANE, &signed) {
        assert_eq!(fresh.plane, PLANE);
        assert_eq!(claims["iat"], fresh.at.secs());
    }
    // Another kind of document under the same key is no word of freshness.
    let manifest = TRUSTED.sign(Kind::Manifest, &claims).expect("signed once");
    assert!(verify_freshness(root, PLANE, &manifest).is_err());
});
