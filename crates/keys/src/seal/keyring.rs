//! Generations of a plane secret. They live on the plane's replicas and never at control.

use aeolus_model::{Rng, Secret};
use aws_lc_rs::hkdf;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::base64url;

/// Where a generation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GenerationState {
    /// Known to the replicas, opens what another replica sealed already, seals nothing yet.
    Announced,
    /// Seals and opens. There is exactly one.
    Active,
    /// Opens what is still out.
    Retired,
}

/// One generation of the secret.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Its number, counted from 1, in the clear in everything it seals.
    pub id: u32,
    /// Where it stands.
    pub state: GenerationState,
    /// The secret itself; derive from it, never use it.
    pub secret: Secret<[u8; 32]>,
}

impl Generation {
    /// A key of its own for each use: HKDF-SHA256 (RFC 5869) with the label as salt and `info` as
    /// info.
    pub fn derive(&self, label: &str, info: &[u8]) -> Secret<[u8; 32]> {
        derive(&self.secret, label, info)
    }
}

pub(crate) fn derive(secret: &Secret<[u8; 32]>, label: &str, info: &[u8]) -> Secret<[u8; 32]> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, label.as_bytes());
    let mut key = [0; 32];
    let info = [info];
    let filled = salt
        .extract(secret.expose())
        .expand(&info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key));
    if filled.is_err() {
        // HKDF fails only above 255 blocks; a key of zeros must not leave here in any case.
        std::process::abort();
    }
    let derived = Secret::new(key);
    key.zeroize();
    derived
}

/// A transition that the generations don't allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerationError {
    /// No generation has that number, or it is past that stage.
    #[error("no generation in that state has this number")]
    NoSuch,
    /// The active generation can't go before another is active.
    #[error("the active generation can't be taken away: activate another one first")]
    Active,
    /// 4,294,967,295 generations are enough.
    #[error("no generation number is left")]
    Exhausted,
    /// Not the form in which a keyring is kept.
    #[error("the keyring file is damaged or not a keyring")]
    Malformed,
}

/// The generations of one plane, oldest first, exactly one of them active.
#[derive(Clone, Debug)]
pub struct Keyring(Vec<Generation>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnDisk {
    version: u8,
    generations: Vec<OnDiskGeneration>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct OnDiskGeneration {
    #[zeroize(skip)]
    id: u32,
    #[zeroize(skip)]
    state: GenerationState,
    secret: String,
}

impl Keyring {
    /// A keyring with one active generation.
    pub fn generate(rng: &dyn Rng) -> Self {
        Self(vec![Generation {
            id: 1,
            state: GenerationState::Active,
            secret: random(rng),
        }])
    }

    /// The generation that seals.
    pub fn active(&self) -> &Generation {
        let active = |g: &&Generation| g.state == GenerationState::Active;
        match self.0.iter().find(active) {
            Some(generation) => generation,
            // Every constructor and transition keeps exactly one.
            None => std::process::abort(),
        }
    }

    /// A generation by its number.
    pub fn get(&self, id: u32) -> Option<&Generation> {
        self.0.iter().find(|generation| generation.id == id)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Generation> {
        self.0.iter()
    }

    /// Adds a generation that all replicas must have before one of them activates it.
    pub fn announce(&mut self, rng: &dyn Rng) -> Result<u32, GenerationError> {
        let newest = self.0.iter().map(|generation| generation.id).max();
        let id = newest.unwrap_or(0).checked_add(1);
        let id = id.ok_or(GenerationError::Exhausted)?;
        self.0.push(Generation {
            id,
            state: GenerationState::Announced,
            secret: random(rng),
        });
        Ok(id)
    }

    /// Makes an announced generation the active one; the active one so far is retired.
    pub fn activate(&mut self, id: u32) -> Result<(), GenerationError> {
        let announced = |g: &&Generation| g.id == id && g.state == GenerationState::Announced;
        if !self.0.iter().any(|g| announced(&g)) {
            return Err(GenerationError::NoSuch);
        }
        for generation in &mut self.0 {
            if generation.id == id {
                generation.state = GenerationState::Active;
            } else if generation.state == GenerationState::Active {
                generation.state = GenerationState::Retired;
            }
        }
        Ok(())
    }

    /// Removes a generation for good: what it sealed opens no more.
    pub fn retire(&mut self, id: u32) -> Result<(), GenerationError> {
        match self.get(id).map(|generation| generation.state) {
            None => Err(GenerationError::NoSuch),
            Some(GenerationState::Active) => Err(GenerationError::Active),
            Some(_) => {
                self.0.retain(|generation| generation.id != id);
                Ok(())
            }
        }
    }

    /// Removes every generation below the snapshot's `min_generation`.
    pub fn retire_below(&mut self, min: u32) -> Result<(), GenerationError> {
        if self.active().id < min {
            return Err(GenerationError::Active);
        }
        self.0.retain(|generation| generation.id >= min);
        Ok(())
    }

    /// From the form in which a replica keeps it (mode 0600).
    pub fn from_json(json: &[u8]) -> Result<Self, GenerationError> {
        let malformed = |_| GenerationError::Malformed;
        let text = crate::json::strict_object(json, crate::json::DOCUMENT_VALUES);
        let text = text.map_err(|_| GenerationError::Malformed)?;
        let file: OnDisk = serde_json::from_str(text).map_err(malformed)?;
        let generations = file.generations.iter().map(|generation| {
            Some(Generation {
                id: generation.id,
                state: generation.state,
                secret: Secret::new(base64url::decode_array(&generation.secret)?),
            })
        });
        let generations: Option<Vec<_>> = generations.collect();
        let generations = generations.ok_or(GenerationError::Malformed)?;
        let active = |g: &&Generation| g.state == GenerationState::Active;
        let one_active = generations.iter().filter(active).count() == 1;
        let ascending = generations.is_sorted_by(|a, b| a.id < b.id);
        if file.version == 1 && one_active && ascending {
            Ok(Self(generations))
        } else {
            Err(GenerationError::Malformed)
        }
    }

    /// The form in which a replica keeps it.
    pub fn to_json(&self) -> Secret<String> {
        let generations = self.0.iter().map(|generation| OnDiskGeneration {
            id: generation.id,
            state: generation.state,
            secret: base64url::encode(generation.secret.expose()),
        });
        let file = OnDisk {
            version: 1,
            generations: generations.collect(),
        };
        Secret::new(serde_json::to_string(&file).unwrap_or_default())
    }
}

fn random(rng: &dyn Rng) -> Secret<[u8; 32]> {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    let secret = Secret::new(bytes);
    bytes.zeroize();
    secret
}
