//! A Secret of the type `kubernetes.io/tls` as it is to be: judged before it is written, and compared with what is there.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_kube::{Data, Meta, Place, SecretObject, Seen, TLS};
use aeolus_model::{Secret, Time};
use aeolus_pki::check::{Finding, Severity, Subject};
use aeolus_pki::{Certificate, Fingerprint, Input, PrivateKey, certificates_pem};
use serde::Serialize;

use crate::args::Mark;
use crate::commands::pki::manifest::{Manifest, Metadata};
use crate::report::{Exit, Failure, Report};
use crate::ui;

/// Who is said to have written what these commands write.
pub(super) const MANAGER: &str = "aeolus-tls";
pub(super) const CHAIN: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";
/// Where `kubectl apply` keeps what it was given, keys and all.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A certificate with what is sent with it, and its key.
pub(super) struct Pair {
    pub(super) chain: Vec<Certificate>,
    pub(super) key: PrivateKey,
}

/// Labels or annotations by name: with a value they are set, without one they go.
pub(super) type Marks = BTreeMap<String, Option<String>>;

/// What is to be.
pub(super) struct Wanted {
    pub(super) place: Place,
    pub(super) pair: Pair,
    pub(super) labels: Marks,
    pub(super) annotations: Marks,
    /// The certificate whose place it takes; another one is left alone. None: whichever is there.
    pub(super) replaces: Option<Fingerprint>,
}

/// What has to be done for it.
pub(super) enum Step {
    /// Nothing.
    Keep,
    /// This, by server-side apply.
    Apply(Box<SecretObject>),
    /// This, in place of one that can't be changed, for this reason.
    Recreate(Box<SecretObject>, Unchangeable),
}

/// Why a Secret can't become what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unchangeable {
    /// It has another type.
    Type(String),
    /// It is immutable.
    Immutable,
}

/// One difference, by its name alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    pub(super) entry: String,
    pub(super) change: &'static str,
}

impl Wanted {
    /// The certificate.
    pub(super) fn leaf(&self) -> Result<&Certificate, Failure> {
        let none = || Report::new("PKI-003", "there is no certificate").usage();
        self.pair.chain.first().ok_or_else(none)
    }

    /// The manifest: with the key.
    pub(super) fn manifest(&self) -> Manifest {
        let set = |marks: &Marks| {
            let set = marks.iter();
            set.filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
                .collect()
        };
        let metadata = Metadata {
            name: self.place.name.clone(),
            namespace: Some(self.place.namespace.clone()),
            labels: set(&self.labels),
            annotations: set(&self.annotations),
        };
        Manifest::of(metadata, (&self.pair.chain, &self.pair.key))
    }

    /// Refuses what somebody would refuse who meets it; yields the warnings. It is judged as whoever reads it from the
    /// cluster judges it.
    pub(super) fn judge(&self, held: &Subject<'_>, now: Time) -> Result<Vec<Finding>, Failure> {
        let manifest = serde_json::to_value(self.manifest());
        let manifest = manifest.map_err(|error| Report::new("CLI-0001", error.to_string()))?;
        let stored = aeolus_pki::kube::secrets(&manifest, None);
        let found = stored.iter().flat_map(|one| one.examine(&[], held, now));
        let (errors, warnings): (Vec<Finding>, _) =
            found.partition(|found| found.rule.severity == Severity::Error);
        if errors.is_empty() {
            return Ok(warnings);
        }
        let reports = errors.into_iter().map(|found| {
            let what = format!("{}: {}: {}", self.place, found.rule.what, found.detail);
            Report::new(found.rule.code, what)
                .why(format!("{} Nothing was changed.", found.rule.means))
                .help(found.rule.act)
        });
        Err(Failure {
            reports: reports.collect(),
            exit: Exit::Failed,
        })
    }

    /// What has to be done, by what is there.
    pub(super) fn step(&self, seen: Option<&Seen>) -> Step {
        let mut secret = self.secret(seen);
        let Some(seen) = seen else {
            return Step::Apply(Box::new(secret));
        };
        let there = &seen.secret;
        if there.kind != TLS {
            let why = Unchangeable::Type(there.kind.clone());
            return Step::Recreate(Box::new(anew(secret, there)), why);
        }
        if self.is_in(there) {
            // The same in another writing is the same: whoever wrote it keeps it.
            secret.data = kept(there);
            let marked = |wanted: &BTreeMap<_, _>, there: &BTreeMap<_, _>, marks: &Marks| {
                wanted
                    .iter()
                    .all(|(key, value)| there.get(key) == Some(value))
                    && !gone(marks).any(|key| there.contains_key(key))
            };
            let meta = &there.meta;
            let labelled = marked(&secret.meta.labels, &meta.labels, &self.labels);
            if labelled
                && marked(
                    &secret.meta.annotations,
                    &meta.annotations,
                    &self.annotations,
                )
            {
                return Step::Keep;
            }
        } else if there.is_immutable {
            return Step::Recreate(Box::new(anew(secret, there)), Unchangeable::Immutable);
        }
        Step::Apply(Box::new(secret))
    }

    /// What is applied. What an earlier run marked stays, unless it is to go.
    fn secret(&self, seen: Option<&Seen>) -> SecretObject {
        let mut secret = SecretObject {
            meta: Meta {
                place: self.place.clone(),
                ..seen.map(own).unwrap_or_default()
            },
            kind: TLS.to_owned(),
            data: self.data(),
            is_immutable: false,
        };
        mark(&mut secret.meta.labels, &self.labels);
        mark(&mut secret.meta.annotations, &self.annotations);
        secret
    }

    fn data(&self) -> Data {
        let chain = certificates_pem(&self.pair.chain).into_bytes();
        let key = self.pair.key.pem().expose().as_bytes().to_vec();
        Data::from([
            (CHAIN.to_owned(), Secret::new(chain)),
            (KEY.to_owned(), Secret::new(key)),
        ])
    }

