//! What control's next manifest brings.

use std::collections::BTreeMap;

use aeolus_model::OrganizationId;
use aeolus_snapshot::{Carried, Manifest, Revision, Snapshot, section};

use super::state::{Loaded, Revise};

/// A verified manifest: everything, or newer revocations for what is in force.
pub(super) enum News<'a, W> {
    Whole(Box<Snapshot>),
    Revised(Box<Revision>, &'a Loaded<W>, &'a Revise<W>),
}

impl<W> News<'_, W> {
    pub(super) const fn manifest(&self) -> &Manifest {
        match self {
            Self::Whole(snapshot) => snapshot.manifest(),
            Self::Revised(revision, ..) => revision.manifest(),
        }
    }

    pub(super) const fn revocations(&self) -> &BTreeMap<OrganizationId, section::Revocations> {
        match self {
            Self::Whole(snapshot) => &snapshot.sections().revocations,
            Self::Revised(revision, ..) => revision.revocations(),
        }
    }

    pub(super) fn carry(&mut self, carried: &Carried) {
        match self {
            Self::Whole(snapshot) => snapshot.carry(carried),
            Self::Revised(revision, ..) => revision.carry(carried),
        }
    }

    /// What decisions use now.
    pub(super) fn world(&self, build: impl Fn(&Snapshot) -> W) -> W {
        match self {
            Self::Whole(snapshot) => build(snapshot),
            Self::Revised(revision, held, revise) => revise(&held.world, revision),
        }
    }
}
