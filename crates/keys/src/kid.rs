//! Key ids: RFC 7638 thumbprints.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base64url;

/// A key's id: the SHA-256 of its required JWK members (RFC 7638), so that it follows from the key
/// and nobody can claim another key's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kid([u8; 32]);

/// A text that is no [`Kid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key id is the 43 base64url characters of an RFC 7638 thumbprint")]
pub struct KidError;

impl Kid {
    /// From the bytes in which stores and snapshots keep it.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes in which stores and snapshots keep it.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Kid {
    type Err = KidError;

    fn from_str(text: &str) -> Result<Self, KidError> {
        if text.len() != 43 {
            return Err(KidError);
        }
        let mut bytes = [0; 33];
        let decoded = base64url::decode_slice(text, &mut bytes).ok_or(KidError)?;
        decoded.try_into().map(Self).map_err(|_| KidError)
    }
}

impl TryFrom<String> for Kid {
    type Error = KidError;

    fn try_from(text: String) -> Result<Self, KidError> {
        text.parse()
    }
}

impl From<Kid> for String {
    fn from(kid: Kid) -> Self {
        base64url::encode(kid.0)
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({self})")
    }
}
