//! Passwords: what is accepted and how they are kept (NIST SP 800-63B-4 §3.1.1).

use aeolus_model::{Rng, Secret};
use argon2::password_hash::{CustomizedPasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

/// A password that stands alone has at least so many characters.
const MIN_CHARACTERS: usize = 15;
/// More bytes than this are refused unread: nobody types them, and hashing them costs.
pub(crate) const MAX_BYTES: usize = 1024;
/// What everybody tries first. The list is short because the length rule does most of the work.
const COMMON: [&str; 8] = [
    "123456789012345",
    "1234567890123456",
    "passwordpassword",
    "password1234567",
    "passwordpassword1",
    "qwertyuiopasdfg",
    "qwertyuiopasdfgh",
    "correcthorsebatterystaple",
];

/// A password that can't be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short to stand alone.
    #[error("use at least 15 characters; a few words do")]
    TooShort,
    /// Too long.
    #[error("use at most 1024 bytes")]
    TooLong,
    /// One that everybody tries first, or the person's own address.
    #[error("this password is among the first that are guessed; choose another")]
    Common,
}

/// Whether a password may be chosen. No rules of composition, no trimming: the bytes as sent.
pub fn check_new(password: &Secret<String>, email: &str) -> Result<(), PasswordError> {
    let text = password.expose();
    if text.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    if text.chars().count() < MIN_CHARACTERS {
        return Err(PasswordError::TooShort);
    }
    let lower = text.to_lowercase();
    let mut characters = lower.chars();
    let first = characters.next();
    let same = characters.all(|c| Some(c) == first);
    if same || lower == email || COMMON.contains(&lower.as_str()) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

/// A failure of the hash function itself: out of memory, or a stored hash nobody can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct HashError(String);

/// Argon2id with 19 MiB, two passes, one lane (OWASP's second choice; about 20 ms a core).
fn params() -> Params {
    // The library's defaults are the same today; naming them keeps an update from changing them.
    Params::new(19 * 1024, 2, 1, None).unwrap_or_default()
}

fn argon() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params())
}

/// Hashes the whole password; the answer is a PHC string. Blocks for a core's while.
pub(crate) fn hash(password: &Secret<String>, rng: &dyn Rng) -> Result<String, HashError> {
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    let password = password.expose().as_bytes();
    argon()
        .hash_password_customized(password, &salt, None, None, params())
        .map(|hash| hash.to_string())
        .map_err(|error| HashError(error.to_string()))
}

/// Whether the whole password is the one. A stored hash that can't be read fits nothing. Blocks
/// for a core's while.
pub(crate) fn verify(password: &Secret<String>, stored: &str) -> bool {
    argon()
        .verify_password(password.expose().as_bytes(), stored)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Rng for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn length_counts_characters_and_common_ones_are_refused() {
        let check = |text: &str| check_new(&secret(text), "ann@example.com");
        assert_eq!(check("a few plain words"), Ok(()));
        assert_eq!(check("fourteen chars"), Err(PasswordError::TooShort));
        assert_eq!(check("ää öö üü ßß éé èè"), Ok(()));
        assert_eq!(check("passwordpassword"), Err(PasswordError::Common));
        assert_eq!(check("aaaaaaaaaaaaaaaaaaa"), Err(PasswordError::Common));
        assert_eq!(check("ANN@example.com"), Err(PasswordError::Common));
        assert_eq!(check(&"ab".repeat(513)), Err(PasswordError::TooLong));
    }

    #[test]
    fn a2_the_whole_password_counts_beyond_72_bytes_and_past_nul() {
        let long = "x".repeat(100);
        let stored = hash(&secret(&format!("{long}a")), &Fixed).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify(&secret(&format!("{long}a")), &stored));
        assert!(!verify(&secret(&format!("{long}b")), &stored));
        let nul = hash(&secret("before the nul\0after"), &Fixed).unwrap();
        assert!(!verify(&secret("before the nul\0other"), &nul));
        assert!(!verify(&secret("anything"), "not a hash"));
    }
}
