//! Randomness that a test can name and repeat.

use std::sync::{Mutex, PoisonError};

use aeolus_model::Rng;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A generator whose bytes follow from its name alone: the same name gives the same test on every
/// machine, and a child named by its use doesn't shift when another use draws more.
#[derive(Debug)]
pub struct SeededRng {
    seed: u64,
    state: Mutex<ChaCha20Rng>,
}

impl SeededRng {
    /// The generator called `name`.
    pub fn new(name: &str) -> Self {
        Self::from_seed(fnv1a(FNV_OFFSET, name))
    }

    /// The generator called `name` below this one. It doesn't depend on what was drawn before.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self::from_seed(fnv1a(fnv1a(self.seed, "/"), name))
    }

    fn from_seed(seed: u64) -> Self {
        let state = Mutex::new(ChaCha20Rng::seed_from_u64(seed));
        Self { seed, state }
    }
}

impl Rng for SeededRng {
    fn fill(&self, buffer: &mut [u8]) {
        // A test that panicked while drawing leaves a generator that is still good.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.fill_bytes(buffer);
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv1a(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(rng: &SeededRng) -> [u8; 16] {
        let mut bytes = [0; 16];
        rng.fill(&mut bytes);
        bytes
    }

    #[test]
    fn the_name_decides_the_bytes() {
        assert_eq!(draw(&SeededRng::new("a")), draw(&SeededRng::new("a")));
        assert_ne!(draw(&SeededRng::new("a")), draw(&SeededRng::new("b")));
    }

    #[test]
    fn a_generator_moves_on() {
        let rng = SeededRng::new("a");
        assert_ne!(draw(&rng), draw(&rng));
    }

    #[test]
    fn a_child_does_not_depend_on_what_was_drawn() {
        let (fresh, used) = (SeededRng::new("a"), SeededRng::new("a"));
        draw(&used);
        assert_eq!(draw(&fresh.child("ids")), draw(&used.child("ids")));
        assert_ne!(draw(&fresh.child("ids")), draw(&fresh.child("keys")));
    }
}
