//! Time-based one-time passwords (RFC 6238) as every authenticator app knows them: SHA-1, 30 seconds,
//! six digits.
//!
//! SHA-1 is what apps can do; as an HMAC under a random key its collisions don't matter (RFC 6238 §1.2).

use aeolus_model::{Rng, Secret, Time};
use aws_lc_rs::hmac;
use zeroize::Zeroize as _;

use crate::digest;

/// Seconds that a code is shown.
const STEP: i64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;
/// 160 bits, as long as the hash's output (RFC 4226 §4, R6).
const LENGTH: usize = 20;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What an authenticator app and control share.
pub struct TotpSecret(Secret<[u8; LENGTH]>);

impl TotpSecret {
    /// A new one.
    pub fn generate(rng: &(impl Rng + ?Sized)) -> Self {
        let mut bytes = [0; LENGTH];
        rng.fill(&mut bytes);
        let secret = Secret::new(bytes);
        bytes.zeroize();
        Self(secret)
    }

    /// From the bytes that are kept sealed; none if they have another length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Secret::new(bytes)))
    }

    /// The bytes, to be sealed.
    pub fn expose(&self) -> &[u8; LENGTH] {
        self.0.expose()
    }

    /// As people type it into an app (RFC 4648 §6, without padding).
    pub fn base32(&self) -> Secret<String> {
        Secret::new(base32(self.0.expose()))
    }

    /// The code of a moment.
    pub fn code(&self, at: Time) -> Secret<String> {
        Secret::new(self.of_step(step(at)))
    }

    /// The step whose code this is: the present one, or the one before or after it, for clocks that are a
    /// little off (RFC 6238 §5.2). All three are compared, whichever fits. Each step is good once: the
    /// caller refuses one that isn't later than the last.
    pub fn step_of(&self, code: &str, now: Time) -> Option<i64> {
        let now = step(now);
        let mut found = None;
        for step in [now.saturating_sub(1), now, now.saturating_add(1)] {
            if digest::eq(self.of_step(step).as_bytes(), code.as_bytes()) {
                found = Some(step);
            }
        }
        found
    }

    fn of_step(&self, step: i64) -> String {
        format!("{:0DIGITS$}", self.truncated(step) % 1_000_000)
    }

    /// RFC 4226 §5.3.
    fn truncated(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0f);
        let four = tag.get(offset..).and_then(|rest| rest.first_chunk());
        four.map_or(0, |four| u32::from_be_bytes(*four) & 0x7fff_ffff)
    }
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

const fn step(at: Time) -> i64 {
    at.secs().div_euclid(STEP)
}

/// Base32 (RFC 4648 §6) without padding.
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for five in bytes.chunks(5) {
        let mut block = [0; 8];
        for (to, from) in block.iter_mut().skip(3).zip(five) {
            *to = *from;
        }
        let bits = u64::from_be_bytes(block);
        for at in 0..(five.len() * 8).div_ceil(5) {
            let value = (bits >> (35 - 5 * at)) & 31;
            let letter = usize::try_from(value).ok().and_then(|v| ALPHABET.get(v));
            text.push(char::from(letter.copied().unwrap_or(b'A')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference() -> TotpSecret {
        TotpSecret::from_slice(b"12345678901234567890").unwrap()
    }

    /// RFC 6238, appendix B: the vectors of SHA-1, which have eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (at, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            let step = at / STEP;
            assert_eq!(reference().truncated(step) % 100_000_000, code, "{at}");
        }
        let shown = reference().code(Time::from_secs(1_111_111_109));
        assert_eq!(shown.expose(), "081804");
    }

    #[test]
    fn one_step_around_is_good_and_no_further() {
        let secret = reference();
        let code = secret.code(Time::from_secs(3000));
        let at = |secs| secret.step_of(code.expose(), Time::from_secs(secs));
        assert_eq!(at(3000), Some(100));
        assert_eq!(at(2970), Some(100));
        assert_eq!(at(3059), Some(100));
        assert_eq!(at(2969), None);
        assert_eq!(at(3060), None);
        for odd in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert_eq!(secret.step_of(odd, Time::from_secs(3000)), None);
        }
    }

    /// RFC 4648 §10.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(reference().base32().expose().len(), 32);
    }

    proptest! {
        #[test]
        fn what_is_typed_is_only_ever_compared(typed in ".{0,40}", secs in 0..4_000_000_000_i64) {
            let found = reference().step_of(&typed, Time::from_secs(secs));
            prop_assert!(found.is_none_or(|step| (step - secs / STEP).abs() <= 1));
        }
    }
}
