//! Attempts whose code was exchanged, or tried to be: each is worth one exchange here, however often somebody who
//! kept its cookie comes back. In memory and bounded, for strangers begin as many as they like.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use aeolus_keys::digest;
use aeolus_model::Time;

use super::attempts::LIFE;

/// So many are remembered at least: each of them was an exchange that somebody waited for.
const MOST: usize = 50_000;

/// A part of the SHA-256 of an attempt's state.
type Key = [u8; 16];

/// The attempts of lately, in two halves of which the older is forgotten.
#[derive(Default)]
pub(super) struct Spent(Mutex<Halves>);

#[derive(Default)]
struct Halves {
    began: Option<Time>,
    newer: HashSet<Key>,
    older: HashSet<Key>,
}

impl Spent {
    /// Spends one; says whether it wasn't.
    pub(super) fn spend(&self, state: &str, now: Time) -> bool {
        let hash = digest::sha256(state.as_bytes());
        let mut key = Key::default();
        key.copy_from_slice(hash.get(..16).unwrap_or(&[0; 16]));
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.turn(now);
        !halves.older.contains(&key) && halves.newer.insert(key)
    }
}

impl Halves {
    fn turn(&mut self, now: Time) {
        let began = *self.began.get_or_insert(now);
        if self.newer.len() >= MOST || now.since(began) >= LIFE {
            self.older = std::mem::take(&mut self.newer);
            self.began = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_spent_once_for_as_long_as_it_lasts_and_memory_is_bounded() {
        let spent = Spent::default();
        let at = |secs: i64| Time::from_secs(1_000 + secs);
        assert!(spent.spend("first", at(0)));
        for secs in [0_i64, 599, 600, 1_199] {
            assert!(!spent.spend("first", at(secs)), "{secs}");
        }
        for n in 0..3 * MOST {
            assert!(spent.spend(&n.to_string(), at(1_200)));
        }
        let halves = spent.0.lock().unwrap();
        assert!(halves.newer.len() <= MOST && halves.older.len() <= MOST);
    }
}
