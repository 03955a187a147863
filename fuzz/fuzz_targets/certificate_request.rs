//! Requests: whatever is asked for, the certificate has the key and what the policy says.

#![no_main]

use std::sync::LazyLock;

use aeolus_keys::SystemRng;
use aeolus_model::Time;
use aeolus_pki::{Authority, KeyKind, Life, PrivateKey, Profile, Request, San, Wanted};
use libfuzzer_sys::fuzz_target;

const NOW: Time = Time::from_secs(1_800_000_000);

static ROOT: LazyLock<Authority> = LazyLock::new(|| {
    let key = PrivateKey::generate(KeyKind::P256).expect("a key");
    Authority::root("Root", key, Life::ROOT, (NOW, &SystemRng)).expect("a root")
});

fuzz_target!(|der: &[u8]| {
    let Ok(request) = Request::from_der(der) else {
        return;
    };
    let names = vec![San::parse("a.example.com").expect("a name")];
    let wanted = Wanted::new(names.clone(), Profile::Server, Life::LEAF).expect("a name");
    if let Ok(issued) = ROOT.issue(&wanted, request.key(), (NOW, &SystemRng)) {
        assert_eq!(issued.certificate.names, names);
        assert_eq!(issued.certificate.authority, None);
        assert_eq!(&issued.certificate.key, request.key());
    }
});
