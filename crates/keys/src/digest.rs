//! Digests, keyed digests and comparisons that take the same time whatever they compare.

use aeolus_model::{Rng, Secret};
use aws_lc_rs::{constant_time, hmac};
use zeroize::Zeroizing;

use crate::base64url;

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    copy(digest.as_ref(), &mut out);
    out
}

/// HMAC-SHA256 (RFC 2104) over parts, each preceded by its length as 8 bytes big-endian, so that
/// moving a byte from one part to the next changes the result.
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    copy(context.sign().as_ref(), &mut out);
    out
}

/// HMAC-SHA256 (RFC 2104) of bytes as others compute it, where there is nothing to be told apart.
pub fn plain_hmac(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes);
    let mut out = [0; 32];
    copy(tag.as_ref(), &mut out);
    out
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
pub fn eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// A new unguessable text: `bytes` random bytes (16 or more) as base64url.
pub fn random_token(rng: &(impl Rng + ?Sized), bytes: usize) -> Secret<String> {
    let mut raw = Zeroizing::new(vec![0; bytes]);
    rng.fill(&mut raw);
    Secret::new(base64url::encode(raw.as_slice()))
}

/// What is kept of a secret that is only ever compared: its HMAC-SHA256 under a label, so that equal
/// secrets of two uses have different digests.
///
/// For secrets of 128 random bits and more. Passwords need a slow hash instead.
#[derive(Clone, Copy)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of a secret for the use named by `label`.
    pub fn new(label: &str, secret: &[u8]) -> Self {
        Self(hmac(label.as_bytes(), &[secret]))
    }

    /// From the bytes in which stores keep it.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes in which stores keep it.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretDigest {
    fn eq(&self, other: &Self) -> bool {
        eq(&self.0, &other.0)
    }
}

impl Eq for SecretDigest {}

impl std::fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretDigest(…)")
    }
}

/// The library's digests are slices whose length it guarantees.
fn copy(from: &[u8], to: &mut [u8; 32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_is_sha256() {
        let abc = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
        assert_eq!(base64url::encode(sha256(b"abc")), abc);
    }

    /// RFC 4231 §4.3.
    #[test]
    fn plain_hmac_is_what_others_compute() {
        let tag = plain_hmac(b"Jefe", b"what do ya want for nothing?");
        let expected = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM";
        assert_eq!(base64url::encode(tag), expected);
    }

    #[test]
    fn a3_moving_a_byte_between_parts_changes_the_digest() {
        assert_ne!(hmac(b"k", &[b"ab", b"c"]), hmac(b"k", &[b"a", b"bc"]));
        assert_ne!(hmac(b"k", &[b"abc"]), hmac(b"k", &[b"abc", b""]));
    }

    #[test]
    fn a_digest_is_bound_to_its_label() {
        assert_eq!(SecretDigest::new("a", b"x"), SecretDigest::new("a", b"x"));
        assert_ne!(SecretDigest::new("a", b"x"), SecretDigest::new("b", b"x"));
        assert_ne!(SecretDigest::new("a", b"x"), SecretDigest::new("a", b"y"));
    }

    #[test]
    fn comparing_needs_equal_lengths() {
        assert!(eq(b"", b""));
        assert!(eq(b"abc", b"abc"));
        assert!(!eq(b"abc", b"abcd"));
        assert!(!eq(b"abc", b"abd"));
    }
}
