//! Who has a permission on the plane: as a snapshot's sections say, and whoever has changed since.

use std::collections::HashMap;
use std::sync::Arc;

use aeolus_keys::digest::sha256;
use aeolus_model::{Grants, PermissionSet, Subject, TeamId, UserId};
use aeolus_snapshot::section::{Changes, Grant, GrantList, SubjectKind, Subjects};
use aeolus_snapshot::{Identity, section};

use crate::by_id::ById;
use crate::load::{resource, subject};
use crate::world::Person;

/// Everybody, in two layers: the one below is shared by all worlds of the same records, however many people
/// are in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    below: Arc<Below>,
    /// Whoever is no more as below; none: without a permission.
    changed: Arc<ById<Subject, Option<Arc<Person>>>>,
    /// Who is linked to an identity provider since; none: two people say so, which makes it nobody.
    linked: Arc<HashMap<Identity, Option<UserId>>>,
}

#[derive(Debug, Default)]
struct Below {
    people: ById<Subject, Arc<Person>>,
    linked: HashMap<Identity, UserId>,
    /// What whoever is in a team has through it.
    teams: HashMap<TeamId, Team>,
}

#[derive(Debug, Default)]
struct Team {
    name: Option<Arc<str>>,
    grants: Grants,
}

impl People {
    /// Those of the sections. `linked`: whether providers' people matter on the plane.
    pub(crate) fn load(subjects: &Subjects, grants: &GrantList, linked: bool) -> Self {
        let mut held = by_subject(&grants.grants);
        let mut teams: HashMap<TeamId, Team> = HashMap::new();
        for (subject, grants) in &mut held {
            if let Subject::Team(id) = subject {
                teams.entry(*id).or_default().grants = std::mem::take(grants);
            }
        }
        for team in &subjects.teams {
            if let Ok(id) = TeamId::from_slice(&team.id) {
                teams.entry(id).or_default().name = Some(team.name.as_str().into());
            }
        }
        let people = subjects.subjects.iter();
        let people = people.filter_map(|record| person(record, &mut held, &teams));
        let below = Below {
            people: people.collect(),
            linked: if linked {
                links(&subjects.subjects)
            } else {
                HashMap::new()
            },
            teams,
        };
        Self {
            below: Arc::new(below),
            ..Self::default()
        }
    }

    /// The same with others changed.
    pub(crate) fn with(&self, changes: &Changes) -> Self {
        let mut held = by_subject(&changes.grants);
        let gone = changes.gone.iter();
        let gone = gone.filter_map(|gone| Some((subject(gone.kind, &gone.id)?, None)));
        let there = changes.subjects.iter();
        let there = there.filter_map(|record| person(record, &mut held, &self.below.teams));
        let changed = gone.chain(there.map(|(subject, person)| (subject, Some(person))));
        let linked = links(&changes.subjects)
            .into_iter()
            .map(|(identity, user)| {
                let below = self.below.linked.get(&identity);
                let only = below.is_none_or(|below| *below == user);
                (identity, only.then_some(user))
            });
        Self {
            below: Arc::clone(&self.below),
            changed: Arc::new(changed.collect()),
            linked: Arc::new(linked.collect()),
        }
    }

    /// Somebody with a permission.
    pub(crate) fn get(&self, subject: &Subject) -> Option<&Arc<Person>> {
        // Most of the time nobody has changed, and asking that costs nothing.
        if !self.changed.is_empty()
            && let Some(changed) = self.changed.get(subject)
        {
            return changed.as_ref();
        }
        self.below.people.get(subject)
    }

    /// Everybody with a permission.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Subject, &Arc<Person>)> {
        let below = self.below.people.iter();
        let below = below.filter(|(subject, _)| !self.changed.contains_key(subject));
        let changed = self.changed.iter();
        let changed = changed.filter_map(|(subject, person)| Some((subject, person.as_ref()?)));
        below
            .chain(changed)
            .map(|(subject, person)| (*subject, person))
    }

    /// Whose an identity at a provider is.
    pub(crate) fn linked(&self, identity: &Identity) -> Option<UserId> {
        match self.linked.get(identity) {
            Some(changed) => *changed,
            None => self.below.linked.get(identity).copied(),
        }
    }

    /// Whether somebody is linked to a provider at all.
    pub(crate) fn is_linked(&self, user: UserId) -> bool {
        let mut changed = self.linked.values();
        let mut below = self.below.linked.values();
        changed.any(|linked| *linked == Some(user)) || below.any(|linked| *linked == user)
    }

    /// Whether both have the same people below.
    #[cfg(test)]
    pub(crate) fn shares(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.below, &other.below)
    }
}

fn by_subject(grants: &[Grant]) -> HashMap<Subject, Grants> {
    let mut held: HashMap<Subject, Grants> = HashMap::new();
    for grant in grants {
        if let (Some(subject), Some(resource)) = (
            subject(grant.subject_kind, &grant.subject),
            resource(grant.resource_kind, &grant.resource),
        ) {
            let permissions = PermissionSet::from_bytes(&grant.permissions);
            held.entry(subject).or_default().add(resource, permissions);
        }
    }
    held
}

/// A person or program with what they hold themselves and through their teams.
fn person(
    record: &section::Subject,
    held: &mut HashMap<Subject, Grants>,
    known: &HashMap<TeamId, Team>,
) -> Option<(Subject, Arc<Person>)> {
    let subject = subject(record.kind, &record.id)?;
    if matches!(subject, Subject::Team(_)) {
        return None;
    }
    let mut grants = held.remove(&subject).unwrap_or_default();
    let mut teams: Vec<Arc<str>> = Vec::with_capacity(record.teams.len());
    let ids = record.teams.iter();
    for team in ids.filter_map(|id| known.get(&TeamId::from_slice(id).ok()?)) {
        teams.extend(team.name.clone());
        for (resource, permissions) in team.grants.iter() {
            grants.add(resource, permissions);
        }
    }
    teams.sort_unstable();
    let person = Person {
        email: record.email.as_str().into(),
        name: record.name.as_str().into(),
        fingerprint: fingerprint(&record.email, &record.name, &teams),
        teams: teams.into(),
        grants,
    };
    Some((subject, Arc::new(person)))
}

/// Who is linked. An identity that two people have is nobody's.
fn links(subjects: &[section::Subject]) -> HashMap<Identity, UserId> {
    let mut people = HashMap::new();
    let mut shared = Vec::new();
    for record in subjects {
        if record.kind != SubjectKind::User as i32 {
            continue;
        }
        let Ok(user) = UserId::from_slice(&record.id) else {
            continue;
        };
        for identity in &record.identities {
            let Ok(identity) = Identity::try_from(identity.as_slice()) else {
                continue;
            };
            let before = people.insert(identity, user);
            if before.is_some_and(|held| held != user) {
                shared.push(identity);
            }
        }
    }
    for identity in shared {
        people.remove(&identity);
    }
    people
}

/// Half of a SHA-256 over the parts, each behind its length so that none can pass for another.
fn fingerprint(email: &str, name: &str, teams: &[Arc<str>]) -> u128 {
    let mut text = Vec::with_capacity(email.len() + name.len() + 16 * (2 + teams.len()));
    for part in [email, name]
        .into_iter()
        .chain(teams.iter().map(|team| &**team))
    {
        text.extend_from_slice(&part.len().to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    let digest = sha256(&text);
    digest
        .first_chunk()
        .map_or(0, |half| u128::from_be_bytes(*half))
}

#[cfg(test)]
mod tests;
