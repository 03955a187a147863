//! Secrets of Kubernetes in manifests: a file's, or what `kubectl get secrets -A -o json` prints.

use aeolus_model::Secret;
use aeolus_pki::check::Subject;
use aeolus_pki::kube::{StoredSecret, secrets};
use serde_json::Value;

use super::Checker;
use super::shown::{Kind, Place};
use crate::report::{Failure, Report};
use crate::yaml;

/// What a manifest may have: every Secret of a large cluster.
pub(super) const MAX_MANIFEST: usize = 64 * 1024 * 1024;

/// The text, if it is a manifest: JSON, or YAML of an object that says its kind.
pub(super) fn manifest(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let says = |line: &str| line.starts_with("kind:") || line.starts_with("apiVersion:");
    (is_json(text) || text.lines().any(says)).then_some(text)
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

impl Checker<'_> {
    /// Every Secret with a certificate in it. Of a folder's files, those without one are left out.
    pub(super) async fn manifest(
        &mut self,
        (name, text): (&str, &str),
        of_folder: bool,
    ) -> Result<(), Failure> {
        let passphrase = self.held.passphrase.as_ref();
        let documents = documents(name, text)?;
        let stored = documents.iter().flat_map(|one| secrets(one, passphrase));
        let stored: Vec<StoredSecret> = stored.collect();
        if stored.is_empty() && !of_folder {
            self.nothing(name, "it has no Secret with one");
        }
        self.stored(&stored).await;
        Ok(())
    }

    /// Secrets, each by itself and as copies of each other.
    pub(in crate::commands) async fn stored(&mut self, stored: &[StoredSecret]) {
        for secret in stored {
            let certificates = secret.certificates();
            let lists = self.lists(&certificates).await;
            let held = Subject {
                lists: &lists,
                ..self.subject()
            };
            let mut place = Place::new(Kind::Secret, secret.place(), &certificates);
            place.found(secret.examine(stored, &held, self.now));
            self.shown.add(place);
        }
    }

    /// Where Secrets were expected and none has a certificate.
    pub(in crate::commands) fn nothing(&mut self, name: &str, detail: &str) {
        let mut place = Place::new(Kind::Secret, name.to_owned(), &[]);
        place.nothing(detail);
        self.shown.add(place);
    }

    /// Where Secrets may be that could not be read.
    pub(in crate::commands) fn unread(&mut self, name: &str, failure: Failure) {
        let mut place = Place::new(Kind::Secret, name.to_owned(), &[]);
        let why = failure.reports.first().map_or("", |report| report.what());
        place.unread(why);
        self.shown.add(place);
        self.unread.push(failure);
    }

    /// Whether something could not be read.
    pub(in crate::commands) const fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// What opens keys that are encrypted.
    pub(in crate::commands) const fn passphrase(&self) -> Option<&Secret<String>> {
        self.held.passphrase.as_ref()
    }
}

fn documents(name: &str, text: &str) -> Result<Vec<Value>, Failure> {
    if !is_json(text) {
        let trees = yaml::parse_trees(name, text)?;
        return Ok(trees.iter().map(yaml::Node::to_json).collect());
    }
    let documents = serde_json::Deserializer::from_str(text).into_iter();
    documents
        .collect::<Result<_, _>>()
        .map_err(|error: serde_json::Error| {
            Report::new("PKI-002", format!("{name} is not JSON: {error}"))
                .why("Nothing of it was checked.")
                .help("give it as kubectl writes it: kubectl get secrets -A -o json")
                .usage()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_told_from_certificates() {
        for (text, is) in [
            (" {\"kind\": \"List\"}", true),
            ("# ours\nkind: Secret\n", true),
            ("---\napiVersion: v1\n", true),
            ("-----BEGIN CERTIFICATE-----\n", false),
            (
                "Bag Attributes\n  kind: x\n-----BEGIN CERTIFICATE-----\n",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(manifest(text.as_bytes()).is_some(), is, "{text:?}");
        }
        assert_eq!(manifest(&[0x30, 0x82, 0xff]), None);
    }

    #[test]
    fn several_documents_are_read_in_both_forms() {
        for text in [
            "kind: A\n---\nkind: B\n",
            "{\"kind\":\"A\"}\n{\"kind\":\"B\"}",
        ] {
            let read = documents("-", text).unwrap();
            let kinds: Vec<_> = read.iter().filter_map(|one| one["kind"].as_str()).collect();
            assert_eq!(kinds, ["A", "B"], "{text}");
        }
        for text in ["{", "a: [b"] {
            assert!(documents("-", text).is_err());
        }
    }
}
