//! The original's `values.yaml` as configuration: what of it is understood, what is ignored, and why.
//!
//! Its sign-in section is translated into ours, with every place kept, and then read like ours: one
//! reading, and unknown keys below what is ours are errors that name the nearest.

mod ignored;
mod note;
mod translate;
mod wiring;

use std::collections::BTreeMap;

pub(crate) use self::note::{Note, NoteKind};
use self::translate::Translated;
use super::Environment;
use crate::report::Report;
use crate::yaml::{Entry, Node, Place, Value};

/// What was read of such a file.
#[derive(Clone, Debug)]
pub(crate) struct Original {
    /// The file as our own configuration.
    pub(crate) tree: Node,
    /// Variables that the file sets (`houston.env`), below the process's.
    pub(crate) variables: BTreeMap<String, String>,
    /// What is to be said of it, in the file's order.
    pub(crate) notes: Vec<Note>,
}

/// Our own sections, which may stand in the same file.
const OURS: [&str; 10] = [
    "control",
    "gate",
    "auth",
    "database",
    "keys",
    "tls",
    "email",
    "limits",
    "observability",
    "compat",
];

/// Brings what our own sections may say in either schema of the field into the newer one (row B8).
pub(crate) fn in_newer_schema(mut tree: Node) -> Node {
    translate::nest_signups(&mut tree);
    tree
}

impl Original {
    /// Reads it, if the tree is such a file: it has `astronomer` or `houston` at its top (trap 7).
    pub(crate) fn read(tree: &Node, environment: &Environment) -> Option<Self> {
        let top = tree.entries();
        let chart = entry(tree, "astronomer");
        let (prefix, houston) = match chart {
            Some(chart) => ("astronomer.houston", entry(&chart.value, "houston")),
            None => ("houston", Some(entry(tree, "houston")?)),
        };
        let mut read = Self {
            tree: tree.clone(),
            variables: BTreeMap::new(),
            notes: Vec::new(),
        };
        let mut own: Vec<Entry> = Vec::new();
        for found in top {
            if OURS.contains(&found.key.as_str()) {
                own.push(found.clone());
            } else if found.key == "global" {
                read.global(found, &mut own);
            } else if !matches!(found.key.as_str(), "astronomer" | "houston") {
                read.ignore(found.at, &found.key, "it is no part of signing in");
            }
        }
        if let Some(chart) = chart {
            for found in chart
                .value
                .entries()
                .iter()
                .filter(|found| found.key != "houston")
            {
                let path = format!("astronomer.{}", found.key);
                read.ignore(found.at, &path, "it is no part of signing in");
            }
        }
        for found in houston
            .into_iter()
            .flat_map(|houston| houston.value.entries())
        {
            let path = format!("{prefix}.{}", found.key);
            match found.key.as_str() {
                "config" => read.config(&found.value, &path, &mut own),
                "secret" => read.secrets(&found.value, &path, environment),
                "env" => read.env(&found.value, &path),
                "regenerateCaEachUpgrade" => read.regenerate(found, &path, &mut own),
                "jwtSigningKeySecretName" | "jwtSigningCertificateSecretName" => {
                    let why = "take that key and its certificate with `aeolus key import`";
                    read.ignore(found.at, &path, why);
                }
                _ => read.ignore(found.at, &path, "it is about how the original runs"),
            }
        }
        read.tree.value = Value::Map(own);
        read.notes
            .sort_by_key(|note| (note.at.line, note.at.column));
        Some(read)
    }

    /// What stops the file.
    pub(crate) fn reports(&self, name: &str) -> Vec<Report> {
        let wrong = self
            .notes
            .iter()
            .filter(|note| note.kind == NoteKind::Error);
        wrong.map(|note| note.report(name)).collect()
    }

    fn config(&mut self, config: &Node, prefix: &str, own: &mut Vec<Entry>) {
        let mut signups = None;
        for found in config.entries() {
            let path = format!("{prefix}.{}", found.key);
            if found.key == "publicSignups" {
                signups = Some(translate::signups(found));
                let what = "whether strangers get an account by coming through a provider";
                self.note(NoteKind::Understood, found.at, &path, what);
                continue;
            }
            if found.key != "auth" {
                let why = ignored::of_config(&found.key);
                self.ignore(found.at, &path, why);
                continue;
            }
            let Translated { auth, notes } = translate::auth(&found.value, &path);
            self.notes.extend(notes);
            if own.iter().any(|ours| ours.key == "auth") {
                self.note(
                    NoteKind::Error,
                    found.at,
                    &path,
                    "the file has an `auth` of our own too: keep one",
                );
                continue;
            }
            own.push(Entry {
                key: "auth".to_owned(),
                at: found.at,
                value: auth,
            });
        }
        if let Some(signups) = signups {
            translate::put(own, "auth", signups);
        }
    }

    /// What all of the original's charts share: of it only the private authorities count here (row K12).
    fn global(&mut self, global: &Entry, own: &mut Vec<Entry>) {
        let private = entry(&global.value, "privateCaCerts");
        if let Some(found) = private {
            let what = "read as tls.privateCaCerts: a secret's name is the file that the original's charts mount it as, \
                        /usr/local/share/ca-certificates/NAME.pem; where that isn't there, name files of your own";
            let path = "global.privateCaCerts";
            self.note(NoteKind::Understood, found.at, path, what);
            translate::put(own, "tls", translate::private_authorities(found));
        }
        if private.is_none() || global.value.entries().len() > 1 {
            self.ignore(global.at, "global", "it is no part of signing in");
        }
    }

    /// What the original does to its one key, which signs everything there (row H2).
    fn regenerate(&mut self, found: &Entry, path: &str, own: &mut Vec<Entry>) {
        let what = "read as keys.regenerateEachUpgrade: whether an upgrade replaces all signing keys at once, which signs everybody out and ends every API token's value";
        self.note(NoteKind::Understood, found.at, path, what);
        let entry = Entry {
            key: "regenerateEachUpgrade".to_owned(),
            ..found.clone()
        };
        translate::put(own, "keys", entry);
    }

    fn ignore(&mut self, at: Place, path: &str, why: &str) {
        self.note(NoteKind::Ignored, at, path, why);
    }

    fn note(&mut self, kind: NoteKind, at: Place, path: &str, text: impl Into<String>) {
        self.notes.push(Note::new(kind, path, text).at(at));
    }
}

/// An entry of a mapping.
fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Entry> {
    node.entries().iter().find(|entry| entry.key == key)
}

#[cfg(test)]
mod tests;
