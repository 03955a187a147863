//! A keyed digest of what a Secret has. Without the key nobody can try values against it, as a plain digest of a
//! short password would let them.

use aeolus_keys::digest;
use aeolus_model::{Rng, Secret, hex};

use crate::object::Data;

/// The key, of one installation.
#[derive(Clone, Debug)]
pub struct DigestKey(Secret<Vec<u8>>);

impl DigestKey {
    /// How many bytes one has at least.
    pub const LENGTH: usize = 32;

    /// From bytes that lie somewhere. None: too few.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= Self::LENGTH).then(|| Self(Secret::new(bytes)))
    }

    /// A new one.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut bytes = vec![0; Self::LENGTH];
        rng.fill(&mut bytes);
        Self(Secret::new(bytes))
    }

    /// What is stored.
    pub const fn bytes(&self) -> &Secret<Vec<u8>> {
        &self.0
    }

    /// Of type and values.
    pub fn digest(&self, kind: &str, data: &Data) -> String {
        let mut parts: Vec<&[u8]> = vec![b"aeolus kube copy", kind.as_bytes()];
        for (key, value) in data {
            parts.extend([key.as_bytes(), value.expose().as_slice()]);
        }
        hex(&digest::hmac(self.0.expose(), &parts))
    }
}
