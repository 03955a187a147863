//! The original's `auth` as ours.

use aeolus_oidc::Kind;

use super::ignored::{self, RENAMED};
use super::{Note, NoteKind};
use crate::yaml::{Entry, Node, Value};

/// What came of it.
pub(super) struct Translated {
    /// In our words.
    pub(super) auth: Node,
    /// What is to be said.
    pub(super) notes: Vec<Note>,
}

/// Keys of `openidConnect` that somebody may have written directly below `auth` (trap 1).
fn belongs_below(key: &str) -> bool {
    Kind::parse(key).is_some() || matches!(key, "flow" | "clockTolerance")
}

/// Translates it. What is not known stays, so that it is found as unknown and the nearest is named.
pub(super) fn auth(auth: &Node, path: &str) -> Translated {
    let mut notes = Vec::new();
    let mut top: Vec<Entry> = Vec::new();
    let mut misplaced: Vec<Entry> = Vec::new();
    let mut open_id: Option<Entry> = None;
    for found in auth.entries() {
        let at = format!("{path}.{}", found.key);
        match found.key.as_str() {
            "openidConnect" => open_id = Some(found.clone()),
            "local" => top.push(local(found, &at, &mut notes)),
            key if belongs_below(key) => misplaced.push(found.clone()),
            key => match ignored::of_auth(key) {
                Some(why) => notes.push(Note::new(NoteKind::Ignored, &at, why).at(found.at)),
                None => top.push(found.clone()),
            },
        }
    }
    let mut below = match open_id {
        Some(open_id) => open_id,
        None => Entry {
            key: "openidConnect".to_owned(),
            at: auth.at,
            value: Node {
                at: auth.at,
                value: Value::Map(Vec::new()),
            },
        },
    };
    adopt(&mut below, misplaced, path, &mut notes);
    let at = format!("{path}.openidConnect");
    top.push(open_id_connect(&below, &at, &mut notes));
    Translated {
        auth: Node {
            at: auth.at,
            value: Value::Map(top),
        },
        notes,
    }
}

/// Brings `auth.publicSignups` into the newer schema wherever it was written: ours is read in both, too.
pub(super) fn nest_signups(tree: &mut Node) {
    let Value::Map(top) = &mut tree.value else {
        return;
    };
    let auth = top.iter_mut().filter(|found| found.key == "auth");
    for found in auth.filter_map(|auth| match &mut auth.value.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    }) {
        for entry in found
            .iter_mut()
            .filter(|entry| entry.key == "publicSignups")
        {
            *entry = signups(entry);
        }
    }
}

/// Whether strangers sign up, in either schema of the field (row B8), in the newer one.
pub(super) fn signups(found: &Entry) -> Entry {
    if matches!(found.value.value, Value::Map(_)) {
        return found.clone();
    }
    nested(found, &found.key)
}

/// `OLD: true` as `KEY: {enabled: true}` (row B8).
fn nested(found: &Entry, key: &str) -> Entry {
    let enabled = Entry {
        key: "enabled".to_owned(),
        at: found.at,
        value: found.value.clone(),
    };
    Entry {
        key: key.to_owned(),
        at: found.at,
        value: Node {
            at: found.value.at,
            value: Value::Map(vec![enabled]),
        },
    }
}

/// Private authorities, which the original names by their secrets: each is mounted as a file of that name (row K12).
pub(super) fn private_authorities(found: &Entry) -> Entry {
    let mut entry = Entry {
        key: "privateCaCerts".to_owned(),
        ..found.clone()
    };
    if let Value::List(secrets) = &mut entry.value.value {
        for secret in secrets {
            if let Value::Text(name) = &mut secret.value
                && !name.contains('/')
            {
                *name = format!("/usr/local/share/ca-certificates/{name}.pem");
            }
        }
    }
    entry
}

/// Puts a key into a section of ours that the original doesn't have above it. What stands there already
/// wins.
pub(super) fn put(own: &mut Vec<Entry>, section: &str, entry: Entry) {
    let held = own.iter_mut().find(|found| found.key == section);
    let map = held.map(|held| &mut held.value.value);
    match map {
        Some(Value::Map(entries)) => {
            if !entries.iter().any(|held| held.key == entry.key) {
                entries.push(entry);
            }
        }
        Some(_) => {}
        None => own.push(Entry {
            key: section.to_owned(),
            at: entry.at,
            value: Node {
                at: entry.at,
                value: Value::Map(vec![entry]),
            },
        }),
    }
}

/// Puts what stands a step too high where it belongs; what stands there already wins.
fn adopt(below: &mut Entry, misplaced: Vec<Entry>, path: &str, notes: &mut Vec<Note>) {
    let Value::Map(entries) = &mut below.value.value else {
        return;
    };
    for found in misplaced {
        let at = format!("{path}.{}", found.key);
        if entries.iter().any(|held| held.key == found.key) {
            let why = "openidConnect has the same key, which wins";
            notes.push(Note::new(NoteKind::Ignored, &at, why).at(found.at));
        } else {
            let what = "read as if it stood below openidConnect, where it belongs";
            notes.push(Note::new(NoteKind::Warning, &at, what).at(found.at));
            entries.push(found);
        }
    }
}

