//! Manifests with Secrets: never a panic, whatever they have and whoever is a copy of whom.

#![no_main]

use aeolus_model::Time;
use aeolus_pki::check::Subject;
use aeolus_pki::kube::secrets;
use libfuzzer_sys::fuzz_target;

const NOW: Time = Time::from_secs(1_800_000_000);

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = serde_json::from_slice(bytes) else {
        return;
    };
    let stored = secrets(&document, None);
    for one in &stored {
        for finding in one.examine(&stored, &Subject::default(), NOW) {
            assert!(finding.rule.code.starts_with("PKI-1"));
        }
    }
});
