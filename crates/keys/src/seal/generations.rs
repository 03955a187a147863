//! What is sealed with the plane secret names the generation that sealed it.
//!
//! `version ‖ generation ‖ nonce ‖ ciphertext ‖ tag`: 1, 4 (big-endian), 12, n and 16 bytes.

use aeolus_model::{Rng, Secret, Time};

use super::{Aead, GenerationState, Keyring};

const VERSION: u8 = 1;

/// Bytes before the nonce.
pub(super) const PREFIX: usize = 1 + 4;

/// One key for each generation that opens: derived once.
pub(super) struct Generations {
    active: u32,
    keys: Vec<(u32, Aead)>,
}

impl Generations {
    /// The keys for one use of the generations that `opens` accepts at a moment.
    pub(super) fn new(
        (keyring, now): (&Keyring, Time),
        (label, plane): (&str, &[u8]),
        opens: impl Fn(GenerationState) -> bool,
    ) -> Self {
        let opening = keyring.at(now).filter(|(_, state)| opens(*state));
        let keys = opening.filter_map(|(generation, _)| {
            let key = generation.derive(label, plane);
            Some((generation.id, Aead::new(&key)?))
        });
        Self {
            active: keyring.active(now).id,
            keys: keys.collect(),
        }
    }

    /// The number of the one that seals.
    pub(super) const fn active(&self) -> u32 {
        self.active
    }

    /// Seals with the active one; `None` only if the library refuses.
    pub(super) fn seal(&self, aad: &[u8], plain: &[u8], rng: &dyn Rng) -> Option<Vec<u8>> {
        let mut prefix = [VERSION; PREFIX];
        for (to, from) in prefix.iter_mut().skip(1).zip(self.active.to_be_bytes()) {
            *to = from;
        }
        self.key(self.active)?.seal(&prefix, aad, plain, rng)
    }

    /// Opens what one of them sealed with the same associated data, in the same allocation.
    pub(super) fn open(&self, aad: &[u8], sealed: Vec<u8>) -> Option<Secret<Vec<u8>>> {
        let (version, rest) = sealed.split_first()?;
        if *version != VERSION {
            return None;
        }
        let generation = u32::from_be_bytes(*rest.first_chunk()?);
        self.key(generation)?.open(PREFIX, aad, sealed)
    }

    fn key(&self, generation: u32) -> Option<&Aead> {
        let found = self.keys.iter().find(|(id, _)| *id == generation);
        found.map(|(_, key)| key)
    }
}
