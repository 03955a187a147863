//! Generations of a plane secret. They live on the plane's replicas and never at control.
//!
//! A generation is announced first, so that every replica opens, and every Airflow believes, what
//! it makes before the first replica uses it. When it takes over is written beside it: replicas
//! that have the same file agree at every moment without talking to each other.

use std::sync::Arc;
use std::time::Duration;

use aeolus_model::{Rng, Secret, Time};
use aws_lc_rs::hkdf;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Alg, KeyError, SigningKey, base64url};

/// How long a retired generation still opens what it sealed: a day longer than any session.
pub const OPENS_FOR: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// Where a generation stands at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationState {
    /// Opens and is published, because another replica may use it already; makes nothing yet.
    Announced,
    /// Seals and signs. There is exactly one.
    Active,
    /// Opens what is still out, for [`OPENS_FOR`].
    Retired {
        /// When the next one took over.
        since: Time,
    },
}

/// One generation of the secret.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Its number, counted from 1, in the clear in everything it seals.
    pub id: u32,
    /// From when on it is the active one. Whatever the first one says, it has always begun.
    pub begins: Time,
    /// The secret itself; derive from it, never use it.
    pub secret: Secret<[u8; 32]>,
    /// Signs for Airflow 2, whose libraries don't know Ed25519. It can't be derived, so it is kept.
    pub rsa: Option<Arc<SigningKey>>,
}

impl Generation {
    /// A key of its own for each use: HKDF-SHA256 (RFC 5869) with the label as salt and `info` as
    /// info.
    pub fn derive(&self, label: &str, info: &[u8]) -> Secret<[u8; 32]> {
        derive(&self.secret, label, info)
    }

    /// The P-256 key that follows from the secret for one use: the first derived number that is a private
    /// key. `info` has one length for each label.
    pub fn derive_p256(&self, label: &str, info: &[u8]) -> Result<SigningKey, KeyError> {
        // Of 2^32 numbers one is none: the second attempt is for the sake of order.
        let attempts = 0..=u8::MAX;
        let mut derived = attempts.map(|attempt| self.derive(label, &[info, &[attempt]].concat()));
        derived
            .find_map(|scalar| SigningKey::p256_from_scalar(&scalar).ok())
            .ok_or(KeyError::Refused)
    }

    /// 16 hexadecimal digits by which people compare the files of two replicas. They say nothing of
    /// the secret.
    pub fn fingerprint(&self) -> String {
        let derived = self.derive("aeolus fingerprint", b"");
        let shown = derived.expose().first_chunk().copied();
        format!("{:016x}", u64::from_be_bytes(shown.unwrap_or_default()))
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

/// What can't be done with a keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerationError {
    /// A generation waits for its time already.
    #[error("generation {id} is announced and has not taken over yet")]
    Announced {
        /// Its number.
        id: u32,
        /// When it will be the active one.
        begins: Time,
    },
    /// 4,294,967,295 generations are enough.
    #[error("no generation number is left")]
    Exhausted,
    /// Not the form in which a keyring is kept.
    #[error("the keyring file is damaged or not a keyring")]
    Malformed,
}

/// The generations of one plane, oldest first; never none.
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
    /// Seconds. Absent from version 1, which had one generation and said that it is active.
    #[zeroize(skip)]
    #[serde(default)]
    begins: i64,
    secret: String,
    /// PKCS#8, as base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rsa: Option<String>,
    #[zeroize(skip)]
    #[serde(default, skip_serializing)]
    state: Option<String>,
}

impl Keyring {
    /// A keyring with one generation.
    pub fn generate(rng: &dyn Rng) -> Self {
        Self(vec![Generation {
            id: 1,
            begins: Time::EPOCH,
            secret: random(rng),
            rsa: None,
        }])
    }

    /// Adds a generation that takes over at `begins`, and drops those that open nothing any more.
    /// One at a time: the next must not overtake this one.
    pub fn announce(
        &mut self,
        (now, begins): (Time, Time),
        rsa: Option<Arc<SigningKey>>,
        rng: &dyn Rng,
    ) -> Result<u32, GenerationError> {
        let waiting = |(_, state): &(_, GenerationState)| *state == GenerationState::Announced;
        if let Some((waits, _)) = self.at(now).find(waiting) {
            let (id, begins) = (waits.id, waits.begins);
            return Err(GenerationError::Announced { id, begins });
        }
        let id = self.next_id()?;
        let kept: Vec<_> = self.at(now).map(|(kept, _)| kept.clone()).collect();
        self.0 = kept;
        // To the second, as it is kept; and in order, whatever the clock says.
        let newest = self.0.last().map_or(Time::EPOCH, |newest| newest.begins);
        self.0.push(Generation {
            id,
            begins: Time::from_secs(begins.secs()).max(newest),
            secret: random(rng),
            rsa,
        });
        Ok(id)
    }

    /// Puts a new generation in the place of all others, at once: what they made is believed no
    /// more. Its number is `min` at least.
    pub fn replace(
        &mut self,
        min: u32,
        rsa: Option<Arc<SigningKey>>,
        rng: &dyn Rng,
    ) -> Result<u32, GenerationError> {
        let id = self.next_id()?.max(min);
        self.0 = vec![Generation {
            id,
            begins: Time::EPOCH,
            secret: random(rng),
            rsa,
        }];
        Ok(id)
    }

