//! `aeolus kube sync explain`: why a Secret goes where it goes, or where one is from.

use aeolus_kube::pass::{Done, Outcome};
use aeolus_kube::sync::{Budget, Owned, SourceState};
use aeolus_kube::{Namespace, Place, SecretObject};
use serde::Serialize;

use super::setup::Setup;
use super::shown::CopyShown;
use crate::args::KubeSyncExplain;
use crate::commands::Context;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained {
    secret: String,
    what: String,
    warnings: Vec<String>,
    namespaces: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    namespace: String,
    state: String,
    why: String,
}

/// Explains one Secret.
pub(super) async fn explain(args: &KubeSyncExplain, context: &Context) -> Result<(), Failure> {
    let place = args.secret.split_once('/');
    let place = place.map(|(namespace, name)| Place::new(namespace, name));
    let place = place.ok_or_else(|| {
        let what = format!("{:?} is no NAMESPACE/NAME", args.secret);
        Report::new("CLI-0012", what).usage()
    })?;
    let setup = Setup::of(&args.scope).await?;
    let found = setup.client.secret(&place).await;
    let found = found.map_err(|error| setup.unread(&error))?;
    let outcome = setup.asked(Budget::Force, context).await?;
    let states = &outcome.plan.sources;
    let explained = match states.iter().find(|state| state.place == place) {
        Some(state) => of_source(state, &outcome),
        None => of_copy(&place, found.as_ref(), &outcome),
    };
    let mut table = Table::new(&["NAMESPACE", "STATE", "WHY"]);
    for row in &explained.namespaces {
        table.row([&row.namespace, &row.state, &row.why].map(String::clone));
    }
    ui::note(&format!("{}: {}", explained.secret, explained.what));
    for warning in &explained.warnings {
        ui::note(&format!("warning: {warning}"));
    }
    ui::answer(context.output, &explained, &table)
}

fn of_source(state: &SourceState, outcome: &Outcome) -> Explained {
    let what = match &state.source {
        Ok(source) => format!(
            "it is a source, whose copies are named {}",
            source.copy_name()
        ),
        Err(refused) => format!(
            "it is a source that is not copied: {refused}. {}",
            refused.help()
        ),
    };
    let rows = outcome.namespaces.iter().map(|namespace| {
        let entries = outcome.plan.entries.iter();
        let mut here = entries.filter(|entry| {
            entry.source == state.place && entry.target.namespace == namespace.name
        });
        match here.next() {
            Some(entry) => {
                let copy = CopyShown::of(entry, &Done::Yes, true);
                Row {
                    namespace: namespace.name.clone(),
                    state: copy.state.to_owned(),
                    why: copy.detail,
                }
            }
            None => Row {
                namespace: namespace.name.clone(),
                state: "none".to_owned(),
                why: not_asked(state, namespace),
            },
        }
    });
    Explained {
        secret: state.place.to_string(),
        what,
        warnings: state.warnings().iter().map(ToString::to_string).collect(),
        namespaces: rows.collect(),
    }
}

fn not_asked(state: &SourceState, namespace: &Namespace) -> String {
    let Ok(source) = &state.source else {
        return "the source is not copied".to_owned();
    };
    let why = if namespace.name == state.place.namespace {
        "the source's own namespace"
    } else {
        source
            .wish
            .whom
            .why_not(namespace)
            .unwrap_or("the source doesn't ask for it")
    };
    why.to_owned()
}

fn of_copy(place: &Place, found: Option<&SecretObject>, outcome: &Outcome) -> Explained {
    let owned = found.and_then(|found| Owned::of(&found.meta));
    let what = match (found, owned) {
        (None, _) => "there is no such Secret".to_owned(),
        (Some(_), Some(owned)) => format!("it is a copy of {}", owned.source),
        (Some(_), None) => {
            "it is neither a source (no annotation says so) nor a copy of ours".to_owned()
        }
    };
    let entries = outcome
        .plan
        .entries
        .iter()
        .filter(|entry| entry.target == *place);
    let rows = entries.map(|entry| {
        let copy = CopyShown::of(entry, &Done::Yes, true);
        Row {
            namespace: place.namespace.clone(),
            state: copy.state.to_owned(),
            why: format!("{} {}", entry.source, copy.detail)
                .trim_end()
                .to_owned(),
        }
    });
    Explained {
        secret: place.to_string(),
        what,
        warnings: Vec::new(),
        namespaces: rows.collect(),
    }
}
