//! An explanation as it is printed.

use std::time::Duration;

use aeolus_decide::{Decision, Explanation, Reason, World};
use aeolus_snapshot::Position;
use serde::Serialize;

use super::Asked;
use super::logged::Logged;
use crate::report::Failure;
use crate::ui::{self, Output, Table};

/// Everything there is to say.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    method: String,
    url: String,
    snapshot: Snapshot,
    steps: Vec<Step>,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    logged: Option<Logged>,
    notes: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    epoch: u64,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    stage: &'static str,
    passed: bool,
    found: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
}

impl Shown {
    pub(super) fn new(
        asked: &Asked,
        explanation: &Explanation,
        (position, age): (Position, Option<Duration>),
        logged: Option<&Logged>,
    ) -> Self {
        let mut notes: Vec<String> = Vec::new();
        notes.extend(asked.credential.assumption().map(str::to_owned));
        let reason = stopped(explanation);
        notes.extend(
            logged
                .into_iter()
                .flat_map(|l| l.notes(position, asked, reason)),
        );
        let steps = explanation.steps.iter().map(|step| Step {
            stage: step.stage,
            passed: step.stopped.is_none(),
            found: step.found.clone(),
        });
        Self {
            method: asked.method.clone(),
            url: asked.url.clone(),
            snapshot: Snapshot {
                epoch: position.epoch,
                seq: position.seq,
                age: age.map(|age| age.as_secs()),
            },
            steps: steps.collect(),
            verdict: Verdict::of(&explanation.decision, stopped(explanation)),
            logged: logged.cloned(),
            notes,
        }
    }

    /// Where the request leads to no deployment, names those that are left out and why.
    pub(super) fn say_what_is_left_out(&mut self, world: &World, configured: bool) {
        let reached = self
            .steps
            .iter()
            .any(|step| step.stage == "route" && step.passed);
        if reached || world.refused().is_empty() {
            return;
        }
        for refused in world.refused() {
            let note = format!(
                "not served: {} ({}): {}",
                refused.name, refused.id, refused.why
            );
            self.notes.push(note);
        }
        if !configured {
            let note = "gate.rails are the defaults and those of the environment: give the gate's own by --config";
            self.notes.push(note.to_owned());
        }
    }

    pub(super) fn print(&self, output: Output) -> Result<(), Failure> {
        let mut table = Table::new(&["STEP", "", "FOUND"]);
        for step in &self.steps {
            let passed = if step.passed { "ok" } else { "stop" };
            table.row([step.stage, passed, &step.found]);
        }
        let verdict = &self.verdict;
        let status = verdict.status.map(|status| format!(" with {status}"));
        let reason = verdict.reason.map(|reason| format!(": {reason}"));
        let location = verdict.location.as_ref().map(|to| format!(", to {to}"));
        let said = [status, reason, location].map(Option::unwrap_or_default);
        let said = format!("{}{}", verdict.outcome, said.concat());
        table.row(["verdict", "", &said]);
        for (name, text) in [("meaning", verdict.meaning), ("to do", verdict.advice)] {
            if let Some(text) = text {
                table.row([name, "", text]);
            }
        }
        if let Some(logged) = &self.logged {
            table.row(["logged", "", &logged.decided()]);
        }
        for note in &self.notes {
            table.row(["note", "", note]);
        }
        ui::answer(output, self, &table)
    }
}

/// Why it went no further; a hand-over to sign-in is no stop.
fn stopped(explanation: &Explanation) -> Option<Reason> {
    explanation.steps.last().and_then(|step| step.stopped)
}

impl Verdict {
    fn of(decision: &Decision, stopped: Option<Reason>) -> Self {
        let (outcome, status, location) = match decision {
            Decision::Allow(_) => ("allow", None, None),
            Decision::Deny(deny) => ("deny", Some(deny.status()), None),
            Decision::SignIn(sign_in) => ("sign_in", None, Some(sign_in.location())),
        };
        Self {
            outcome,
            status,
            reason: stopped.map(Reason::code),
            meaning: stopped.map(Reason::meaning),
            advice: stopped.map(Reason::advice),
            location,
        }
    }
}
