//! What is counted while requests pass.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use aeolus_decide::{Deployment, PathClass, Reason, World};
use aeolus_model::{RolloutPath, Subject};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::Outcome;
use super::figures::{Figures, Gauges};
use super::latency::Latency;
use super::probe::Probes;
use super::tally::{Board, Way};
use crate::codec::Dialect;
use crate::gate::Verdict;
use crate::rollout::Standing;
use crate::upstream::Unanswered;

/// What a gate counts.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(super) board: Board,
    latency: [[Latency; Dialect::ALL.len()]; RolloutPath::ALL.len()],
    pub(super) panics: Counter,
    pub(super) connections_refused: Counter,
    /// What probes found.
    pub probes: Probes,
}

/// What a decision says for counters and logs.
pub(crate) struct Told<'a> {
    pub(crate) deployment: Option<&'a Arc<Deployment>>,
    pub(crate) class: Option<PathClass>,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
    pub(crate) subject: Option<Subject>,
}

impl<'a> Told<'a> {
    pub(crate) fn of(verdict: &'a Verdict, world: Option<&'a World>) -> Self {
        let find = |id| world.and_then(|world| world.deployment(id));
        match verdict {
            Verdict::Allow(allowed, _) => Self {
                deployment: Some(allowed.deployment()),
                class: Some(allowed.class()),
                outcome: Outcome::Allow,
                reason: None,
                subject: allowed.subject(),
            },
            Verdict::Deny(deny) => Self {
                deployment: deny.deployment.and_then(find),
                class: deny.class,
                outcome: Outcome::Deny,
                reason: Some(deny.reason),
                subject: deny.subject,
            },
            Verdict::SignIn(sign_in) => Self {
                deployment: find(sign_in.deployment),
                class: Some(sign_in.class),
                outcome: Outcome::SignIn,
                reason: Some(sign_in.reason),
                subject: None,
            },
        }
    }
}

impl Metrics {
    /// Counts a decision; says how many like it there were before.
    pub(crate) fn decided(&self, told: &Told<'_>, way: Way) -> u64 {
        let tally = self.board.tally(told.deployment.map(|found| &**found));
        if let Some(reason) = told.reason {
            tally.refused(way, reason);
        }
        tally.decided(way, told.class, told.outcome)
    }

    /// Counts how long a decision took.
    pub(crate) fn took(&self, (path, dialect): Way, took: Duration) {
        let latency = self.latency.get(path as usize);
        if let Some(latency) = latency.and_then(|all| all.get(dialect as usize)) {
            latency.observe(took);
        }
    }

    /// Each histogram of how long decisions took.
    pub(super) fn latencies(&self) -> impl Iterator<Item = (Way, &Latency)> {
        let paths = RolloutPath::ALL.into_iter().zip(&self.latency);
        paths.flat_map(|(path, all)| {
            let all = Dialect::ALL.into_iter().zip(all);
            all.map(move |(dialect, latency)| ((path, dialect), latency))
        })
    }

    /// Whether the gate has taken a deployment off its rollout's path.
    pub(crate) fn standing<'a>(&'a self, deployment: &'a Deployment) -> &'a Standing {
        self.board.tally(Some(deployment)).standing()
    }

    /// Counts an application that did not answer.
    pub fn upstream_error(&self, deployment: &Deployment, why: Unanswered) {
        self.board.tally(Some(deployment)).upstream_error(why);
    }

    /// How many requests wait for a deployment's application.
    pub(crate) fn waiting_for<'a>(&'a self, deployment: &'a Deployment) -> &'a AtomicUsize {
        self.board.tally(Some(deployment)).waiting()
    }

    /// Counts a connection that was refused at a cap.
    pub(crate) fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// Counts a handler that panicked.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// Everything, in the `OpenMetrics` text format.
    pub fn render(self: &Arc<Self>, gauges: Gauges) -> String {
        let certificates = aeolus_tls::certificates(&gauges.certificates);
        let mut registry = Registry::with_prefix("aeolus_gate");
        registry.register_collector(Box::new(Figures {
            metrics: Arc::clone(self),
            gauges,
        }));
        let mut out = String::new();
        // Writing to a string can't fail.
        let _ = text::encode_registry(&mut out, &registry)
            .and_then(|()| text::encode_registry(&mut out, &certificates))
            .and_then(|()| text::encode_eof(&mut out));
        out
    }
}
