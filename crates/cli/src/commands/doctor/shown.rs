//! Findings as they are printed.

use std::collections::BTreeSet;

use aeolus_doctor::{Examined, Finding, Guard, Severity};
use serde::Serialize;

use crate::report::Failure;
use crate::ui::{self, Output, Table};

/// Everything there is to say.
#[derive(Default)]
pub(super) struct Shown {
    proxies: Vec<Place>,
    guards: Vec<Guard>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    proxy: String,
    /// Which proxy a file is for, or `probe`.
    kind: &'static str,
    findings: Vec<Found>,
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    code: &'static str,
    severity: &'static str,
    at: String,
    problem: &'static str,
    means: &'static str,
    add: &'static str,
}

impl From<Finding> for Found {
    fn from(finding: Finding) -> Self {
        let guard = finding.guard;
        Self {
            code: guard.code,
            severity: guard.severity.name(),
            at: finding.at,
            problem: guard.lacks,
            means: guard.means,
            add: guard.add,
        }
    }
}

impl Shown {
    pub(super) fn add(&mut self, proxy: &str, kind: &'static str, examined: Examined) {
        self.guards
            .extend(examined.findings.iter().map(|finding| finding.guard));
        self.proxies.push(Place {
            proxy: proxy.to_owned(),
            kind,
            findings: examined.findings.into_iter().map(Found::from).collect(),
            notes: examined.notes,
        });
    }

    /// The severity of the worst finding.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.guards.iter().map(|guard| guard.severity).min()
    }

    pub(super) fn print(&self, output: Output) -> Result<(), Failure> {
        if output != Output::Table {
            return ui::answer(output, &self.proxies, &Table::default());
        }
        for proxy in &self.proxies {
            for note in &proxy.notes {
                ui::note(&format!("note: {}: {note}", proxy.proxy));
            }
            if proxy.findings.is_empty() {
                ui::line(&format!(
                    "{} ({}): no guard is missing",
                    proxy.proxy, proxy.kind
                ));
            }
        }
        if self.guards.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&["SEVERITY", "CODE", "WHERE", "WHAT IS WRONG"]);
        for proxy in &self.proxies {
            for found in &proxy.findings {
                let place = format!("{}: {}", proxy.proxy, found.at);
                table.row([found.severity, found.code, place.as_str(), found.problem]);
            }
        }
        ui::answer(output, &self.proxies, &table)?;
        let mut said = BTreeSet::new();
        for guard in self.guards.iter().filter(|guard| said.insert(guard.code)) {
            ui::line(&format!(
                "\n{}: {}\n  add: {}",
                guard.code, guard.means, guard.add
            ));
        }
        Ok(())
    }
}
