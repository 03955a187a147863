//! Findings as they are printed.

mod metrics;
mod remarks;

use std::collections::BTreeMap;
use std::path::Path;

use aeolus_model::Time;
use aeolus_pki::Certificate;
use aeolus_pki::check::{Finding, Rule, Severity};
use serde::Serialize;

use self::remarks::{NAMELESS, NOTHING, UNREAD, UNSEEN_SIGNATURE, WRONG_SIGNATURE};
use super::live::Proof;
use crate::moments;
use crate::report::{Exit, Failure};
use crate::ui::{self, Output, Table};

/// Everything there is to say.
#[derive(Default)]
pub(super) struct Shown {
    places: Vec<Place>,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    /// A file, a folder or standard input.
    File,
    /// A Secret of Kubernetes.
    Secret,
    /// A server.
    Server,
}

impl Kind {
    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Secret => "secret",
            Self::Server => "server",
        }
    }
}

/// One file, Secret or server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    kind: Kind,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    crl_urls: Vec<String>,
    #[serde(skip)]
    times: (Time, Time),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    code: &'static str,
    severity: Severity,
    about: String,
    problem: &'static str,
    detail: String,
    means: &'static str,
    act: &'static str,
}

impl Place {
    pub(super) fn new(kind: Kind, name: String, certificates: &[Certificate]) -> Self {
        let certificates = certificates.iter().map(|one| One {
            subject: one.subject.clone(),
            serial: one.serial.to_string(),
            role: match (one.authority.is_some(), one.is_self_issued()) {
                (true, true) => "root",
                (true, false) => "intermediate",
                (false, _) => "leaf",
            },
            not_before: moments::written(one.not_before),
            not_after: moments::written(one.not_after),
            crl_urls: one.crl_urls.clone(),
            times: (one.not_before, one.not_after),
        });
        Self {
            kind,
            name,
            certificates: certificates.collect(),
            findings: Vec::new(),
        }
    }

    pub(super) fn found(&mut self, findings: Vec<Finding>) {
        self.findings
            .extend(findings.into_iter().map(|finding| Found {
                code: finding.rule.code,
                severity: finding.rule.severity,
                about: finding.about,
                problem: finding.rule.what,
                detail: finding.detail,
                means: finding.rule.means,
                act: finding.rule.act,
            }));
    }

    /// A key that others may read.
    pub(super) fn open(&mut self, file: &Path, mode: u32) {
        let about = file.display().to_string();
        self.remark(
            &aeolus_tls::OPEN_KEY,
            about,
            format!("its mode is {mode:03o}"),
        );
    }

    /// A place that was named and has no certificate.
    pub(super) fn nothing(&mut self, detail: &str) {
        self.remark(&NOTHING, self.name.clone(), detail.to_owned());
    }

    /// A place that could not be looked into.
    pub(super) fn unread(&mut self, why: &str) {
        self.remark(&UNREAD, self.name.clone(), why.to_owned());
    }

    /// A server's name that no certificate can be compared with.
    pub(super) fn nameless(&mut self, name: &str, why: &str) {
        self.remark(&NAMELESS, name.to_owned(), why.to_owned());
    }

    /// Whether the server has the key, where that isn't so or can't be told.
    pub(super) fn proof(&mut self, proof: Proof) {
        let (rule, detail) = match proof {
            Proof::Given => return,
            Proof::Wrong => (&WRONG_SIGNATURE, "it signed the handshake with another one"),
            Proof::Unseen => (
                &UNSEEN_SIGNATURE,
                "rustls can't read the certificate, so the handshake's signature was not verified",
            ),
        };
        self.remark(rule, self.name.clone(), detail.to_owned());
    }

    fn remark(&mut self, rule: &'static Rule, about: String, detail: String) {
        self.found(vec![Finding {
            rule,
            about,
            detail,
        }]);
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

    /// Whether there are certificates whose chains only `--ca` lets prove.
    pub(super) fn has_unproved(&self) -> bool {
        let is_unproved =
            |place: &Place| place.kind != Kind::Server && !place.certificates.is_empty();
        self.places.iter().any(is_unproved)
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
                table.row([found.severity.name(), found.code, &place.name, &what]);
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
        let error = all.any(|found| found.severity == Severity::Error);
        Err(Failure {
            reports: Vec::new(),
            exit: if error { Exit::Failed } else { Exit::Warned },
        })
    }
}
