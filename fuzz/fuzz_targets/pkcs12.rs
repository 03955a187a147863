//! PKCS#12 and encrypted keys, whoever made them: never a panic, and never busy for long.

#![no_main]

use aeolus_model::Secret;
use aeolus_pki::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let passphrase = Secret::new("secret".to_owned());
    let _ = read(bytes, Some(&passphrase));
    let text = format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}\n-----END ENCRYPTED PRIVATE KEY-----\n",
        base64(bytes)
    );
    let _ = read(text.as_bytes(), Some(&passphrase));
});

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    lines.collect::<Vec<_>>().join("\n")
}