fn local(found: &Entry, path: &str, notes: &mut Vec<Note>) -> Entry {
    let mut local = found.clone();
    if let Value::Map(entries) = &mut local.value.value {
        entries.retain(|entry| match ignored::of_local(&entry.key) {
            Some(why) => {
                let at = format!("{path}.{}", entry.key);
                notes.push(Note::new(NoteKind::Ignored, &at, why).at(entry.at));
                false
            }
            None => true,
        });
    }
    local
}

fn open_id_connect(found: &Entry, path: &str, notes: &mut Vec<Note>) -> Entry {
    let entries = found.value.entries();
    let mut kept = Vec::new();
    for entry in entries {
        let at = format!("{path}.{}", entry.key);
        let renamed = RENAMED.iter().find(|(old, _)| *old == entry.key);
        let key = renamed.map_or(entry.key.as_str(), |(_, new)| new);
        if let Some((old, new)) = renamed
            && entries.iter().any(|other| other.key == *new)
        {
            let why = format!("{new}.enabled is there too, and wins over {old}");
            notes.push(Note::new(NoteKind::Ignored, &at, why).at(entry.at));
        } else if let Some(why) = ignored::of_open_id(key) {
            notes.push(Note::new(NoteKind::Ignored, &at, why).at(entry.at));
        } else if let Some(kind) = Kind::parse(key) {
            kept.push(provider(entry, kind, &at, notes));
        } else if entry.value.value == Value::Null {
            notes.push(Note::new(NoteKind::Ignored, &at, "it has no value").at(entry.at));
        } else if renamed.is_some() {
            kept.push(nested(entry, key));
        } else {
            kept.push(entry.clone());
        }
    }
    Entry {
        key: found.key.clone(),
        at: found.at,
        value: Node {
            at: found.value.at,
            value: match &found.value.value {
                Value::Map(_) | Value::Null => Value::Map(kept),
                other => other.clone(),
            },
        },
    }
}

fn provider(found: &Entry, kind: Kind, path: &str, notes: &mut Vec<Note>) -> Entry {
    let Value::Map(entries) = &found.value.value else {
        return found.clone();
    };
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        let at = format!("{path}.{}", entry.key);
        let mut entry = entry.clone();
        if let Some(why) = ignored::of_provider(&entry.key) {
            notes.push(Note::new(NoteKind::Ignored, &at, why).at(entry.at));
            continue;
        }
        // As the original's own prose spells it (trap 5).
        if entry.key == "discoveryURL" {
            if entries.iter().any(|other| other.key == "discoveryUrl") {
                let why = "discoveryUrl is there too, and wins";
                notes.push(Note::new(NoteKind::Ignored, &at, why).at(entry.at));
                continue;
            }
            notes.push(Note::new(NoteKind::Warning, &at, "read as discoveryUrl").at(entry.at));
            "discoveryUrl".clone_into(&mut entry.key);
        }
        if entry.value.value == Value::Null {
            notes.push(Note::new(NoteKind::Ignored, &at, "it has no value").at(entry.at));
            continue;
        }
        if entry.key == "authUrlParams" {
            params(&mut entry);
        } else if matches!(entry.key.as_str(), "clientId" | "displayName") {
            as_text(&mut entry.value);
        }
        kept.push(entry);
    }
    let enabled = kept.iter().find(|entry| entry.key == "enabled");
    let on = enabled.is_some_and(|entry| entry.value.value == Value::Bool(true));
    let client = kept.iter().find(|entry| entry.key == "clientId");
    let has_client = client.is_some_and(|entry| entry.value.value != Value::Text(String::new()));
    let note = match (on, has_client) {
        (false, _) if kept.iter().any(|entry| entry.key.starts_with("scim")) => {
            Some("nobody signs in through it: it is not enabled")
        }
        (false, _) => Some("it is not enabled"),
        (true, false) if matches!(kind, Kind::Google | Kind::Github | Kind::Custom) => Some(
            "it is enabled without a clientId: the original sends people through its maker's own client, which is not here. Register a client of your own",
        ),
        _ => None,
    };
    if let Some(why) = note {
        notes.push(Note::new(NoteKind::Ignored, path, why).at(found.at));
    }
    Entry {
        key: found.key.clone(),
        at: found.at,
        value: Node {
            at: found.value.at,
            value: Value::Map(kept),
        },
    }
}

/// Parameters of a URL are texts, whatever YAML took them for; one without a value is none.
fn params(entry: &mut Entry) {
    if let Value::Map(entries) = &mut entry.value.value {
        entries.retain(|entry| entry.value.value != Value::Null);
        for entry in entries {
            as_text(&mut entry.value);
        }
    }
}

fn as_text(node: &mut Node) {
    match &node.value {
        Value::Number(number) => node.value = Value::Text(number.to_string()),
        Value::Bool(value) => node.value = Value::Text(value.to_string()),
        _ => {}
    }
}
