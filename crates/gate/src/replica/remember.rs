//! What control once signed as revoked and, restored from a backup, has forgotten. It holds here, and
//! control is reminded of it.

use std::collections::BTreeMap;

use aeolus_api::Base64Bytes;
use aeolus_api::plane::Event;
use aeolus_model::{OrganizationId, PlaneId, Time};
use aeolus_snapshot::section::Revocations;
use aeolus_snapshot::{Carried, Digest, Evidence, Manifest, Position, Root, SnapshotError, covers};

use super::state::{Inner, Replica};

type Revoked = BTreeMap<OrganizationId, Revocations>;

/// The evidence, and what it adds to the snapshot in force.
#[derive(Default)]
pub(super) struct Remembered {
    pub(super) evidence: Vec<Evidence>,
    pub(super) carried: Carried,
    /// The snapshot in force, without what is carried.
    own: Revoked,
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

    /// Takes in what is about to be in force, before what is carried is added to it.
    pub(super) fn begin(&mut self, own: &Revoked, position: Position) {
        self.own.clone_from(own);
        self.position = position;
    }
}

/// What a snapshot replaces.
pub(super) struct Replaced<'a> {
    /// The manifest before it, if there was one, whose text and blobs are still here.
    pub(super) manifest: Option<&'a Manifest>,
    /// The key that signed it is trusted no more, nor is what it revoked.
    pub(super) dropped: bool,
    pub(super) now: Time,
}

impl Inner {
    /// Compares the revocations of a verified snapshot with those it replaces. Says whether control has
    /// forgotten something that it must be reminded of. What is carried has yet to be added to them.
    pub(super) fn remember(
        &mut self,
        (position, revocations): (Position, &Revoked),
        replaced: &Replaced<'_>,
    ) -> bool {
        let held = std::mem::take(&mut self.remembered);
        let mut remembered = Remembered {
            unsaved: held.unsaved || replaced.dropped,
            ..Remembered::default()
        };
        let mut forgotten = false;
        if !replaced.dropped {
            remembered.evidence = held.evidence;
            remembered.carried = held.carried;
            let restored = held.position.epoch != position.epoch;
            for (organization, own) in &held.own {
                let newer = revocations.get(organization);
                if newer.is_some_and(|newer| restored || !covers(newer, own)) {
                    remembered.carried.add(*organization, own);
                    let evidence = replaced.manifest.map(|m| self.evidence(*organization, m));
                    match evidence.transpose() {
                        Ok(evidence) => remembered.evidence.extend(evidence),
                        Err(error) => tracing::error!(%error, "a revocation is only in memory"),
                    }
                    remembered.unsaved = true;
                    forgotten = true;
                }
            }
            let known = remembered.carried.is_part_of(revocations, replaced.now);
            if known && !restored {
                remembered.unsaved |= !remembered.evidence.is_empty();
                remembered.evidence.clear();
                remembered.carried = Carried::default();
            }
        }
        remembered.begin(revocations, position);
        self.remembered = remembered;
        forgotten
    }

    /// What an organization has revoked by the manifest in force, as it was signed.
    fn evidence(
        &self,
        organization: OrganizationId,
        manifest: &Manifest,
    ) -> Result<Evidence, SnapshotError> {
        let find = |digest: &Digest| self.blobs.get(digest).map(|blob| blob.to_vec());
        Evidence::new(organization, (&self.manifest, manifest), &find)
    }
}

impl<W> Replica<W> {
    /// What control has to be reminded of: all that is carried, and all that is in force. It believes
    /// its own signature alone, so a plane without revocations shows its manifest.
    pub(super) fn reminders(&self) -> Vec<Event> {
        let inner = self.inner();
        let mut evidence = inner.remembered.evidence.clone();
        let Some(loaded) = self.current() else {
            return evidence.into_iter().map(event).collect();
        };
        let own = inner.remembered.own.keys();
        evidence.extend(own.filter_map(|organization| {
            let evidence = inner.evidence(*organization, &loaded.manifest);
            let said = |error| tracing::error!(%error, "control is not reminded of a revocation");
            evidence.map_err(said).ok()
        }));
        let bare = inner.remembered.own.is_empty().then(|| Event::Signed {
            manifest: inner.manifest.to_string(),
        });
        evidence.into_iter().map(event).chain(bare).collect()
    }
}

fn event(evidence: Evidence) -> Event {
    Event::Forgotten {
        organization: evidence.organization,
        manifest: evidence.manifest,
        content: Base64Bytes(evidence.content),
    }
}
