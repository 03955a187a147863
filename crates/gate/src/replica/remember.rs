//! What control once signed as revoked and, restored from a backup, has forgotten. It holds here, and
//! control is reminded of it.

use std::collections::BTreeMap;

use aeolus_model::{OrganizationId, PlaneId};
use aeolus_snapshot::section::Revocations;
use aeolus_snapshot::{Carried, Evidence, Position, Root, Snapshot, covers};

use super::state::{Inner, Replica};

/// The evidence, and what it adds to the snapshot in force.
#[derive(Default)]
pub(super) struct Remembered {
    pub(super) evidence: Vec<Evidence>,
    pub(super) carried: Carried,
    /// The snapshot in force, without what is carried.
    own: BTreeMap<OrganizationId, Revocations>,
    position: Position,
    pub(super) unsaved: bool,
}

impl Remembered {
    /// From disk. What a key signed that is trusted no more is not believed.
    pub(super) fn of(evidence: Vec<Evidence>, root: &Root, plane: PlaneId) -> Self {
        let mut remembered = Self::default();
        for one in evidence {
            match one.open(root, plane) {
                Ok((_, revocations)) => {
                    remembered.carried.add(one.organization, &revocations);
                    remembered.evidence.push(one);
                }
                Err(error) => tracing::error!(%error, "remembered revocations were passed over"),
            }
        }
        remembered
    }

    /// Makes a snapshot that is about to be in force as strict as what is remembered.
    pub(super) fn begin(&mut self, snapshot: &mut Snapshot) {
        self.own.clone_from(&snapshot.sections().revocations);
        self.position = snapshot.position();
        snapshot.carry(&self.carried);
    }
}

impl Inner {
    /// Compares a verified snapshot with the one it replaces, whose manifest is still here. Says
    /// whether control has forgotten something. `dropped`: the key of the old one is trusted no more,
    /// nor is what it revoked.
    pub(super) fn remember(&mut self, snapshot: &mut Snapshot, dropped: bool) -> bool {
        let held = std::mem::take(&mut self.remembered);
        let mut remembered = Remembered {
            unsaved: held.unsaved || dropped,
            ..Remembered::default()
        };
        if !dropped {
            remembered.evidence = held.evidence;
            remembered.carried = held.carried;
            let restored = held.position.epoch != snapshot.position().epoch;
            for (organization, earlier) in &held.own {
                let newer = snapshot.sections().revocations.get(organization);
                if newer.is_some_and(|newer| restored || !covers(newer, earlier)) {
                    remembered.carried.add(*organization, earlier);
                    match Evidence::new(*organization, &self.manifest, earlier) {
                        Ok(evidence) => remembered.evidence.push(evidence),
                        Err(error) => tracing::error!(%error, "a revocation is only in memory"),
                    }
                    remembered.unsaved = true;
                }
            }
            if remembered.carried.is_part_of(snapshot.sections()) && !restored {
                remembered.unsaved |= !remembered.evidence.is_empty();
                remembered.evidence.clear();
                remembered.carried = Carried::default();
            }
        }
        remembered.begin(snapshot);
        let forgotten = !remembered.evidence.is_empty();
        self.remembered = remembered;
        forgotten
    }
}

impl<W> Replica<W> {
    /// What control has to be reminded of: all that is carried, and all that is in force.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        let inner = self.inner();
        let own = inner.remembered.own.iter();
        let own = own.filter_map(|(organization, revocations)| {
            Evidence::new(*organization, &inner.manifest, revocations).ok()
        });
        inner
            .remembered
            .evidence
            .iter()
            .cloned()
            .chain(own)
            .collect()
    }
}
