//! What came of a pass, for people and programs.

use aeolus_kube::KubeError;
use aeolus_kube::pass::{Done, Outcome};
use aeolus_kube::sync::{Entry, KeyChanges, Rewrite, SourceState, Step};
use aeolus_model::rfc3339;
use serde::Serialize;

use crate::report::{Failure, Report};
use crate::ui::{self, Output, Table};

/// More reports of one kind than that say no more.
const MOST: usize = 20;
/// Enough of a fingerprint to tell two certificates apart.
const PRINT: usize = 16;

/// A pass, or the plan of one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    source_namespace: String,
    began: String,
    took_millis: u64,
    dry_run: bool,
    sources: Vec<SourceShown>,
    copies: Vec<CopyShown>,
    held_back: usize,
    restarted: Vec<String>,
    unread: Vec<String>,
}

/// One source.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceShown {
    pub(super) source: String,
    pub(super) refused: Option<String>,
    pub(super) warnings: Vec<String>,
}

/// One place of a copy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CopyShown {
    pub(super) source: String,
    pub(super) copy: String,
    pub(super) state: &'static str,
    pub(super) detail: String,
}

impl Shown {
    pub(super) fn of(outcome: &Outcome, namespace: &str, dry_run: bool) -> Self {
        let entries = outcome.plan.entries.iter().zip(&outcome.done);
        Self {
            source_namespace: namespace.to_owned(),
            began: rfc3339(outcome.began.secs()),
            took_millis: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
            dry_run,
            sources: outcome.plan.sources.iter().map(SourceShown::of).collect(),
            copies: entries
                .map(|(entry, done)| CopyShown::of(entry, done, dry_run))
                .collect(),
            held_back: outcome.plan.held_back.map_or(0, |held| held.wanted),
            restarted: outcome
                .restarted
                .iter()
                .map(|(namespace, workload)| format!("{namespace} {workload}"))
                .collect(),
            unread: outcome
                .unread
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
        }
    }

    /// All of it to programs; to people what isn't as it should be already, and a sentence of the whole.
    pub(super) fn print(&self, output: Output) -> Result<(), Failure> {
        let mut table = Table::new(&["SOURCE", "COPY", "STATE", "DETAIL"]);
        let told = self.copies.iter().filter(|copy| copy.state != CURRENT);
        let mut rows = 0;
        for copy in told {
            let cells = [
                &copy.source,
                &copy.copy,
                &copy.state.to_owned(),
                &copy.detail,
            ];
            table.row(cells.map(String::clone));
            rows += 1;
        }
        for name in &self.restarted {
            ui::note(&format!("started again: {name}"));
        }
        for source in &self.sources {
            for warning in &source.warnings {
                ui::note(&format!("warning: {}: {warning}", source.source));
            }
        }
        let (copies, sources) = (self.copies.len(), self.sources.len());
        let current = copies - rows;
        ui::note(&format!(
            "{sources} sources of {}, {copies} places, {current} as they should be, {} ms",
            self.source_namespace, self.took_millis
        ));
        if rows == 0 && output == Output::Table {
            return Ok(());
        }
        ui::answer(output, self, &table)
    }
}

