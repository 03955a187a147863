//! Manifests: as they come, and whatever claims under control's signature.

#![no_main]

use aeolus_fuzz::{PLANE, TRUSTED};
use aeolus_keys::Kind;
use aeolus_model::Time;
use aeolus_snapshot::{MANIFEST_LIFE, Manifest, READER, Snapshot};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let trust = TRUSTED.trust();
    assert!(Snapshot::reload(&trust, text, &|_| None).is_err());
    let Ok(claims) = serde_json::from_str(text) else {
        return;
    };
    let Some(signed) = TRUSTED.sign(Kind::Manifest, &claims) else {
        return;
    };
    if let Ok((manifest, _)) = Manifest::open(trust.root, PLANE, &signed) {
        assert_eq!(manifest.plane, PLANE);
        assert!(manifest.min_reader <= READER);
        assert!(manifest.exp <= manifest.issued_at.plus(MANIFEST_LIFE));
        let _ = manifest.blobs();
    }
    // No content is there, so nothing may come into force.
    assert!(Snapshot::verify(&trust, &signed, &|_| None, Time::EPOCH).is_err());
});
