//! A plan, done: several places at once, each by itself.

use std::future::Future;

use aeolus_model::Time;
use futures::StreamExt as _;
use futures::stream;
use tokio::time::timeout_at;

use super::{AT_ONCE, Done, MANAGER, Syncer};
use crate::error::KubeError;
use crate::sync::{Budget, Entry, Lying, Observed, Plan, Settings, Step, plan};

/// What does it.
pub(super) struct Writer<'a> {
    pub(super) syncer: &'a Syncer<'a>,
    pub(super) observed: &'a Observed,
    pub(super) now: Time,
}

/// Somebody else was quicker: it is read and decided again so often.
const AGAIN: u32 = 3;

/// The same for each, `count` at once, in their order.
pub(super) async fn in_parallel<'a, T, F: Future>(
    count: usize,
    all: &'a [T],
    each: impl Fn(&'a T) -> F,
) -> Vec<F::Output> {
    stream::iter(all).map(each).buffered(count).collect().await
}

impl Writer<'_> {
    pub(super) async fn all(&self, plan: &Plan) -> Vec<Done> {
        in_parallel(AT_ONCE, &plan.entries, |entry| self.one(entry)).await
    }

    async fn one(&self, entry: &Entry) -> Done {
        match timeout_at(self.syncer.deadline, self.settled(entry)).await {
            Err(_) => Done::Late,
            Ok(Ok(())) => Done::Yes,
            // There is no Secret of ours to be found absent by these writes: it is the namespace.
            Ok(Err(KubeError::Terminating | KubeError::NotFound(_))) => Done::Gone,
            Ok(Err(error)) => Done::Failed(error),
        }
    }

    /// Does it; where somebody else changed what was seen, decides again by what is there now.
    async fn settled(&self, entry: &Entry) -> Result<(), KubeError> {
        let mut step = entry.step.clone();
        for _ in 0..AGAIN {
            match self.step(&step).await {
                Err(KubeError::Conflict(_) | KubeError::Exists(_)) => {}
                done => return done,
            }
            let Some(again) = self.again(entry).await? else {
                return Ok(());
            };
            step = again;
        }
        self.step(&step).await
    }

    /// What has to happen there by what is there now. None: nothing any more.
    async fn again(&self, entry: &Entry) -> Result<Option<Step>, KubeError> {
        let place = &entry.target;
        let found = self.syncer.client.secret(place).await?;
        let namespaces = self.observed.namespaces.iter();
        let observed = Observed {
            namespaces: namespaces
                .filter(|namespace| namespace.name == place.namespace)
                .cloned()
                .collect(),
            secrets: self.observed.secrets.clone(),
            lying: [(place.clone(), found.map_or(Lying::Nothing, Lying::Whole))].into(),
        };
        // The budget was judged for all of them together.
        let settings = Settings {
            budget: Budget::Force,
            ..self.syncer.settings.clone()
        };
        let plan = plan(&observed, &settings, self.now);
        let mut entries = plan.entries.into_iter();
        let it = entries.find(|one| one.target == *place && one.source == entry.source);
        Ok(it.map(|one| one.step))
    }

    async fn step(&self, step: &Step) -> Result<(), KubeError> {
        let client = self.syncer.client;
        match step {
            Step::Create(secret) => client.create_secret(secret, MANAGER).await.map(drop),
            Step::Update { to, .. } => client.replace_secret(to, MANAGER).await.map(drop),
            Step::Recreate { seen, to, .. } => {
                client.delete_secret(seen).await?;
                client.create_secret(to, MANAGER).await.map(drop)
            }
            Step::Delete(seen) => client.delete_secret(seen).await,
            _ => Ok(()),
        }
    }
}
