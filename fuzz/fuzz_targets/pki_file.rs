//! Files of any form, text above all: never a panic, and what is written again is the same.

#![no_main]

use aeolus_pki::{certificates_pem, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = read(bytes, None) else {
        return;
    };
    if !input.certificates.is_empty() {
        let text = certificates_pem(&input.certificates);
        let again = read(text.as_bytes(), None).expect("our own text");
        assert_eq!(again.certificates, input.certificates);
    }
    for key in &input.keys {
        let again = read(key.pem().expose().as_bytes(), None).expect("our own key");
        assert_eq!(again.keys[0].public(), key.public());
    }
});
