//! What a person types: eight of twenty consonants, so that no word comes out and nothing is mistaken for
//! something else (RFC 8628 §6.1). That is 34 bits, which only a short life and few guesses make enough.

use aeolus_keys::digest;
use aeolus_model::{Rng, Secret};
use aeolus_store::Digest;

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
const LABEL: &[u8] = b"device user code";

/// A user code as it is compared: without its hyphen.
pub(super) struct UserCode(String);

impl UserCode {
    /// A new one.
    pub(super) fn new(rng: &dyn Rng) -> Self {
        let mut code = String::with_capacity(LENGTH);
        while code.len() < LENGTH {
            let mut byte = [0];
            rng.fill(&mut byte);
            // 240 is the last multiple of 20 in a byte: what is above would make some letters likelier.
            if byte[0] < 240
                && let Some(letter) = ALPHABET.get(usize::from(byte[0] % 20))
            {
                code.push(char::from(*letter));
            }
        }
        Self(code)
    }

    /// Reads what was typed: case, hyphens and spaces don't matter.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        let plain = |c: &char| !matches!(c, '-' | ' ');
        let code: String = typed.chars().filter(plain).take(LENGTH + 1).collect();
        let code = code.to_ascii_uppercase();
        let known = code.bytes().all(|byte| ALPHABET.contains(&byte));
        (known && code.len() == LENGTH).then_some(Self(code))
    }

    /// As people read it.
    pub(super) fn shown(&self) -> String {
        let (first, second) = self.0.split_at(LENGTH / 2);
        format!("{first}-{second}")
    }

    /// What is kept of it. All codes could be tried against a plain digest: this one takes a key that
    /// follows from the master key.
    pub(super) fn digest(&self, key: &Secret<[u8; 32]>) -> Digest {
        digest::hmac(key.expose(), &[LABEL, self.0.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use aeolus_testkit::SeededRng;

    use super::*;

    #[test]
    fn every_letter_is_drawn_and_every_code_is_read_back() {
        let rng = SeededRng::new("user-codes");
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..1_000 {
            let code = UserCode::new(&rng);
            let shown = code.shown();
            assert_eq!(shown.len(), 9);
            assert_eq!(UserCode::parse(&shown).unwrap().0, code.0);
            for letter in code.0.bytes() {
                *seen.entry(letter).or_insert(0) += 1;
            }
        }
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), ALPHABET);
        // 400 of each are expected.
        assert!(
            seen.values().all(|count| (300..500).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn what_people_type_is_read_and_what_no_code_is_is_not() {
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk", "b-c-d-f-g-h-j-k"] {
            assert_eq!(UserCode::parse(typed).unwrap().0, "BCDFGHJK", "{typed}");
        }
        for bad in [
            "",
            "BCDF",
            "BCDFGHJKL",
            "ACDFGHJK",
            "BCDF_GHJK",
            "ßCDFGHJK",
            "BCDFGHJ\u{212a}",
        ] {
            assert!(UserCode::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_digest_takes_the_key() {
        let code = UserCode::parse("BCDFGHJK").unwrap();
        let digest = |key| code.digest(&Secret::new([key; 32]));
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }
}
