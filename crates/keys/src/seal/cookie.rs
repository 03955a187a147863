//! Sealed texts: what a browser carries for a gate without being able to read, change or move it.
//!
//! Base64url of what the generations seal. The associated data is purpose, plane and host, each behind
//! its length.

use aeolus_model::{Rng, Secret, Time};

use super::generations::{Generations, PREFIX};
use super::{Keyring, NONCE, TAG};
use crate::base64url;

/// What a sealed text is for; one is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The session cookie of a deployment's host.
    Session,
    /// The session cookie of a host that is reached by a wildcard only: whoever comes to have the
    /// host by its own name, or had it before, has none of its sessions.
    WildcardSession,
    /// The state of a sign-in on its way.
    SignInState,
    /// The `state` of a sign-in that comes back to the plane's sign-in host: which host began it.
    CallbackState,
    /// The 30-second ticket from the plane's sign-in host to a deployment's host.
    Ticket,
    /// The cookie on the parent domain that the older contract knows.
    ParentCookie,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 6] = [
        Self::Session,
        Self::WildcardSession,
        Self::SignInState,
        Self::CallbackState,
        Self::Ticket,
        Self::ParentCookie,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::WildcardSession => "wildcard-session",
            Self::SignInState => "sign-in-state",
            Self::CallbackState => "callback-state",
            Self::Ticket => "ticket",
            Self::ParentCookie => "parent-cookie",
        }
    }
}

/// Why something couldn't be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The host is longer than a host name, or the sealed text than a cookie.
    #[error("the text to seal or its host is too long")]
    TooLong,
    /// The library refused.
    #[error("the cryptographic library refused to seal")]
    Refused,
}

/// A browser keeps 4,096 bytes of a cookie, name and attributes included.
const MAX_TEXT: usize = 4096;

/// Seals with the active generation and opens with all; the keys are derived once.
pub struct Sealer {
    plane: Vec<u8>,
    generations: Generations,
}

impl Sealer {
    /// The sealer of one plane at one moment. Make a new one when the keyring changes, and when the
    /// state of one of its generations does.
    pub fn new(keyring: &Keyring, plane: &[u8], now: Time) -> Self {
        Self {
            plane: plane.to_vec(),
            generations: Generations::new((keyring, now), ("aeolus sealed text", plane), |_| true),
        }
    }

    /// Seals for one purpose and one host. The result is safe in a cookie and in a URL.
    pub fn seal(
        &self,
        purpose: Purpose,
        host: &str,
        plain: &[u8],
        rng: &dyn Rng,
    ) -> Result<String, SealError> {
        if plain.len() > MAX_TEXT / 4 * 3 - PREFIX - NONCE - TAG {
            return Err(SealError::TooLong);
        }
        let aad = Aad::new(purpose, &self.plane, host).ok_or(SealError::TooLong)?;
        let sealed = self.generations.seal(aad.as_slice(), plain, rng);
        sealed.map(base64url::encode).ok_or(SealError::Refused)
    }

    /// Opens what a replica of this plane sealed for this purpose and this host. `None` for all
    /// else: a cookie that can't be opened is no cookie. Allocates once.
    pub fn open(&self, purpose: Purpose, host: &str, text: &[u8]) -> Option<Secret<Vec<u8>>> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let sealed = base64url::decode(text)?;
        let aad = Aad::new(purpose, &self.plane, host)?;
        self.generations.open(aad.as_slice(), sealed)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer(generation {})", self.generations.active())
    }
}

/// Associated data on the stack: each part behind one byte of length.
struct Aad {
    bytes: [u8; 384],
    len: usize,
}

impl Aad {
    fn new(purpose: Purpose, plane: &[u8], host: &str) -> Option<Self> {
        let mut aad = Self {
            bytes: [0; 384],
            len: 0,
        };
        for part in [purpose.name().as_bytes(), plane, host.as_bytes()] {
            aad.push(&[u8::try_from(part.len()).ok()?])?;
            aad.push(part)?;
        }
        Some(aad)
    }

    fn push(&mut self, part: &[u8]) -> Option<()> {
        let end = self.len + part.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(part);
        self.len = end;
        Some(())
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
