//! What happens at one place.

use aeolus_keys::digest;
use aeolus_model::Time;

use super::{KeyChanges, Lying, Rewrite, Step};
use crate::object::{Data, Meta, Place, SecretObject};
use crate::sync::copy::{Owned, Wanted};
use crate::sync::tls;
use crate::sync::wish::{OnConflict, OnDelete};

/// What is known of a place.
pub(super) struct Found<'a> {
    pub(super) place: &'a Place,
    /// None: nobody looked.
    pub(super) lying: Option<&'a Lying>,
    /// Its namespace is being deleted.
    pub(super) is_ending: bool,
}

/// What happens where a copy is wanted.
pub(super) fn step(
    wanted: &Wanted<'_>,
    found: &Found<'_>,
    (believe_marks, now): (bool, Time),
) -> Step {
    if found.is_ending {
        return Step::Skip {
            why: "the namespace is being deleted",
        };
    }
    let there = match found.lying {
        None => return Step::Look,
        Some(Lying::Nothing) => return Step::Create(wanted.secret(found.place, None, now)),
        Some(Lying::Marked(meta)) => {
            let is_its = owner(meta).is_some_and(|owned| owned.source == wanted.source.place);
            let believed = believe_marks && is_its && wanted.is_marked(meta);
            return if believed { Step::Current } else { Step::Look };
        }
        Some(Lying::Whole(secret)) => secret,
    };
    if there.meta.is_ending {
        return Step::Skip {
            why: "what is there is being deleted",
        };
    }
    match owner(&there.meta) {
        Some(owned) if owned.source == wanted.source.place => owned_copy(wanted, there, now),
        Some(owned) => conflict(wanted, format!("it is a copy of {}", owned.source)),
        None => foreign(wanted, there, now),
    }
}

fn owner(meta: &Meta) -> Option<Owned> {
    Owned::of(meta)
}

fn owned_copy(wanted: &Wanted<'_>, there: &SecretObject, now: Time) -> Step {
    let source = wanted.source;
    let keys = changes(&there.data, &source.data);
    let place = &there.meta.place;
    let is_same = keys == KeyChanges::default();
    if there.kind != source.kind || (there.is_immutable && !is_same) {
        let why = if there.kind == source.kind {
            Rewrite::Immutable
        } else {
            Rewrite::Kind
        };
        return Step::Recreate {
            seen: there.meta.clone(),
            // Nothing of the old one is version or uid of the new one.
            to: {
                let mut to = wanted.secret(place, Some(&there.meta), now);
                (to.meta.uid, to.meta.version) = (String::new(), String::new());
                to
            },
            why,
        };
    }
    if is_same && wanted.is_marked(&there.meta) {
        return Step::Current;
    }
    update(wanted, there, (keys, false), now)
}

fn foreign(wanted: &Wanted<'_>, there: &SecretObject, now: Time) -> Step {
    let adopts = wanted.source.wish.on_conflict == OnConflict::Adopt;
    if !adopts {
        return conflict(wanted, "it is not a copy of ours".to_owned());
    }
    let keys = changes(&there.data, &wanted.source.data);
    if there.kind != wanted.source.kind {
        return conflict(
            wanted,
            format!("its type is {}, which can't be changed", there.kind),
        );
    }
    if there.is_immutable && keys != KeyChanges::default() {
        return conflict(wanted, "it says that it can't be changed".to_owned());
    }
    update(wanted, there, (keys, true), now)
}

fn conflict(wanted: &Wanted<'_>, why: String) -> Step {
    let fails = wanted.source.wish.on_conflict == OnConflict::Fail;
    Step::Conflict { why, fails }
}

fn update(
    wanted: &Wanted<'_>,
    there: &SecretObject,
    (keys, adopted): (KeyChanges, bool),
    now: Time,
) -> Step {
    let prints = (
        tls::fingerprint(&there.data),
        tls::fingerprint(&wanted.source.data),
    );
    let certificate = match prints {
        (Some(before), Some(after)) if before != after => Some((before, after)),
        _ => None,
    };
    let mut to = wanted.secret(&there.meta.place, Some(&there.meta), now);
    to.is_immutable = there.is_immutable;
    Step::Update {
        to,
        keys,
        certificate,
        adopted,
    }
}

/// What happens to a copy that nobody asks for.
pub(super) fn orphan(
    meta: &Meta,
    on_delete: OnDelete,
    (is_refused, is_ending): (bool, bool),
) -> Step {
    if is_ending {
        return Step::Skip {
            why: "it is being deleted",
        };
    }
    if is_refused {
        return Step::Orphan {
            why: "its source is refused, so that nobody knows who should have it",
        };
    }
    match on_delete {
        OnDelete::Retain => Step::Orphan {
            why: "its source asked that it stays",
        },
        OnDelete::Delete => Step::Delete(meta.clone()),
    }
}

fn changes(before: &Data, after: &Data) -> KeyChanges {
    let only = |one: &Data, other: &Data| {
        one.keys()
            .filter(|key| !other.contains_key(*key))
            .cloned()
            .collect()
    };
    let differs = |(key, value): (&String, &aeolus_model::Secret<Vec<u8>>)| {
        let other = after.get(key)?;
        (!digest::eq(value.expose(), other.expose())).then(|| key.clone())
    };
    KeyChanges {
        added: only(after, before),
        removed: only(before, after),
        changed: before.iter().filter_map(differs).collect(),
    }
}
