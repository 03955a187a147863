//! What the replicas of one plane say to each other: sealed, so that neither the network between
//! them nor whoever stands in it learns or changes anything.
//!
//! The associated data is what kind of message it is, the plane, and the question that it answers.

use aeolus_model::{Rng, Secret, Time};

use super::generations::Generations;
use super::{GenerationState, Keyring};

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
    generations: Generations,
}

impl SiblingSealer {
    /// Of one plane at one moment; see [`super::Sealer::new`].
    pub fn new(keyring: &Keyring, plane: &[u8], now: Time) -> Self {
        let current = |state| !matches!(state, GenerationState::Retired { .. });
        Self {
            plane: plane.to_vec(),
            generations: Generations::new((keyring, now), ("aeolus siblings", plane), current),
        }
    }

    /// Seals a message; `None` only if the library refuses.
    pub fn seal(
        &self,
        message: SiblingMessage<'_>,
        plain: &[u8],
        rng: &dyn Rng,
    ) -> Option<Vec<u8>> {
        self.generations.seal(&self.aad(message), plain, rng)
    }

    /// Opens what a replica of this plane sealed as this message; `None` for all else.
    pub fn open(&self, message: SiblingMessage<'_>, sealed: Vec<u8>) -> Option<Secret<Vec<u8>>> {
        self.generations.open(&self.aad(message), sealed)
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
        write!(f, "SiblingSealer(generation {})", self.generations.active())
    }
}
