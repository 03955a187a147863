//! Findings as figures, in the text form of Prometheus: `aeolus_pki_check_…`, because the certificates of a running
//! program are `aeolus_certificate_…` with labels of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aeolus_model::Time;
use aeolus_pki::check::Severity;
use aeolus_pki::due;

use super::{One, Place, Shown};

impl Shown {
    /// Of every certificate from when, until when and from when it is to be renewed, whatever its place among the
    /// others; of every place how much is wrong; and when all of it was looked at.
    pub(in super::super) fn metrics(&self, now: Time, unread: usize) -> String {
        let mut text = String::new();
        for (name, help, pick) in [
            (
                "not_before",
                "From when a certificate is good.",
                (|one: &One| one.times.0) as fn(&One) -> Time,
            ),
            ("not_after", "Until when a certificate is good.", |one| {
                one.times.1
            }),
            (
                "renewal",
                "From when a certificate is to be renewed.",
                |one| due(one.times.0, one.times.1),
            ),
        ] {
            let name = format!("aeolus_pki_check_{name}_timestamp_seconds");
            head(&mut text, &name, help);
            let mut said = BTreeSet::new();
            for place in &self.places {
                for one in &place.certificates {
                    let labels = labels(place, one);
                    // A bundle may have one twice, and a figure is said once.
                    if said.insert(labels.clone()) {
                        let _ = writeln!(text, "{name}{{{labels}}} {}", pick(one).secs());
                    }
                }
            }
        }
        let name = "aeolus_pki_check_findings";
        head(&mut text, name, "What is wrong with certificates.");
        let mut counts = BTreeMap::new();
        for place in &self.places {
            for severity in [Severity::Error, Severity::Warning] {
                let found = place.findings.iter();
                let count = found.filter(|found| found.severity == severity).count();
                let severity = severity.name();
                let (kind, at) = (place.kind.name(), label(&place.name));
                let labels = format!("kind=\"{kind}\",place=\"{at}\",severity=\"{severity}\"");
                *counts.entry(labels).or_insert(0) += count;
            }
        }
        for (labels, count) in counts {
            let _ = writeln!(text, "{name}{{{labels}}} {count}");
        }
        for (name, help, value) in [
            (
                "aeolus_pki_check_unread",
                "How much could not be read or reached.",
                i64::try_from(unread).unwrap_or(i64::MAX),
            ),
            (
                "aeolus_pki_check_timestamp_seconds",
                "When certificates were checked.",
                now.secs(),
            ),
        ] {
            head(&mut text, name, help);
            let _ = writeln!(text, "{name} {value}");
        }
        text
    }
}

fn head(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}

fn labels(place: &Place, one: &One) -> String {
    let (kind, at, role) = (place.kind.name(), label(&place.name), one.role);
    let (subject, serial) = (label(&one.subject), &one.serial);
    format!(
        "kind=\"{kind}\",place=\"{at}\",role=\"{role}\",subject=\"{subject}\",serial=\"{serial}\""
    )
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
