//! The chain of the audit log: each line's hash covers the hash before it, so that a line can't be
//! changed, taken out, put in or moved without every later hash being another. See design note 017.
//!
//! There is a chain of the installation, with every line, and one of each organization, with its own
//! lines only, so that an organization can verify what it may read.

mod export;
mod walk;

use std::fmt;
use std::str::FromStr;

use aeolus_model::OrganizationId;

use crate::digest::sha256;

pub use export::{Export, ExportError, Finding, Footer, Header, Line, MAX_LINE, Stated, Verified};
pub use walk::{Fault, Walk};

/// Whose lines a chain has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every line there is.
    Installation,
    /// The lines of one organization.
    Organization(OrganizationId),
}

impl Scope {
    /// 16 bytes: zeros, or the organization's id.
    pub fn to_bytes(self) -> [u8; 16] {
        match self {
            Self::Installation => [0; 16],
            Self::Organization(id) => *id.as_bytes(),
        }
    }

    /// From what [`Self::to_bytes`] gives.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        match bytes {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => Self::Installation,
            bytes => Self::Organization(OrganizationId::from_bytes(bytes)),
        }
    }
}

const INSTALLATION: &str = "installation";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str(INSTALLATION),
            Self::Organization(id) => id.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Self, ChainError> {
        if text == INSTALLATION {
            return Ok(Self::Installation);
        }
        let id = text.parse().map_err(|_| ChainError)?;
        Ok(Self::Organization(id))
    }
}

/// A text that is no hash or no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hash of 64 hex digits, or not a scope")]
pub struct ChainError;

/// A SHA-256 of the chain, written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the first line of every chain.
    pub const ZERO: Self = Self([0; 32]);

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = ChainError;

    /// Lower-case digits only: a hash has one spelling.
    fn from_str(text: &str) -> Result<Self, ChainError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(ChainError),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(ChainError);
        };
        let bytes = pairs
            .iter()
            .map(|[high, low]| Ok(digit(*high)? * 16 + digit(*low)?));
        let bytes = bytes.collect::<Result<Vec<u8>, ChainError>>()?;
        bytes.try_into().map(Self).map_err(|_| ChainError)
    }
}

/// Serialized as text.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(Hash, Scope);

/// A line's place: the position of its transaction in the feed, and its place in that, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The transaction's position.
    pub position: u64,
    /// The line's place in it.
    pub ordinal: u32,
}

/// A chain up to some line: how many lines, and the hash of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Link {
    /// The line's number, from 1; 0 before the first.
    pub line: u64,
    /// Its hash.
    pub hash: Hash,
}

impl Link {
    /// Before the first line.
    pub const START: Self = Self {
        line: 0,
        hash: Hash::ZERO,
    };

    /// The chain with one more line. Every part has a fixed length or is preceded by it, so no two
    /// different lines are hashed as the same bytes.
    #[must_use]
    pub fn next(&self, scope: Scope, place: Place, event: &[u8]) -> Self {
        let line = self.line.saturating_add(1);
        let mut bytes = Vec::with_capacity(LABEL.len() + 16 + 32 + 8 + 8 + 4 + 8 + event.len());
        bytes.extend_from_slice(LABEL);
        bytes.extend_from_slice(&scope.to_bytes());
        bytes.extend_from_slice(&self.hash.0);
        bytes.extend_from_slice(&line.to_be_bytes());
        bytes.extend_from_slice(&place.position.to_be_bytes());
        bytes.extend_from_slice(&place.ordinal.to_be_bytes());
        bytes.extend_from_slice(&(event.len() as u64).to_be_bytes());
        bytes.extend_from_slice(event);
        Self {
            line,
            hash: Hash(sha256(&bytes)),
        }
    }
}

/// What is hashed first: nothing else that is hashed here begins with it.
const LABEL: &[u8] = b"aeolus-audit-1\0";

#[cfg(test)]
mod tests;
