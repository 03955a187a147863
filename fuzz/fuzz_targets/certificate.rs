//! Certificates and revocation lists in DER: never a panic, whatever is done with what was read.

#![no_main]

use std::sync::LazyLock;

use aeolus_keys::SystemRng;
use aeolus_model::Time;
use aeolus_pki::check::{Role, Subject, examine};
use aeolus_pki::{Authority, Certificate, KeyKind, Life, PrivateKey, RevocationList, San};
use libfuzzer_sys::fuzz_target;

const NOW: Time = Time::from_secs(1_800_000_000);

static ROOT: LazyLock<Authority> = LazyLock::new(|| {
    let key = PrivateKey::generate(KeyKind::P256).expect("a key");
    Authority::root("Root", key, Life::ROOT, (NOW, &SystemRng)).expect("a root")
});

fuzz_target!(|der: &[u8]| {
    let trusted = [ROOT.certificate().clone()];
    if let Some(list) = RevocationList::from_der(der) {
        assert!(!list.is_signed_by(&trusted[0]));
    }
    let Ok(certificate) = Certificate::from_der(der) else {
        return;
    };
    let chain = [certificate.clone(), trusted[0].clone(), certificate];
    let hosts = [San::parse("a.example.com").expect("a name")];
    for role in [Role::Unsaid, Role::Served] {
        let subject = Subject {
            certificates: &chain,
            role,
            hosts: &hosts,
            trusted: &trusted,
            ..Subject::default()
        };
        let found = examine(&subject, NOW);
        // Nobody but the root signs what is believed.
        assert!(role == Role::Unsaid || !found.is_empty());
    }
});
