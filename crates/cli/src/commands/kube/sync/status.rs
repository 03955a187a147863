//! `aeolus kube sync status`.

use std::collections::BTreeMap;

use aeolus_kube::Place;
use aeolus_kube::sync::{Budget, Step};
use aeolus_model::{Clock as _, rfc3339};
use serde::Serialize;

use super::once::{LAST_OUTCOME, LAST_PASS};
use super::setup::Setup;
use super::shown::SourceShown;
use crate::args::KubeSyncScope;
use crate::commands::Context;
use crate::report::Failure;
use crate::ui::{self, Table};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    source_namespace: String,
    /// Who syncs now.
    holder: Option<String>,
    last_pass: Option<String>,
    last_outcome: Option<String>,
    sources: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(flatten)]
    source: SourceShown,
    places: usize,
    current: usize,
    conflicts: usize,
    not_after: Option<String>,
}

/// Shows how things are, by reading everything.
pub(super) async fn status(scope: &KubeSyncScope, context: &Context) -> Result<(), Failure> {
    let setup = Setup::of(scope).await?;
    let outcome = setup.asked(Budget::Careful, context).await?;
    let lease = setup
        .client
        .lease(&Place::new(&setup.namespace, "aeolus-kube-sync"))
        .await;
    // Somebody who may read Secrets need not be let at Leases.
    let lease = lease.ok().flatten();
    let now = context.clock.now();
    let living = lease.as_ref().filter(|lease| {
        lease
            .renewed
            .is_some_and(|renewed| now < renewed.plus(lease.duration))
    });
    let noted = |name: &str| lease.as_ref()?.annotations.get(name).cloned();
    let mut figures: BTreeMap<&Place, (usize, usize, usize)> = BTreeMap::new();
    for entry in &outcome.plan.entries {
        let (places, current, conflicts) = figures.entry(&entry.source).or_default();
        *places += 1;
        *current += usize::from(matches!(entry.step, Step::Current));
        *conflicts += usize::from(matches!(entry.step, Step::Conflict { .. }));
    }
    let rows = outcome.plan.sources.iter().map(|state| {
        let (places, current, conflicts) = figures.get(&state.place).copied().unwrap_or_default();
        let pair = state
            .source
            .as_ref()
            .ok()
            .and_then(|source| source.pair.as_ref());
        Row {
            source: SourceShown::of(state),
            places,
            current,
            conflicts,
            not_after: pair.map(|pair| rfc3339(pair.not_after.secs())),
        }
    });
    let status = Status {
        holder: living.and_then(|lease| lease.holder.clone()),
        last_pass: noted(LAST_PASS),
        last_outcome: noted(LAST_OUTCOME),
        sources: rows.collect(),
        source_namespace: setup.namespace.clone(),
    };
    status.print(context)
}

impl Status {
    fn print(&self, context: &Context) -> Result<(), Failure> {
        let mut table = Table::new(&[
            "SOURCE",
            "PLACES",
            "CURRENT",
            "CONFLICTS",
            "GOOD UNTIL",
            "NOT COPIED BECAUSE",
        ]);
        for row in &self.sources {
            table.row([
                row.source.source.clone(),
                row.places.to_string(),
                row.current.to_string(),
                row.conflicts.to_string(),
                row.not_after.clone().unwrap_or_else(|| "-".to_owned()),
                row.source.refused.clone().unwrap_or_default(),
            ]);
        }
        let last = self
            .last_pass
            .as_deref()
            .unwrap_or("never, as far as is known");
        let outcome = self.last_outcome.as_deref().unwrap_or("-");
        ui::note(&format!(
            "last pass: {last} ({outcome}); syncing now: {}",
            self.holder.as_deref().unwrap_or("nobody")
        ));
        ui::answer(context.output, self, &table)
    }
}