    /// Whether a Secret has these certificates and this key, however they are written.
    fn is_in(&self, there: &SecretObject) -> bool {
        let key = read(there, KEY).and_then(|read| read.keys.into_iter().next());
        let chain = read(there, CHAIN).map(|read| read.certificates);
        chain.as_ref() == Some(&self.pair.chain)
            && key.is_some_and(|key| key.public() == self.pair.key.public())
    }
}

/// What is there in another writing: other bytes, and the same certificate and key.
pub(super) fn rehearsed(seen: &Seen) -> SecretObject {
    let longer = |value: &Secret<Vec<u8>>| Secret::new([value.expose(), &b"\n"[..]].concat());
    let data = kept(&seen.secret).into_iter();
    SecretObject {
        // Whichever version is there by then: which one is replaced is asked when it is.
        meta: Meta {
            uid: String::new(),
            version: String::new(),
            ..own(seen)
        },
        kind: TLS.to_owned(),
        data: data.map(|(key, value)| (key, longer(&value))).collect(),
        is_immutable: false,
    }
}

/// Which version is changed, and what these commands marked on it: what an apply leaves out goes.
fn own(seen: &Seen) -> Meta {
    let of = |all: &BTreeMap<String, String>, own: &BTreeSet<String>| {
        let all = all.iter().filter(|(key, _)| own.contains(*key));
        all.map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let there = &seen.secret.meta;
    Meta {
        labels: of(&there.labels, &seen.labels),
        annotations: of(&there.annotations, &seen.annotations),
        ..there.clone()
    }
}

fn mark(there: &mut BTreeMap<String, String>, marks: &Marks) {
    for (key, value) in marks {
        match value {
            Some(value) => there.insert(key.clone(), value.clone()),
            None => there.remove(key),
        };
    }
}

/// Marks as they were typed; the last word on one counts.
pub(super) fn marks(typed: &[Mark]) -> Marks {
    let typed = typed.iter();
    typed
        .map(|mark| (mark.key.clone(), mark.value.clone()))
        .collect()
}

fn gone(marks: &Marks) -> impl Iterator<Item = &String> {
    let gone = marks.iter().filter(|(_, value)| value.is_none());
    gone.map(|(key, _)| key)
}

fn kept(there: &SecretObject) -> Data {
    let data = there.data.iter();
    data.filter(|(key, _)| [CHAIN, KEY].contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), Secret::new(value.expose().clone())))
        .collect()
}

/// A new object in the place of one that goes: what was marked on that one is marked on it too, but not what `kubectl
/// apply` left there, which has the old key.
fn anew(mut secret: SecretObject, there: &SecretObject) -> SecretObject {
    (secret.meta.uid, secret.meta.version) = (String::new(), String::new());
    let mut labels = there.meta.labels.clone();
    labels.append(&mut secret.meta.labels);
    let mut annotations = there.meta.annotations.clone();
    annotations.remove(LAST_APPLIED);
    annotations.append(&mut secret.meta.annotations);
    (secret.meta.labels, secret.meta.annotations) = (labels, annotations);
    secret
}

/// What an entry of a Secret has; none where it can't be read.
pub(super) fn read(secret: &SecretObject, entry: &str) -> Option<Input> {
    let bytes = secret.data.get(entry)?.expose();
    aeolus_pki::read(bytes, None).ok()
}

/// The certificate that a Secret has.
pub(super) fn leaf(secret: &SecretObject) -> Option<Certificate> {
    read(secret, CHAIN)?.certificates.into_iter().next()
}

/// What differs, by name.
pub(super) fn changes(before: Option<&SecretObject>, after: &SecretObject) -> Vec<Change> {
    let none = SecretObject::default();
    let before = before.unwrap_or(&none);
    let bytes = |secret: &SecretObject| -> BTreeMap<String, Vec<u8>> {
        let data = secret.data.iter();
        data.map(|(key, value)| (key.clone(), value.expose().clone()))
            .collect()
    };
    let mut changes = differing("", &bytes(before), &bytes(after));
    changes.extend(differing("label ", &before.meta.labels, &after.meta.labels));
    let annotations = (&before.meta.annotations, &after.meta.annotations);
    changes.extend(differing("annotation ", annotations.0, annotations.1));
    changes
}

fn differing<T: PartialEq>(
    what: &str,
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (key, value) in after {
        let change = match before.get(key) {
            None => "added",
            Some(there) if there != value => "changed",
            Some(_) => continue,
        };
        let entry = format!("{what}{key}");
        changes.push(Change { entry, change });
    }
    let removed = before.keys().filter(|key| !after.contains_key(*key));
    changes.extend(removed.map(|key| Change {
        entry: format!("{what}{key}"),
        change: "removed",
    }));
    changes
}

/// What is good, and should be known.
pub(super) fn warn(warnings: &[Finding]) {
    for found in warnings {
        let rule = found.rule;
        ui::note(&format!(
            "warning[{}]: {}: {}: {}",
            rule.code, found.about, rule.what, found.detail
        ));
        ui::note(&format!("  {}\n  help: {}", rule.means, rule.act));
    }
}

/// The old key lies on in what `kubectl apply` keeps.
pub(super) fn warn_of_annotation(secret: &SecretObject) {
    if secret.meta.annotations.contains_key(LAST_APPLIED) {
        let place = &secret.meta.place;
        ui::note(&format!(
            "note: the annotation {LAST_APPLIED} has what kubectl was given, the key with it: kubectl annotate secret {} --namespace {} {LAST_APPLIED}- removes it",
            place.name, place.namespace
        ));
    }
}

#[cfg(test)]
mod tests;
