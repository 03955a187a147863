//! Ids of requests and spans: unique, unpredictable, made without asking the system.

use std::hash::Hasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use aeolus_model::Rng;
use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// A counter behind a keyed hash.
pub struct Ids {
    key: SipHasher24,
    next: AtomicU64,
}

impl Ids {
    /// With a key of its own.
    pub fn new(rng: &dyn Rng) -> Self {
        let mut key = [0; 16];
        rng.fill(&mut key);
        Self {
            key: SipHasher24::new_with_key(&key),
            next: AtomicU64::new(0),
        }
    }

    /// The next id; never 0, which traces use for none.
    pub fn next(&self) -> u128 {
        let mut hasher = self.key;
        hasher.write_u64(self.next.fetch_add(1, Ordering::Relaxed));
        hasher.finish128().as_u128().max(1)
    }

    /// The same in 64 bits.
    pub fn next_short(&self) -> u64 {
        let half = u64::try_from(self.next() >> 64).unwrap_or(1);
        half.max(1)
    }
}
