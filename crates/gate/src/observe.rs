//! Metrics. Labels are few and fixed: nothing a client can choose becomes one.

use std::fmt::Write as _;
use std::time::Duration;

use aeolus_decide::{Decision, Reason};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    path: &'static str,
    outcome: &'static str,
    reason: &'static str,
}

/// What a gate counts.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    /// One of `requests`, found once: most requests are allowed.
    allowed: Counter,
    duration: Histogram,
    upstream_errors: Counter,
    panics: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests: Family<Labels, Counter> = Family::default();
        let allowed = Labels {
            path: "plane",
            outcome: "allow",
            reason: "",
        };
        let allowed = requests.get_or_create(&allowed).clone();
        let duration = Histogram::new([
            0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005,
            0.025, 0.1,
        ]);
        let (upstream_errors, panics) = (Counter::default(), Counter::default());
        let mut registry = Registry::with_prefix("aeolus_gate");
        registry.register("requests", "Requests decided", Family::clone(&requests));
        registry.register(
            "decision_seconds",
            "Time from a parsed request to its decision",
            duration.clone(),
        );
        registry.register(
            "upstream_errors",
            "Allowed requests that the application did not answer",
            upstream_errors.clone(),
        );
        registry.register("panics", "Handlers that panicked", panics.clone());
        Self {
            registry,
            requests,
            allowed,
            duration,
            upstream_errors,
            panics,
        }
    }
}

/// Figures that are read when somebody looks.
pub struct Gauges {
    /// Age of what is known, if time can be trusted.
    pub age: Option<Duration>,
    /// Whether there is a snapshot.
    pub loaded: bool,
    /// Deployments served.
    pub deployments: usize,
    /// Deployment records that were refused.
    pub refused_deployments: usize,
    /// Verified tokens remembered.
    pub tokens: usize,
}

impl Metrics {
    /// Counts a decision.
    pub fn decided(&self, decision: &Decision, took: Duration) {
        match decision {
            Decision::Allow(_) => {
                self.allowed.inc();
            }
            Decision::Deny(deny) => self.count("deny", deny.reason.code()),
            Decision::SignIn(sign_in) => self.count("sign_in", sign_in.reason.code()),
        }
        self.duration.observe(took.as_secs_f64());
    }

    /// Counts a refusal that no decision stands behind.
    pub fn refused(&self, reason: Reason) {
        self.count("deny", reason.code());
    }

    /// Counts an application that did not answer.
    pub fn upstream_error(&self) {
        self.upstream_errors.inc();
    }

    /// Counts a handler that panicked.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    fn count(&self, outcome: &'static str, reason: &'static str) {
        let labels = Labels {
            path: "plane",
            outcome,
            reason,
        };
        self.requests.get_or_create(&labels).inc();
    }

    /// Everything, in the `OpenMetrics` text format.
    pub fn render(&self, gauges: &Gauges) -> String {
        let mut out = String::new();
        let mut line = |name: &str, help: &str, value: f64| {
            let _ = write!(
                out,
                "# HELP aeolus_gate_{name} {help}.\n# TYPE aeolus_gate_{name} gauge\naeolus_gate_{name} {value}\n"
            );
        };
        let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let age = gauges.age.map_or(f64::NAN, |age| age.as_secs_f64());
        line("snapshot_age_seconds", "Age of what is known", age);
        line(
            "snapshot_loaded",
            "Whether a snapshot is in force",
            count(usize::from(gauges.loaded)),
        );
        line(
            "deployments",
            "Deployments served",
            count(gauges.deployments),
        );
        line(
            "refused_deployments",
            "Deployment records not understood",
            count(gauges.refused_deployments),
        );
        line("tokens", "Verified tokens remembered", count(gauges.tokens));
        // Writing to a string can't fail; should it, the gauges above are still served.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}
