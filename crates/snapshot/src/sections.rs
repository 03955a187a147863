//! The sections with their types, and their one encoding.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::OrganizationId;
use prost::Message;

use crate::section::{
    Certificates, Changes, Connections, Deployments, GrantList, Keys, Revocations, Rollouts,
    Subjects,
};
use crate::{PublishError, patch};

pub(crate) const DEPLOYMENTS: &str = "deployments";
pub(crate) const SUBJECTS: &str = "subjects";
pub(crate) const GRANTS: &str = "grants";
pub(crate) const KEYS: &str = "keys";
pub(crate) const CONNECTIONS: &str = "connections";
pub(crate) const ROLLOUTS: &str = "rollouts";
pub(crate) const CERTIFICATES: &str = "certificates";
pub(crate) const CHANGES: &str = "changes";
pub(crate) const REVOCATIONS: &str = "revocations/";

/// Everything a plane is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sections {
    /// What lives on the plane.
    pub deployments: Deployments,
    /// Who has any effective permission on it.
    pub subjects: Subjects,
    /// Who has what where.
    pub grants: GrantList,
    /// Whose signatures count.
    pub keys: Keys,
    /// Which identity providers sessions may come from.
    pub connections: Connections,
    /// Which deployments take which path.
    pub rollouts: Rollouts,
    /// Certificates that others know control's keys by. Decisions don't go by them.
    pub certificates: Certificates,
    /// Whoever is no more as `subjects` and `grants` say.
    pub changes: Changes,
    /// What is no longer good, per organization. Every organization with a deployment on the plane
    /// has an entry, even an empty one: without it a gate denies the organization.
    pub revocations: BTreeMap<OrganizationId, Revocations>,
}

/// A section with one encoding per content, whatever order its records came in.
pub trait Canonical: Message + Default + Clone {
    /// Whether a key occurs twice: then the content would be ambiguous.
    fn has_duplicates(&self) -> bool;

    /// Sorts the lists inside records whose order means nothing.
    fn sort_inside(&mut self) {}

    /// The canonical bytes.
    fn canonical(&self) -> Result<Vec<u8>, PublishError> {
        if self.has_duplicates() {
            return Err(PublishError::Duplicate);
        }
        let mut tidy = self.clone();
        tidy.sort_inside();
        Ok(patch::canonical(&tidy.encode_to_vec())?)
    }
}

/// What editions say anew, whatever of the other sections is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// [`Sections::revocations`].
    pub revocations: BTreeMap<OrganizationId, Revocations>,
    /// [`Sections::changes`]; none: those that were held.
    pub changes: Option<Changes>,
}

/// Whether a section is one of those.
pub(crate) fn is_news(name: &str) -> bool {
    name == CHANGES || name.starts_with(REVOCATIONS)
}

fn repeats<K: Ord>(keys: impl IntoIterator<Item = K>) -> bool {
    let mut seen = BTreeSet::new();
    !keys.into_iter().all(|key| seen.insert(key))
}

impl Canonical for Deployments {
    fn has_duplicates(&self) -> bool {
        repeats(self.deployments.iter().map(|d| &d.id))
    }
}

impl Canonical for Subjects {
    fn has_duplicates(&self) -> bool {
        repeats(self.subjects.iter().map(|s| (s.kind, &s.id)))
            || repeats(self.teams.iter().map(|t| &t.id))
    }

    fn sort_inside(&mut self) {
        for subject in &mut self.subjects {
            subject.teams.sort_unstable();
            subject.identities.sort_unstable();
        }
    }
}

impl Canonical for GrantList {
    fn has_duplicates(&self) -> bool {
        repeats(
            self.grants
                .iter()
                .map(|g| ((g.subject_kind, &g.subject), (g.resource_kind, &g.resource))),
        )
    }
}

impl Canonical for Keys {
    fn has_duplicates(&self) -> bool {
        repeats(self.keys.iter().map(|k| &k.jwk))
    }
}

impl Canonical for Connections {
    fn has_duplicates(&self) -> bool {
        repeats(self.connections.iter().map(|c| &c.id))
    }

    fn sort_inside(&mut self) {
        let terms = self.connections.iter_mut().map(|c| &mut c.session_tokens);
        for terms in terms.flatten() {
            terms.client_ids.sort_unstable();
            terms.algorithms.sort_unstable();
            terms
                .keys
                .sort_by(|a, b| (&a.kid, &a.jwk).cmp(&(&b.kid, &b.jwk)));
        }
        let registrations = self
            .connections
            .iter_mut()
            .map(|c| &mut c.plane_registration);
        for registration in registrations.flatten() {
            registration
                .keys
                .sort_by(|a, b| (&a.kid, &a.jwk).cmp(&(&b.kid, &b.jwk)));
        }
    }
}

impl Canonical for Rollouts {
    fn has_duplicates(&self) -> bool {
        repeats(self.rollouts.iter().map(|r| &r.name))
    }

    fn sort_inside(&mut self) {
        for rollout in &mut self.rollouts {
            rollout.deployments.sort_unstable();
            rollout.within.sort_unstable();
        }
    }
}

impl Canonical for Certificates {
    fn has_duplicates(&self) -> bool {
        repeats(self.certificates.iter().map(|c| &c.kid))
    }
}

impl Canonical for Changes {
    fn has_duplicates(&self) -> bool {
        let there = self.subjects.iter().map(|s| (s.kind, &s.id));
        let gone = self.gone.iter().map(|g| (g.kind, &g.id));
        let grants = self.grants.iter();
        repeats(there.chain(gone))
            || repeats(
                grants.map(|g| ((g.subject_kind, &g.subject), (g.resource_kind, &g.resource))),
            )
    }

    fn sort_inside(&mut self) {
        for subject in &mut self.subjects {
            subject.teams.sort_unstable();
            subject.identities.sort_unstable();
        }
    }
}

impl Canonical for Revocations {
    fn has_duplicates(&self) -> bool {
        repeats(self.ends.iter().map(|e| e.index))
            || repeats(self.marks.iter().map(|m| (m.subject_kind, &m.subject)))
            || repeats(self.sessions.iter().map(|s| &s.id))
            || repeats(&self.lost)
    }
}
