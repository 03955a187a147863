//! A pass: read what there is, plan, do it. What fails at one place keeps no other from being done.

mod apply;
mod key;
mod lead;
mod observe;
mod restart;

use std::collections::BTreeSet;
use std::time::Duration;

use aeolus_model::{Clock, Time};
use tokio::time::Instant;

use self::apply::Writer;
use crate::client::{Client, Namespace, Workload};
use crate::error::KubeError;
use crate::sync::{Plan, Settings};

/// Who syncs, from where and to where.
pub struct Syncer<'a> {
    /// The cluster.
    pub client: &'a Client,
    /// The namespace of sources.
    pub namespace: String,
    /// The namespaces that copies may go to; none: every one.
    pub targets: Option<BTreeSet<String>>,
    /// By what it is decided.
    pub settings: Settings,
    /// The time.
    pub clock: &'a dyn Clock,
    /// When the pass has to be over.
    pub deadline: Instant,
}

/// What came of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// What the plan says was done, or was nothing to do.
    Yes,
    /// It couldn't.
    Failed(KubeError),
    /// The copy is as it should be, and a workload that reads it couldn't be started again.
    Unstarted(Workload, KubeError),
    /// The namespace went, or began to, after it was listed.
    Gone,
    /// The pass was over before.
    Late,
}

/// What came of a pass.
#[derive(Debug)]
pub struct Outcome {
    /// When it began.
    pub began: Time,
    /// How long it took.
    pub took: Duration,
    /// What was to be done.
    pub plan: Plan,
    /// What came of it, entry by entry.
    pub done: Vec<Done>,
    /// Workloads that were started again, with their namespaces.
    pub restarted: Vec<(String, Workload)>,
    /// The namespaces that copies may go to.
    pub namespaces: Vec<Namespace>,
    /// Namespaces that couldn't be read, and why.
    pub unread: Vec<(String, KubeError)>,
}

pub use self::key::{digest_key, stored_digest_key};
pub use self::lead::{Lead, Leader};

/// Places that are worked at at once.
const AT_ONCE: usize = 8;
/// The name that the API server keeps for what we write.
pub const MANAGER: &str = "aeolus-kube-sync";

impl Syncer<'_> {
    /// Reads, and says what would be done.
    pub async fn plan(&self) -> Result<Outcome, KubeError> {
        let (began, start) = (self.clock.now(), Instant::now());
        let (observed, plan, unread) = self.decided(began).await?;
        let done = plan.entries.iter().map(|_| Done::Yes).collect();
        Ok(Outcome {
            began,
            took: start.elapsed(),
            plan,
            done,
            restarted: Vec::new(),
            namespaces: observed.namespaces,
            unread,
        })
    }

    /// Reads, and does it.
    pub async fn run(&self) -> Result<Outcome, KubeError> {
        let (began, start) = (self.clock.now(), Instant::now());
        let (observed, plan, unread) = self.decided(began).await?;
        let writer = Writer {
            syncer: self,
            observed: &observed,
            now: began,
        };
        let done = writer.all(&plan).await;
        let mut outcome = Outcome {
            began,
            took: start.elapsed(),
            plan,
            done,
            restarted: Vec::new(),
            namespaces: observed.namespaces,
            unread,
        };
        self.restart(&mut outcome).await;
        outcome.took = start.elapsed();
        Ok(outcome)
    }
}

impl Outcome {
    /// Whether everything is as it should be: nothing failed, nothing was left unread.
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty()
            && self
                .done
                .iter()
                .all(|done| matches!(done, Done::Yes | Done::Gone))
    }
}
