//! Which key may have signed what.

use crate::jws::{JwsError, Unverified, Verified};
use crate::{KeyError, Kid, Kind, PublicKey};

/// The keys of **one issuer** by (kind, kid).
///
/// A token names a kid; the ring answers only if that key serves the kind asked for. A slot's
/// number stays good for the life of the ring, so that a cache can keep it instead of a key.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    slots: Vec<(Kind, PublicKey)>,
}

impl KeyRing {
    /// Adds a key and returns its slot; adding it again changes nothing. Refuses a key of another
    /// algorithm than the kind's and a key that serves another kind already.
    pub fn insert(&mut self, kind: Kind, key: PublicKey) -> Result<u16, KeyError> {
        if key.alg() != kind.alg() {
            return Err(KeyError::WrongAlg(key.alg()));
        }
        if let Some(slot) = self.get_slot(kind, &key.kid()) {
            return Ok(slot);
        }
        let taken = |(other, held): &(Kind, PublicKey)| {
            held.kid() == key.kid() && !other.may_share_key(kind)
        };
        if self.slots.iter().any(taken) {
            return Err(KeyError::OtherKind);
        }
        let slot = u16::try_from(self.slots.len()).map_err(|_| KeyError::TooLarge)?;
        self.slots.push((kind, key));
        Ok(slot)
    }

    /// The key that signs `kind` under the id `id`.
    pub fn get(&self, kind: Kind, id: &Kid) -> Option<&PublicKey> {
        self.key(self.get_slot(kind, id)?)
    }

    /// The slot of that key. Rings hold a handful of keys: comparing ids beats hashing them.
    pub fn get_slot(&self, kind: Kind, id: &Kid) -> Option<u16> {
        let found = |(held, key): &(Kind, PublicKey)| *held == kind && key.kid() == *id;
        self.slots
            .iter()
            .position(found)
            .and_then(|slot| u16::try_from(slot).ok())
    }

    /// The key in a slot.
    pub fn key(&self, slot: u16) -> Option<&PublicKey> {
        self.slots.get(usize::from(slot)).map(|(_, key)| key)
    }

    /// Which of `kinds` the key serves: for an entry that takes several kinds, such as a bearer
    /// token.
    pub fn kind_of(&self, kid: &Kid, kinds: &[Kind]) -> Option<Kind> {
        let held = |(kind, key): &&(Kind, PublicKey)| key.kid() == *kid && kinds.contains(kind);
        self.slots.iter().find(held).map(|(kind, _)| *kind)
    }

    /// Finds the key and verifies in one step.
    pub fn verify(&self, kind: Kind, token: Unverified<'_>) -> Result<Verified, JwsError> {
        let key = self.get(kind, &token.kid()).ok_or(JwsError::Kid)?;
        token.verify(kind, key)
    }

    /// Every slot in order.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &PublicKey)> {
        self.slots.iter().map(|(kind, key)| (*kind, key))
    }
}
