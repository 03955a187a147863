//! AES-256-GCM-SIV (RFC 8452): many replicas draw nonces at random without knowing of each other,
//! and a nonce drawn twice only shows whether two plaintexts are equal.

use aeolus_model::{Rng, Secret};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};

/// Length of a nonce.
pub(crate) const NONCE: usize = 12;

/// Length of a tag.
pub(crate) const TAG: usize = 16;

/// A key, scheduled once.
pub(crate) struct Aead(LessSafeKey);

impl Aead {
    /// `None` only if the library refuses a key of the right length.
    pub(crate) fn new(key: &Secret<[u8; 32]>) -> Option<Self> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, key.expose()).ok()?;
        Some(Self(LessSafeKey::new(key)))
    }

    /// `prefix ‖ nonce ‖ ciphertext ‖ tag` in one allocation.
    pub(crate) fn seal(
        &self,
        prefix: &[u8],
        aad: &[u8],
        plain: &[u8],
        rng: &dyn Rng,
    ) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE];
        rng.fill(&mut nonce);
        let start = prefix.len() + NONCE;
        let mut sealed = Vec::with_capacity(start + plain.len() + TAG);
        sealed.extend_from_slice(prefix);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let body = sealed.get_mut(start..)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(aad), body);
        sealed.extend_from_slice(tag.ok()?.as_ref());
        Some(sealed)
    }

    /// Opens what [`Self::seal`] made behind a prefix of `prefix` bytes, in the same allocation.
    pub(crate) fn open(
        &self,
        prefix: usize,
        aad: &[u8],
        sealed: Vec<u8>,
    ) -> Option<Secret<Vec<u8>>> {
        // Wrapped first: from the moment of opening, whichever way this ends, it is wiped.
        let mut sealed = Wiped(sealed);
        let nonce = sealed.0.get(prefix..prefix + NONCE)?.try_into().ok()?;
        let body = sealed.0.get_mut(prefix + NONCE..)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let len = self
            .0
            .open_in_place(nonce, Aad::from(aad), body)
            .ok()?
            .len();
        let start = prefix + NONCE;
        sealed.0.copy_within(start..start + len, 0);
        sealed.0.truncate(len);
        Some(Secret::new(std::mem::take(&mut sealed.0)))
    }
}

struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}
