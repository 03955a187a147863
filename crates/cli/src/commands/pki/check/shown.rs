//! Findings as they are printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use aeolus_pki::Certificate;
use aeolus_pki::check::{Finding, Severity};
use serde::Serialize;

use crate::moments;
use crate::report::{Exit, Failure};
use crate::ui::{self, Output, Table};

/// Everything there is to say.
#[derive(Default)]
pub(super) struct Shown {
    places: Vec<Place>,
}

/// One file or server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    #[serde(rename = "place")]
    name: String,
    certificates: Vec<One>,
    findings: Vec<Found>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One {
    subject: String,
    serial: String,
    role: &'static str,
    not_before: String,
    not_after: String,
    #[serde(skip)]
    times: (i64, i64),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    code: &'static str,
    severity: &'static str,
    about: String,
    problem: &'static str,
    detail: String,
    means: &'static str,
    act: &'static str,
}

impl Place {
    pub(super) fn new(name: String, certificates: &[Certificate]) -> Self {
        let certificates = certificates.iter().map(|one| One {
            subject: one.subject.clone(),
            serial: one.serial_hex(),
            role: match (one.authority.is_some(), one.is_self_issued()) {
                (true, true) => "root",
                (true, false) => "intermediate",
                (false, _) => "leaf",
            },
            not_before: moments::written(one.not_before),
            not_after: moments::written(one.not_after),
            times: (one.not_before.secs(), one.not_after.secs()),
        });
        Self {
            name,
            certificates: certificates.collect(),
            findings: Vec::new(),
        }
    }

    pub(super) fn found(&mut self, findings: Vec<Finding>) {
        self.findings
            .extend(findings.into_iter().map(|finding| Found {
                code: finding.rule.code,
                severity: finding.rule.severity.name(),
                about: finding.about,
                problem: finding.rule.what,
                detail: finding.detail,
                means: finding.rule.means,
                act: finding.rule.act,
            }));
    }

    /// A key that others may read.
    pub(super) fn open(&mut self, file: &Path, mode: u32) {
        self.findings.push(Found {
            code: "PKI-150",
            severity: Severity::Error.name(),
            about: file.display().to_string(),
            problem: "a private key that others may read",
            detail: format!("its mode is {mode:03o}"),
            means: "Every program on this machine can pose as whoever it belongs to.",
            act: "chmod 0600, and issue it again with a new key if others may have read it",
        });
    }

    /// A place that was named and has no certificate.
    pub(super) fn nothing(&mut self, detail: &str) {
        self.findings.push(Found {
            code: "PKI-151",
            severity: Severity::Error.name(),
            about: self.name.clone(),
            problem: "no certificate",
            detail: detail.to_owned(),
            means: "There is nothing that could be checked.",
            act: "name the file of the certificate",
        });
    }

    /// A server's name that no certificate can be compared with.
    pub(super) fn nameless(&mut self, name: &str, why: &str) {
        self.findings.push(Found {
            code: "PKI-152",
            severity: Severity::Error.name(),
            about: name.to_owned(),
            problem: "a name that no certificate is issued for",
            detail: why.to_owned(),
            means: "Whether the certificate is for it was not checked, and many clients refuse such names.",
            act: "check the server by a name that DNS and certificates can have",
        });
    }
}

impl Shown {
    pub(super) fn add(&mut self, place: Place) {
        self.places.push(place);
    }

    /// How many places have something to say.
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// Whether there are certificates of files, whose chains only `--ca` lets prove.
    pub(super) fn has_files(&self) -> bool {
        self.places
            .iter()
            .any(|place| !place.certificates.is_empty() && Path::new(&place.name).exists())
    }

    /// That nothing is wrong is said only if something was checked and nothing was left out.
    pub(super) fn print(&self, output: Output, is_whole: bool) -> Result<(), Failure> {
        if output != Output::Table {
            return ui::answer(output, &self.places, &Table::default());
        }
        let mut all: Vec<(&Place, &One)> = self
            .places
            .iter()
            .flat_map(|place| place.certificates.iter().map(move |one| (place, one)))
            .collect();
        all.sort_by_key(|(_, one)| one.times.1);
        let mut table = Table::new(&["UNTIL", "ROLE", "SUBJECT", "WHERE"]);
        for (place, one) in all {
            table.row([one.not_after.as_str(), one.role, &one.subject, &place.name]);
        }
        ui::answer(output, &(), &table)?;
        let mut told = BTreeMap::new();
        let mut table = Table::new(&["SEVERITY", "CODE", "WHERE", "WHAT IS WRONG"]);
        for place in &self.places {
            for found in &place.findings {
                let what = format!("{}: {}", found.problem, found.detail);
                table.row([found.severity, found.code, &place.name, &what]);
                told.insert(found.code, (found.means, found.act));
            }
        }
        if told.is_empty() {
            if is_whole && !self.places.is_empty() {
                ui::line("\nnothing is wrong");
            }
            return Ok(());
        }
        ui::line("");
        ui::answer(output, &(), &table)?;
        for (code, (means, act)) in told {
            ui::line(&format!("\n{code}: {means}\n  do: {act}"));
        }
        Ok(())
    }

    /// In the text form of Prometheus, for its textfile collector.
    pub(super) fn print_metrics(&self) {
        let mut text = String::new();
        for (name, help, pick) in [
            ("not_before", "From when a certificate is good.", 0),
            ("not_after", "Until when a certificate is good.", 1),
        ] {
            let name = format!("aeolus_certificate_{name}_timestamp_seconds");
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for place in &self.places {
                for one in &place.certificates {
                    let (at, role) = (label(&place.name), one.role);
                    let (subject, serial) = (label(&one.subject), &one.serial);
                    let value = if pick == 0 { one.times.0 } else { one.times.1 };
                    let _ = writeln!(
                        text,
                        "{name}{{place=\"{at}\",role=\"{role}\",subject=\"{subject}\",serial=\"{serial}\"}} {value}"
                    );
                }
            }
        }
        let name = "aeolus_certificate_findings";
        let _ = writeln!(
            text,
            "# HELP {name} What is wrong with certificates.\n# TYPE {name} gauge"
        );
        for place in &self.places {
            for severity in [Severity::Error, Severity::Warning] {
                let severity = severity.name();
                let count = place
                    .findings
                    .iter()
                    .filter(|found| found.severity == severity);
                let (at, count) = (label(&place.name), count.count());
                let _ = writeln!(
                    text,
                    "{name}{{place=\"{at}\",severity=\"{severity}\"}} {count}"
                );
            }
        }
        ui::print(&text);
    }

    /// How the program ends: by the worst finding.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let mut all = self
            .places
            .iter()
            .flat_map(|place| &place.findings)
            .peekable();
        if all.peek().is_none() {
            return Ok(());
        }
        let error = all.any(|found| found.severity == Severity::Error.name());
        Err(Failure {
            reports: Vec::new(),
            exit: if error { Exit::Failed } else { Exit::Warned },
        })
    }
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
