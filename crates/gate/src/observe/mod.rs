//! What an operator sees of a gate: figures, a log of decisions, traces, probes.
//!
//! None of it is on a request's path but adding to counters that are at hand already. Nothing a
//! client can choose becomes a label: deployments come from the snapshot, everything else is ours.

mod decisions;
mod figures;
mod ids;
mod latency;
mod metrics;
pub mod probe;
mod sampling;
mod shown;
mod tally;
mod trace;
mod via;

pub use decisions::{Counted, DecisionLog, Entry, Line};
pub use figures::Gauges;
pub use ids::Ids;
pub(crate) use latency::Latency;
pub use metrics::Metrics;
pub(crate) use metrics::Told;
pub use sampling::Share;
pub(crate) use trace::go_on;
pub use trace::{Trace, TraceId};
pub use via::{Lines, NoLines, RequestId, Stamp, Via};

/// What became of a request, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It went on.
    Allow,
    /// It was refused.
    Deny,
    /// A browser was sent to our own pages.
    SignIn,
}

impl Outcome {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::SignIn];

    /// Its name in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::SignIn => "sign_in",
        }
    }
}
