//! Who somebody is at an identity provider.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest stable subject (OIDC Core §2).
const MAX: usize = 255;

/// What names a person at an identity provider for good: its `sub`, or at Entra `TENANT/OBJECT`.
///
/// Compared byte by byte. An e-mail address is none: it passes from one person to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdentitySubject(String);

/// A text that is no stable subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a subject of an identity provider: use 1 to 255 visible ASCII characters")]
pub struct IdentitySubjectError;

impl IdentitySubject {
    /// Takes 1 to 255 characters of visible ASCII; spaces only inside.
    pub fn parse(text: &str) -> Result<Self, IdentitySubjectError> {
        let fits = (1..=MAX).contains(&text.len())
            && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
            && text.trim() == text;
        fits.then(|| Self(text.to_owned()))
            .ok_or(IdentitySubjectError)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdentitySubject {
    type Err = IdentitySubjectError;

    fn from_str(text: &str) -> Result<Self, IdentitySubjectError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for IdentitySubject {
    type Error = IdentitySubjectError;

    fn try_from(text: String) -> Result<Self, IdentitySubjectError> {
        Self::parse(&text)
    }
}

impl From<IdentitySubject> for String {
    fn from(subject: IdentitySubject) -> Self {
        subject.0
    }
}

impl fmt::Display for IdentitySubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t38_odd_subjects_are_nobody() {
        for good in ["auth0|5f7c", "00u1a2", "a b", &"x".repeat(255)] {
            assert!(IdentitySubject::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " a", "a ", "a\0", "a\nb", "\u{202e}a", &"x".repeat(256)] {
            assert!(IdentitySubject::parse(bad).is_err(), "{bad:?}");
        }
    }
}
