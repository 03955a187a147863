//! The plan: what has to happen so that copies are as their sources want them.

mod step;

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::Time;

use self::step::{Found, orphan, step};
use super::budget::{Budget, HeldBack};
use super::copy::{Owned, Wanted};
use super::digest::DigestKey;
use super::source::{Refused, Source};
use super::wish::{Rules, Warning};
use crate::client::Namespace;
use crate::object::{Meta, Place, SecretObject};

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The namespaces that copies may go to.
    pub namespaces: Vec<Namespace>,
    /// The Secrets of the syncer's namespace.
    pub secrets: Vec<SecretObject>,
    /// What lies where copies do or would.
    pub lying: BTreeMap<Place, Lying>,
}

/// What is known of a place.
#[derive(Clone, Debug)]
pub enum Lying {
    /// There is nothing.
    Nothing,
    /// There is one, whose values were not read.
    Marked(Meta),
    /// There is one, and this is it.
    Whole(SecretObject),
}

/// By what it is decided.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How annotations are read.
    pub rules: Rules,
    /// How much may be deleted.
    pub budget: Budget,
    /// The key of digests.
    pub key: DigestKey,
    /// Marks are believed where they are right. False: values are read as well.
    pub believe_marks: bool,
}

/// Keys whose values differ, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChanges {
    /// New ones.
    pub added: Vec<String>,
    /// Ones that go.
    pub removed: Vec<String>,
    /// Ones with another value.
    pub changed: Vec<String>,
}

/// Why an object is deleted and made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// Its type is another one, which can't be changed.
    Kind,
    /// It says that it can't be changed.
    Immutable,
}

/// What happens at one place.
#[derive(Clone, Debug)]
pub enum Step {
    /// Nothing: it is as it should be.
    Current,
    /// It has to be read first.
    Look,
    /// A new one.
    Create(SecretObject),
    /// Another in its place.
    Update {
        /// It, with the version that it replaces.
        to: SecretObject,
        /// What changes.
        keys: KeyChanges,
        /// The certificates' fingerprints before and after, where that changes.
        certificate: Option<(String, String)>,
        /// It was somebody else's.
        adopted: bool,
    },
    /// It is deleted and made again.
    Recreate {
        /// What is deleted.
        seen: Meta,
        /// What is made.
        to: SecretObject,
        /// Why.
        why: Rewrite,
    },
    /// Somebody else's, which stays.
    Conflict {
        /// Whose, or why.
        why: String,
        /// The source asks that the run fails.
        fails: bool,
    },
    /// A copy without a source, which is deleted.
    Delete(Meta),
    /// One that stays.
    Orphan {
        /// Why it stays.
        why: &'static str,
    },
    /// Nothing can be done there.
    Skip {
        /// Why.
        why: &'static str,
    },
}

/// One place that gets a copy, or has one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose copy.
    pub source: Place,
    /// Where.
    pub target: Place,
    /// What happens.
    pub step: Step,
}

/// Which source goes where.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where.
    pub place: Place,
    /// The namespace is being deleted.
    pub is_ending: bool,
}

/// A source.
#[derive(Clone, Debug)]
pub struct SourceState {
    /// Where it lies.
    pub place: Place,
    /// It, or why it isn't copied.
    pub source: Result<Source, Refused>,
}

impl SourceState {
    /// What should be said of it.
    pub fn warnings(&self) -> &[Warning] {
        self.source
            .as_ref()
            .map_or(&[], |source| &source.wish.warnings)
    }
}

/// What has to happen.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The sources.
    pub sources: Vec<SourceState>,
    /// The places, in their order.
    pub entries: Vec<Entry>,
    /// Deletions that the budget doesn't allow. They don't happen.
    pub held_back: Option<HeldBack>,
}

