//! What the replicas of one plane say to each other: sealed, so that neither the network between
//! them nor whoever stands in it learns or changes anything.
//!
//! `version ‖ generation ‖ nonce ‖ ciphertext ‖ tag`: 1, 4 (big-endian), 12, n and 16 bytes. The
//! associated data is what kind of message it is, the plane, and the question that it answers.

use aeolus_model::{Rng, Secret, Time};

use super::{Aead, GenerationState, Keyring};

/// Which way a message goes. One is never taken for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiblingMessage<'a> {
    /// A replica asks.
    Question,
    /// Another answers this question, as it was sealed.
    AnswerTo(&'a [u8]),
}

/// Seals with the active generation of the plane secret. Opens with it and with the one that was
/// announced, and with none that was retired: a replica that knows nothing yet can't tell whether a
/// thief of the old one is why.
pub struct SiblingSealer {
    plane: Vec<u8>,
    active: u32,
    keys: Vec<(u32, Aead)>,
}

const VERSION: u8 = 1;
const PREFIX: usize = 1 + 4;

impl SiblingSealer {
    /// Of one plane at one moment; see [`super::Sealer::new`].
    pub fn new(keyring: &Keyring, plane: &[u8], now: Time) -> Self {
        let current = keyring
            .at(now)
            .filter(|(_, state)| !matches!(state, GenerationState::Retired { .. }));
        let keys = current.filter_map(|(generation, _)| {
            let key = generation.derive("aeolus siblings", plane);
            Some((generation.id, Aead::new(&key)?))
        });
        Self {
            plane: plane.to_vec(),
            active: keyring.active(now).id,
            keys: keys.collect(),
        }
    }

    /// Seals a message; `None` only if the library refuses.
    pub fn seal(
        &self,
        message: SiblingMessage<'_>,
        plain: &[u8],
        rng: &dyn Rng,
    ) -> Option<Vec<u8>> {
        let mut prefix = [VERSION; PREFIX];
        for (to, from) in prefix.iter_mut().skip(1).zip(self.active.to_be_bytes()) {
            *to = from;
        }
        let key = self.key(self.active)?;
        key.seal(&prefix, &self.aad(message), plain, rng)
    }

    /// Opens what a replica of this plane sealed as this message; `None` for all else.
    pub fn open(&self, message: SiblingMessage<'_>, sealed: Vec<u8>) -> Option<Secret<Vec<u8>>> {
        let (version, rest) = sealed.split_first()?;
        if *version != VERSION {
            return None;
        }
        let generation = u32::from_be_bytes(*rest.first_chunk()?);
        let key = self.key(generation)?;
        key.open(PREFIX, &self.aad(message), sealed)
    }

    fn key(&self, generation: u32) -> Option<&Aead> {
        let found = self.keys.iter().find(|(id, _)| *id == generation);
        found.map(|(_, key)| key)
    }

    /// Each part but the last behind its length.
    fn aad(&self, message: SiblingMessage<'_>) -> Vec<u8> {
        let (kind, question): (&[u8], &[u8]) = match message {
            SiblingMessage::Question => (b"question", b""),
            SiblingMessage::AnswerTo(question) => (b"answer", question),
        };
        let mut aad = Vec::with_capacity(16 + kind.len() + self.plane.len() + question.len());
        for part in [kind, &self.plane] {
            aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
            aad.extend_from_slice(part);
        }
        aad.extend_from_slice(question);
        aad
    }
}

impl std::fmt::Debug for SiblingSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SiblingSealer(generation {})", self.active)
    }
}
