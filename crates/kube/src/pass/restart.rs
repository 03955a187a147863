//! Workloads that read a copy only when they start, started again when it is another one.

use std::collections::BTreeMap;

use super::apply::in_parallel;
use super::{AT_ONCE, Done, Outcome, Syncer};
use crate::client::Workload;
use crate::error::KubeError;
use crate::object::Place;
use crate::sync::{Entry, Source, Step, restart_mark};

/// A workload that should run with a copy's present value.
struct Task {
    /// Which entry of the plan asks for it.
    entry: usize,
    namespace: String,
    workload: Workload,
    mark: (String, String),
}

impl Syncer<'_> {
    /// Starts again what isn't marked with the present value. The mark is on the workload, so a pass that was killed
    /// after the copy's write is ended by the next one, and each value starts it once.
    pub(super) async fn restart(&self, outcome: &mut Outcome) {
        let tasks = self.tasks(outcome);
        let started = in_parallel(AT_ONCE, &tasks, |task| self.started(task)).await;
        for (task, started) in tasks.iter().zip(started) {
            match started {
                Ok(false) => {}
                Ok(true) => outcome
                    .restarted
                    .push((task.namespace.clone(), task.workload.clone())),
                Err(error) => {
                    let workload = task.workload.clone();
                    if let Some(done) = outcome.done.get_mut(task.entry) {
                        *done = Done::Unstarted(workload, error);
                    }
                }
            }
        }
    }

    async fn started(&self, task: &Task) -> Result<bool, KubeError> {
        let mark = (task.mark.0.as_str(), task.mark.1.as_str());
        let (namespace, workload) = (&task.namespace, &task.workload);
        self.client
            .annotate_template(namespace, workload, mark)
            .await
    }

    fn tasks(&self, outcome: &Outcome) -> Vec<Task> {
        let sources = outcome.plan.sources.iter();
        let asking = sources.filter_map(|state| {
            let source = state.source.as_ref().ok()?;
            (!source.wish.restart.is_empty()).then_some((&state.place, source))
        });
        let asking: BTreeMap<&Place, (&Source, (String, String))> = asking
            .map(|(place, source)| (place, (source, restart_mark(source, &self.settings.key))))
            .collect();
        let entries = outcome.plan.entries.iter().zip(&outcome.done).enumerate();
        let settled = entries.filter(|(_, (entry, done))| **done == Done::Yes && has_value(entry));
        settled
            .filter_map(|(at, (entry, _))| Some((at, entry, asking.get(&entry.source)?)))
            .flat_map(|(at, entry, (source, mark))| {
                source.wish.restart.iter().map(move |workload| Task {
                    entry: at,
                    namespace: entry.target.namespace.clone(),
                    workload: workload.clone(),
                    mark: mark.clone(),
                })
            })
            .collect()
    }
}

/// Whether the place has the source's value, once its step is done.
const fn has_value(entry: &Entry) -> bool {
    matches!(
        entry.step,
        Step::Current | Step::Create(_) | Step::Update { .. } | Step::Recreate { .. }
    )
}
