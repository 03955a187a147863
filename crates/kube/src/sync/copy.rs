//! What makes a copy ours, and what one looks like.

use std::collections::BTreeMap;

use aeolus_keys::digest;
use aeolus_model::{Time, hex, rfc3339};

use super::digest::DigestKey;
use super::keys;
use super::source::Source;
use super::wish::OnDelete;
use crate::object::{Meta, Place, SecretObject};

/// A copy that is ours: its marks are there, and agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Where its source lies, or lay.
    pub source: Place,
    /// What becomes of it without one.
    pub on_delete: OnDelete,
}

impl Owned {
    /// Reads the marks. A Secret that has some of them only is somebody else's.
    pub fn of(meta: &Meta) -> Option<Self> {
        let label = |key: &str| meta.labels.get(key).map(String::as_str);
        let annotation = |key: &str| meta.annotations.get(key).map(String::as_str);
        let (namespace, name) = annotation(keys::SOURCE)?.split_once('/')?;
        let source = Place::new(namespace, name);
        let is_ours = label(keys::MANAGED) == Some("true")
            && label(keys::SOURCE_NAMESPACE) == Some(namespace)
            && label(keys::SOURCE_HASH) == Some(hash(&source).as_str());
        is_ours.then(|| Self {
            source,
            on_delete: match annotation(keys::ON_DELETE) {
                Some("retain") => OnDelete::Retain,
                _ => OnDelete::Delete,
            },
        })
    }

    /// The selector of labels by which copies of one syncer are found.
    pub fn selector(namespace: &str) -> String {
        format!(
            "{}=true,{}={namespace}",
            keys::MANAGED,
            keys::SOURCE_NAMESPACE
        )
    }
}

/// Marks of copies: ours, and those of others that copy Secrets.
const COPIES: [&str; 4] = [
    keys::SOURCE,
    "reflector.v1.k8s.emberstack.com/reflects",
    "replicator.v1.mittwald.de/replicate-from",
    "replicator.v1.mittwald.de/replicated-from-version",
];

/// Whether a Secret is a copy of another one, whoever made it.
pub fn is_copy(meta: &Meta) -> bool {
    meta.labels.contains_key(keys::MANAGED)
        || meta.labels.contains_key("kubed.appscode.com/origin.name")
        || COPIES.iter().any(|key| meta.annotations.contains_key(*key))
}

/// What a source's copy has to look like, whatever is there.
pub(super) struct Wanted<'a> {
    pub(super) source: &'a Source,
    pub(super) digest: String,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(source: &'a Source, key: &DigestKey) -> Self {
        Self {
            source,
            digest: key.digest(&source.kind, &source.data),
        }
    }

    /// Whether what it says of itself is as it has to be.
    pub(super) fn is_marked(&self, meta: &Meta) -> bool {
        let (labels, annotations) = self.marks();
        let has = |(key, value): (&String, &String), all: &BTreeMap<String, String>| {
            all.get(key) == Some(value)
        };
        let old = meta.annotations.get(keys::COPIED_LABELS);
        labels.iter().all(|pair| has(pair, &meta.labels))
            && annotations.iter().all(|pair| has(pair, &meta.annotations))
            && old == annotations.get(keys::COPIED_LABELS)
            && meta.annotations.get(keys::ON_DELETE) == annotations.get(keys::ON_DELETE)
            && !meta.annotations.contains_key(keys::LAST_APPLIED)
    }

    /// In place of what is there, whose other labels and annotations stay; of nothing: a new one.
    pub(super) fn secret(&self, place: &Place, there: Option<&Meta>, now: Time) -> SecretObject {
        let mut meta = there.cloned().unwrap_or_default();
        meta.place = place.clone();
        let old = meta
            .annotations
            .get(keys::COPIED_LABELS)
            .cloned()
            .unwrap_or_default();
        old.split(',')
            .for_each(|label| drop(meta.labels.remove(label)));
        for key in [keys::COPIED_LABELS, keys::ON_DELETE, keys::LAST_APPLIED] {
            meta.annotations.remove(key);
        }
        let (labels, annotations) = self.marks();
        meta.labels.extend(labels);
        meta.annotations.extend(annotations);
        meta.annotations
            .insert(keys::SYNCED_AT.to_owned(), rfc3339(now.secs()));
        SecretObject {
            meta,
            kind: self.source.kind.clone(),
            data: self.source.data.clone(),
            is_immutable: false,
        }
    }

    /// Labels and annotations. Of the source's own there are the allowed labels alone: the rest belongs to what applies it.
    fn marks(&self) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let source = self.source;
        let mut labels = source.labels.clone();
        let mut annotations = BTreeMap::new();
        if !labels.is_empty() {
            let copied: Vec<&str> = labels.keys().map(String::as_str).collect();
            annotations.insert(keys::COPIED_LABELS, copied.join(","));
        }
        for (key, value) in [
            (keys::MANAGED, "true".to_owned()),
            (keys::SOURCE_NAMESPACE, source.place.namespace.clone()),
            (keys::SOURCE_HASH, hash(&source.place)),
        ] {
            labels.insert(key.to_owned(), value);
        }
        annotations.insert(keys::SOURCE, source.place.to_string());
        annotations.insert(keys::SOURCE_UID, source.uid.clone());
        annotations.insert(keys::DIGEST, self.digest.clone());
        if source.wish.on_delete == OnDelete::Retain {
            annotations.insert(keys::ON_DELETE, "retain".to_owned());
        }
        let annotations = annotations.into_iter();
        (
            labels,
            annotations
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }
}

/// The annotation of a workload's pods that says with which value of a source they were started.
pub fn restart_mark(source: &Source, key: &DigestKey) -> (String, String) {
    let name = format!("{}{}", keys::STARTED_WITH, hash(&source.place));
    (name, key.digest(&source.kind, &source.data))
}

/// 80 bits: enough to tell the Secrets of a cluster apart.
fn hash(source: &Place) -> String {
    let digest = digest::sha256(source.to_string().as_bytes());
    hex(&digest).chars().take(20).collect()
}