    /// Gives the RSA key of a plane that has none in its keyring to the oldest generation.
    pub fn adopt_rsa(&mut self, key: Arc<SigningKey>) {
        if let (false, Some(oldest)) = (self.has_rsa(), self.0.first_mut()) {
            oldest.rsa = Some(key);
        }
    }

    /// The generations from number `min` on; none if that leaves none.
    pub fn from_generation(&self, min: u32) -> Option<Self> {
        let kept = self.0.iter().filter(|generation| generation.id >= min);
        let kept: Vec<_> = kept.cloned().collect();
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// Whether there is an RSA key.
    pub fn has_rsa(&self) -> bool {
        self.0.iter().any(|generation| generation.rsa.is_some())
    }

    /// The generation that seals and signs.
    pub fn active(&self, now: Time) -> &Generation {
        match self.0.get(self.active_index(now)) {
            Some(generation) => generation,
            // Every constructor and transition keeps at least one.
            None => std::process::abort(),
        }
    }

    /// The RSA key that signs: the newest that has begun, among those that there are.
    pub fn active_rsa(&self, now: Time) -> Option<&Arc<SigningKey>> {
        let with = self.0.iter().filter(|generation| generation.rsa.is_some());
        let begun = with.clone().rfind(|generation| generation.begins <= now);
        begun.or_else(|| with.clone().next())?.rsa.as_ref()
    }

    /// The newest number.
    pub fn newest(&self) -> u32 {
        self.0.last().map_or(0, |generation| generation.id)
    }

    /// Those that count, oldest first, and where each stands.
    pub fn at(&self, now: Time) -> impl Iterator<Item = (&Generation, GenerationState)> {
        let active = self.active_index(now);
        let next = self.0.iter().skip(1).map(|next| Some(next.begins));
        let with_next = self.0.iter().zip(next.chain([None]));
        let standing = with_next
            .enumerate()
            .map(move |(index, (generation, next))| {
                let state = match next {
                    Some(since) if index < active => GenerationState::Retired { since },
                    _ if index == active => GenerationState::Active,
                    _ => GenerationState::Announced,
                };
                (generation, state)
            });
        standing.filter(move |(_, state)| match state {
            GenerationState::Retired { since } => now < since.plus(OPENS_FOR),
            GenerationState::Announced | GenerationState::Active => true,
        })
    }

    fn active_index(&self, now: Time) -> usize {
        let begun = self
            .0
            .iter()
            .rposition(|generation| generation.begins <= now);
        begun.unwrap_or(0)
    }

    fn next_id(&self) -> Result<u32, GenerationError> {
        self.newest()
            .checked_add(1)
            .ok_or(GenerationError::Exhausted)
    }

    /// From the form in which a replica keeps it (mode 0600).
    pub fn from_json(json: &[u8]) -> Result<Self, GenerationError> {
        let malformed = |_| GenerationError::Malformed;
        let text = crate::json::strict_object(json, crate::json::DOCUMENT_VALUES);
        let text = text.map_err(|_| GenerationError::Malformed)?;
        let file: OnDisk = serde_json::from_str(text).map_err(malformed)?;
        let only_active = |g: &OnDiskGeneration| {
            (g.state.as_deref(), g.begins, &g.rsa) == (Some("active"), 0, &None)
        };
        let known = match (file.version, file.generations.as_slice()) {
            (1, [only]) => only_active(only),
            (2, all) => !all.is_empty() && all.iter().all(|g| g.state.is_none() && g.begins >= 0),
            _ => false,
        };
        let generations = file.generations.iter().map(OnDiskGeneration::read);
        let generations: Option<Vec<_>> = generations.collect();
        let generations = generations.ok_or(GenerationError::Malformed)?;
        let ascending = generations.is_sorted_by(|a, b| a.id < b.id && a.begins <= b.begins);
        if known && ascending {
            Ok(Self(generations))
        } else {
            Err(GenerationError::Malformed)
        }
    }

    /// The form in which a replica keeps it.
    pub fn to_json(&self) -> Result<Secret<String>, KeyError> {
        let mut generations = Vec::with_capacity(self.0.len());
        for generation in &self.0 {
            let rsa = generation.rsa.as_ref().map(|key| key.to_pkcs8());
            let rsa = rsa.transpose()?;
            generations.push(OnDiskGeneration {
                id: generation.id,
                begins: generation.begins.secs(),
                secret: base64url::encode(generation.secret.expose()),
                rsa: rsa.map(|pkcs8| base64url::encode(pkcs8.expose())),
                state: None,
            });
        }
        let file = OnDisk {
            version: 2,
            generations,
        };
        let json = serde_json::to_string(&file).map_err(|_| KeyError::Refused)?;
        Ok(Secret::new(json))
    }
}

impl OnDiskGeneration {
    fn read(&self) -> Option<Generation> {
        let rsa = match &self.rsa {
            None => None,
            Some(text) => Some(rsa_key(text)?),
        };
        Some(Generation {
            id: self.id,
            begins: Time::from_secs(self.begins),
            secret: Secret::new(base64url::decode_array(&self.secret)?),
            rsa,
        })
    }
}

fn rsa_key(text: &str) -> Option<Arc<SigningKey>> {
    let pkcs8 = Secret::new(base64url::decode(text)?);
    let key = SigningKey::from_pkcs8(&pkcs8).ok()?;
    (key.public().alg() == Alg::Rs256).then(|| Arc::new(key))
}

fn random(rng: &dyn Rng) -> Secret<[u8; 32]> {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    let secret = Secret::new(bytes);
    bytes.zeroize();
    secret
}
