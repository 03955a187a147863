//! The plane secret in force: what seals cookies and signs for Airflow at this moment.
//!
//! Generations change their state by time alone, and the file that holds them may be replaced while
//! the gate runs. Both are looked after off the requests' path; requests find a finished value.

mod clients;
mod watch;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aeolus_keys::seal::{GenerationState, Keyring, Sealer, SiblingSealer};
use aeolus_model::{PlaneId, Time};
use arc_swap::{ArcSwapOption, Guard};

use crate::exchange::{Signers, is_published};
use crate::replica::lock;

pub use clients::ClientKeys;
pub(crate) use watch::{Watch, say_if_airflow2_goes_unserved};

/// The plane secret of a running gate.
pub struct PlaneSecret {
    plane: PlaneId,
    keyring: Mutex<Keyring>,
    in_force: ArcSwapOption<InForce>,
    /// How often what is in force was replaced.
    changes: AtomicU64,
}

/// What follows from the generations at one moment.
pub struct InForce {
    /// Seals and opens cookies.
    pub sealer: Sealer,
    /// Seals what replicas of the plane say to each other.
    pub siblings: SiblingSealer,
    /// Signs for Airflow.
    pub(crate) signers: Signers,
    /// Signs for the plane's clients at identity providers.
    pub(crate) clients: ClientKeys,
    standing: Vec<Standing>,
}

/// Number and state of a generation, and whether its public keys are shown.
type Standing = (u32, GenerationState, bool);

/// A file that is older than what is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "its newest generation is {offered}, and generation {known} is known here already: a rotation would be undone"
)]
pub struct Older {
    /// The newest generation of the file.
    pub offered: u32,
    /// The newest that is known.
    pub known: u32,
}

impl PlaneSecret {
    /// The secret of a plane. Generations below `min` are refused: the snapshot says so.
    pub fn new(plane: PlaneId, keyring: Keyring, now: Time, min: u32) -> Self {
        let in_force = counting(plane, &keyring, now, min);
        Self {
            plane,
            keyring: Mutex::new(keyring),
            in_force: ArcSwapOption::new(in_force),
            changes: AtomicU64::new(0),
        }
    }

    /// What is in force; none if the snapshot refuses every generation. Then no cookie opens, and
    /// nothing is signed.
    pub fn load(&self) -> Guard<Option<Arc<InForce>>> {
        self.in_force.load()
    }

    /// Takes other generations, as a whole, and puts in force what counts of them.
    pub fn take(&self, offered: Keyring, now: Time, min: u32) -> Result<(), Older> {
        let mut keyring = lock(&self.keyring);
        let (newest, known) = (offered.newest(), keyring.newest());
        if newest < known {
            return Err(Older {
                offered: newest,
                known,
            });
        }
        *keyring = offered;
        self.put_in_force(&keyring, now, min);
        Ok(())
    }

    /// Puts in force what counts at this moment. Costs next to nothing if nothing changed.
    pub fn refresh(&self, now: Time, min: u32) {
        let keyring = lock(&self.keyring);
        let counting = keyring.from_generation(min);
        let standing = counting.map(|counting| standing(&counting, now));
        let before = self.in_force.load();
        if before.as_ref().map(|before| &before.standing) == standing.as_ref() {
            return;
        }
        self.put_in_force(&keyring, now, min);
    }

    /// Puts in force what counts of these generations, and says that it changed.
    fn put_in_force(&self, keyring: &Keyring, now: Time, min: u32) {
        let counting = counting(self.plane, keyring, now, min);
        if let Some(counting) = &counting {
            let (active, newest) = (counting.signers.generation(), keyring.newest());
            tracing::info!(active, newest, "generations of the plane secret");
        }
        self.in_force.store(counting);
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// How often what is in force was replaced since the start.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}

/// What counts of the generations; none, and an alarm, if the snapshot refuses them all.
fn counting(plane: PlaneId, keyring: &Keyring, now: Time, min: u32) -> Option<Arc<InForce>> {
    let Some(counting) = keyring.from_generation(min) else {
        tracing::error!(
            min,
            newest = keyring.newest(),
            "the snapshot refuses every generation of the plane secret that this gate has: nobody can sign in \
             and nothing is signed; run `aeolus gate secret rotate --compromised`, or copy secret.json from a \
             replica where that was done"
        );
        return None;
    };
    Some(Arc::new(InForce {
        sealer: Sealer::new(&counting, plane.as_bytes(), now),
        siblings: SiblingSealer::new(&counting, plane.as_bytes(), now),
        signers: Signers::new(&counting, now),
        clients: ClientKeys::new(plane, &counting, now),
        standing: standing(&counting, now),
    }))
}

/// All that a moment decides about the generations.
fn standing(keyring: &Keyring, now: Time) -> Vec<Standing> {
    let standing = keyring.at(now);
    standing
        .map(|(generation, state)| (generation.id, state, is_published(state, now)))
        .collect()
}

#[cfg(test)]
mod tests;