impl Plan {
    /// Which places have to be read before it is decided.
    pub fn looks(&self) -> impl Iterator<Item = &Place> {
        let looks = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.step, Step::Look));
        looks.map(|entry| &entry.target)
    }

    /// Where something would be deleted, if only to be made again.
    pub(crate) fn deletions(&self) -> BTreeSet<String> {
        let deletes =
            |entry: &&Entry| matches!(entry.step, Step::Delete(_) | Step::Recreate { .. });
        let entries = self.entries.iter().filter(deletes);
        entries
            .map(|entry| entry.target.namespace.clone())
            .collect()
    }

    /// Deletes nothing in these namespaces.
    pub(crate) fn spare(&mut self, namespaces: &BTreeSet<String>) {
        const WHY: &str = "nothing may be deleted there: grant delete on secrets";
        for entry in &mut self.entries {
            if !namespaces.contains(&entry.target.namespace) {
                continue;
            }
            match entry.step {
                Step::Delete(_) => entry.step = Step::Orphan { why: WHY },
                Step::Recreate { .. } => {
                    entry.step = Step::Conflict {
                        why: WHY.to_owned(),
                        fails: true,
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether nothing is written, and nothing stands in the way.
    pub fn is_idle(&self) -> bool {
        let idle = |entry: &Entry| matches!(entry.step, Step::Current);
        self.entries.iter().all(idle)
    }

    /// What would be written.
    pub fn writes(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| {
            matches!(
                entry.step,
                Step::Create(_) | Step::Update { .. } | Step::Recreate { .. } | Step::Delete(_)
            )
        })
    }
}

/// Compares what there is with what sources ask for.
pub fn plan(observed: &Observed, settings: &Settings, now: Time) -> Plan {
    let sources = sources(observed, settings, now);
    let refused: BTreeSet<&Place> = sources
        .iter()
        .filter(|state| state.source.is_err())
        .map(|state| &state.place)
        .collect();
    let mut entries = Vec::new();
    let mut taken: BTreeMap<Place, Place> = BTreeMap::new();
    for source in sources
        .iter()
        .filter_map(|state| state.source.as_ref().ok())
    {
        let wanted = Wanted::new(source, &settings.key);
        for Target { place, is_ending } in targets(source, observed) {
            // Two sources of one name for copies: the first has it.
            let step = match taken.get(&place) {
                Some(other) => Step::Conflict {
                    why: format!("{other} goes there too"),
                    fails: false,
                },
                None => step(
                    &wanted,
                    &Found {
                        place: &place,
                        lying: observed.lying.get(&place),
                        is_ending,
                    },
                    (settings.believe_marks, now),
                ),
            };
            taken
                .entry(place.clone())
                .or_insert_with(|| source.place.clone());
            entries.push(Entry {
                source: source.place.clone(),
                target: place,
                step,
            });
        }
    }
    entries.extend(orphans(observed, (&taken, &refused)));
    entries.sort_by(|one, other| (&one.target, &one.source).cmp(&(&other.target, &other.source)));
    let held_back = hold_back(&mut entries, observed, settings.budget);
    Plan {
        sources,
        entries,
        held_back,
    }
}

fn sources(observed: &Observed, settings: &Settings, now: Time) -> Vec<SourceState> {
    let read = observed.secrets.iter().filter_map(|secret| {
        Some(SourceState {
            place: secret.meta.place.clone(),
            source: Source::read(secret, &settings.rules, now)?,
        })
    });
    let mut read: Vec<SourceState> = read.collect();
    read.sort_by(|one, other| one.place.cmp(&other.place));
    read
}

/// Never its own namespace: a copy there would be a source's neighbour, or itself.
fn targets(source: &Source, observed: &Observed) -> Vec<Target> {
    let namespaces = observed.namespaces.iter();
    let taken = namespaces.filter(|namespace| {
        namespace.name != source.place.namespace && source.wish.whom.takes(namespace)
    });
    taken
        .map(|namespace| Target {
            place: Place::new(&namespace.name, source.copy_name()),
            is_ending: namespace.is_ending,
        })
        .collect()
}

/// Copies that nobody asks for any more. Those of a source that is refused now are asked for still.
fn orphans(
    observed: &Observed,
    (taken, refused): (&BTreeMap<Place, Place>, &BTreeSet<&Place>),
) -> Vec<Entry> {
    let ending: BTreeSet<&str> = observed
        .namespaces
        .iter()
        .filter(|namespace| namespace.is_ending)
        .map(|namespace| namespace.name.as_str())
        .collect();
    let lying = observed.lying.iter();
    lying
        .filter(|(place, _)| !taken.contains_key(place))
        .filter_map(|(place, lying)| {
            let meta = lying.meta()?;
            let owned = Owned::of(meta)?;
            let is_refused = refused.contains(&owned.source);
            let is_ending = meta.is_ending || ending.contains(place.namespace.as_str());
            Some(Entry {
                step: orphan(meta, owned.on_delete, (is_refused, is_ending)),
                source: owned.source,
                target: place.clone(),
            })
        })
        .collect()
}

fn hold_back(entries: &mut [Entry], observed: &Observed, budget: Budget) -> Option<HeldBack> {
    let owned = observed.lying.values().filter_map(Lying::meta);
    let owned = owned.filter(|meta| Owned::of(meta).is_some()).count();
    let is_deletion = |entry: &&mut Entry| matches!(entry.step, Step::Delete(_));
    let wanted = entries.iter_mut().filter(is_deletion).count();
    let held_back = budget.check(wanted, owned).err()?;
    for entry in entries.iter_mut().filter(is_deletion) {
        entry.step = Step::Orphan {
            why: "too much would be deleted at once",
        };
    }
    Some(held_back)
}

impl Lying {
    /// What it says of itself, where there is one.
    pub const fn meta(&self) -> Option<&Meta> {
        match self {
            Self::Nothing => None,
            Self::Marked(meta) => Some(meta),
            Self::Whole(secret) => Some(&secret.meta),
        }
    }
}

#[cfg(test)]
mod tests;