impl SourceShown {
    pub(super) fn of(state: &SourceState) -> Self {
        Self {
            source: state.place.to_string(),
            refused: state.source.as_ref().err().map(ToString::to_string),
            warnings: state.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

const CURRENT: &str = "current";

impl CopyShown {
    pub(super) fn of(entry: &Entry, done: &Done, dry_run: bool) -> Self {
        let (state, detail) = match done {
            Done::Failed(error) => ("failed", error.to_string()),
            Done::Late => ("late", "the pass was over before".to_owned()),
            Done::Gone => ("skipped", "its namespace has gone meanwhile".to_owned()),
            Done::Unstarted(workload, error) => (
                "failed",
                format!("{workload} wasn't started again: {error}"),
            ),
            Done::Yes => {
                let (would, was) = words(&entry.step);
                (if dry_run { would } else { was }, detail(&entry.step))
            }
        };
        Self {
            source: entry.source.to_string(),
            copy: entry.target.to_string(),
            state,
            detail,
        }
    }
}

/// What would happen, and what did.
const fn words(step: &Step) -> (&'static str, &'static str) {
    match step {
        Step::Current => (CURRENT, CURRENT),
        Step::Look => ("unread", "unread"),
        Step::Create(_) => ("create", "created"),
        Step::Update { adopted: true, .. } => ("adopt", "adopted"),
        Step::Update { .. } => ("update", "updated"),
        Step::Recreate { .. } => ("recreate", "recreated"),
        Step::Conflict { .. } => ("conflict", "conflict"),
        Step::Delete(_) => ("delete", "deleted"),
        Step::Orphan { .. } => ("orphan", "orphan"),
        Step::Skip { .. } => ("skip", "skipped"),
    }
}

fn detail(step: &Step) -> String {
    match step {
        Step::Current | Step::Look | Step::Create(_) | Step::Delete(_) => String::new(),
        Step::Update {
            keys, certificate, ..
        } => {
            let certificate = certificate.as_ref().map(|(before, after)| {
                let short = |print: &str| print.chars().take(PRINT).collect::<String>();
                format!("certificate {} -> {}", short(before), short(after))
            });
            let keys = changes(keys);
            match certificate {
                Some(certificate) => format!("{keys}; {certificate}"),
                None => keys,
            }
        }
        Step::Recreate { why, .. } => match why {
            Rewrite::Kind => "its type is another one".to_owned(),
            Rewrite::Immutable => "it says that it can't be changed".to_owned(),
        },
        Step::Conflict { why, .. } => why.clone(),
        Step::Orphan { why } | Step::Skip { why } => (*why).to_owned(),
    }
}

fn changes(keys: &KeyChanges) -> String {
    let named = |sign: char, names: &[String]| -> Vec<String> {
        names.iter().map(|name| format!("{sign}{name}")).collect()
    };
    let mut all = named('+', &keys.added);
    all.extend(named('-', &keys.removed));
    all.extend(named('~', &keys.changed));
    if all.is_empty() {
        return "marks alone".to_owned();
    }
    all.join(" ")
}

/// What somebody has to look at.
pub(super) fn reports(outcome: &Outcome) -> Vec<Report> {
    let mut reports = refused(outcome);
    reports.extend(outcome.unread.iter().take(MOST).map(|(name, error)| {
        Report::new(error.code(), format!("{name} can't be read: {error}"))
            .why(
                "What is there stays as it is, and nothing is written there, until it can be read.",
            )
            .help(error.help())
    }));
    if let Some(held) = outcome.plan.held_back {
        let what = format!("{held}, and are not");
        reports.push(
            Report::new("KUBE-211", what)
                .why("So much goes by mistake more often than not: an annotation, a label or a release that is another one.")
                .help("see what they are: aeolus kube sync plan; --force deletes them"),
        );
    }
    reports.extend(places(outcome).take(MOST));
    reports
}

fn refused(outcome: &Outcome) -> Vec<Report> {
    let sources = outcome.plan.sources.iter();
    let refused = sources.filter_map(|state| Some((&state.place, state.source.as_ref().err()?)));
    refused
        .map(|(place, why)| {
            Report::new(why.code(), format!("{place} is not copied: {why}"))
                .why("Copies that it has keep what they have.")
                .help(why.help())
        })
        .collect()
}

fn places(outcome: &Outcome) -> impl Iterator<Item = Report> {
    let entries = outcome.plan.entries.iter().zip(&outcome.done);
    entries.filter_map(|(entry, done)| {
        let target = &entry.target;
        let of =
            |error: &KubeError, what: String| Report::new(error.code(), what).help(error.help());
        match (done, &entry.step) {
            (Done::Failed(error), _) => {
                Some(of(error, format!("{target} wasn't written: {error}")))
            }
            (Done::Unstarted(workload, error), _) => {
                let what = format!("{workload} beside {target} wasn't started again: {error}");
                Some(of(error, what))
            }
            (Done::Late, _) => Some(
                Report::new("KUBE-212", format!("{target} was not reached in time"))
                    .help("run it again, or give a longer --timeout"),
            ),
            (_, Step::Conflict { why, fails: true }) => Some(
                Report::new("KUBE-213", format!("{target} is not written: {why}"))
                    .why("Its source asks that this is an error.")
                    .help(
                        "remove or rename what is there, or set aeolus/on-conflict on the source",
                    ),
            ),
            _ => None,
        }
    })
}
