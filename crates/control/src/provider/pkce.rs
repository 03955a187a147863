//! Proof key for code exchange (RFC 7636). S256 is the only method.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use aeolus_keys::digest::sha256;

/// Whether a `code_challenge` has the form of an S256 challenge: base64url of 32 bytes.
pub(crate) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// The challenge that a verifier proves, or none if it has not the form of §4.1: 43 to 128
/// unreserved characters.
pub(crate) fn proven_by(verifier: &str) -> Option<String> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let fits = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    fits.then(|| URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(proven_by(verifier).as_deref(), Some(challenge));
        assert!(is_challenge(challenge));
    }

    #[test]
    fn o3_verifiers_of_42_or_129_characters_prove_nothing() {
        assert_eq!(proven_by(&"a".repeat(42)), None);
        assert!(proven_by(&"a".repeat(43)).is_some());
        assert!(proven_by(&"a".repeat(128)).is_some());
        assert_eq!(proven_by(&"a".repeat(129)), None);
        assert_eq!(proven_by(&"ä".repeat(30)), None);
        assert!(!is_challenge("short"));
        assert!(!is_challenge(&"=".repeat(43)));
    }
}
