//! Prometheus metrics, on a listener of their own.

use std::time::Duration;

use axum::extract::State;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::app::App;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Requests {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignIn {
    result: &'static str,
    /// Empty: of a name that is none.
    connection: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connection {
    connection: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sink {
    sink: &'static str,
}

/// The counters.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Requests, Counter>,
    seconds: Histogram,
    sign_ins: Family<SignIn, Counter>,
    rounds: Histogram,
    alarms: Gauge,
    quotas: Gauge,
    overtaken: Gauge,
    late_uses: Counter,
    provider_keys: Family<Connection, Gauge>,
    audit: Audit,
    emails: Emails,
    scim_events: ScimEvents,
    configuration: Configuration,
}

/// Whether the configuration as it stands is in force.
struct Configuration {
    errors: Counter,
    refused: Gauge,
}

impl Configuration {
    fn register(registry: &mut Registry) -> Self {
        let (errors, refused) = (Counter::default(), Gauge::default());
        registry.register(
            "configuration_errors",
            "Times that a changed configuration was found that can't be used",
            errors.clone(),
        );
        registry.register(
            "configuration_refused",
            "1: the configuration as it stands can't be used, and an earlier one is in force",
            refused.clone(),
        );
        Self { errors, refused }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Told {
    connection: String,
    result: &'static str,
}

/// What becomes of SCIM events.
struct ScimEvents {
    results: Family<Told, Counter>,
    waiting: Family<Connection, Gauge>,
}

impl ScimEvents {
    fn register(registry: &mut Registry) -> Self {
        let (results, waiting) = (Family::default(), Family::default());
        registry.register(
            "scim_events",
            "SCIM events delivered, not taken for now, or dropped",
            results.clone(),
        );
        registry.register(
            "scim_events_waiting",
            "SCIM events that a connection's receiver doesn't have yet",
            waiting.clone(),
        );
        Self { results, waiting }
    }
}

/// What becomes of e-mails.
struct Emails {
    results: Family<Result, Counter>,
    waiting: Gauge,
}

impl Emails {
    fn register(registry: &mut Registry) -> Self {
        let (results, waiting) = (Family::default(), Gauge::default());
        registry.register(
            "emails",
            "E-mails sent, not taken by the server, given up, or dropped because too many wait",
            results.clone(),
        );
        registry.register(
            "emails_waiting",
            "E-mails that are not sent yet",
            waiting.clone(),
        );
        Self { results, waiting }
    }
}

/// How far the audit log's sinks are.
struct Audit {
    lines: Family<Sink, Gauge>,
    seconds: Family<Sink, Gauge>,
    failures: Family<Sink, Counter>,
}

impl Audit {
    fn register(registry: &mut Registry) -> Self {
        let (lines, seconds) = (Family::default(), Family::default());
        let failures = Family::default();
        registry.register(
            "audit_sink_behind",
            "Lines of the audit log that a sink doesn't have yet",
            lines.clone(),
        );
        registry.register(
            "audit_sink_behind_seconds",
            "Age of the oldest line that a sink doesn't have yet",
            seconds.clone(),
        );
        registry.register(
            "audit_sink_failures",
            "Batches that a sink did not take",
            failures.clone(),
        );
        Self {
            lines,
            seconds,
            failures,
        }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("aeolus_control");
        let requests = Family::<Requests, Counter>::default();
        let seconds = Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let sign_ins = Family::<SignIn, Counter>::default();
        let rounds = Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let alarms = Gauge::default();
        let quotas = Gauge::default();
        let overtaken = Gauge::default();
        let late_uses = Counter::default();
        registry.register(
            "uses_after_revocation",
            "Uses of what had been revoked, at gates that were cut off meanwhile",
            late_uses.clone(),
        );
        registry.register(
            "built_in_roles_overtaken",
            "1: control was started with other control.roles since, and this replica publishes no records",
            overtaken.clone(),
        );
        registry.register(
            "quotas_unreadable",
            "Organizations whose quota can't be read: the last good one counts on",
            quotas.clone(),
        );
        registry.register("requests", "Requests answered", requests.clone());
        registry.register("request_seconds", "Time to answer", seconds.clone());
        registry.register(
            "sign_ins",
            "Attempts to sign in, by connection",
            sign_ins.clone(),
        );
        registry.register(
            "publish_seconds",
            "Time of a publishing round",
            rounds.clone(),
        );
        registry.register(
            "planes_with_alarms",
            "Planes for which nothing is published",
            alarms.clone(),
        );
        let provider_keys = Family::<Connection, Gauge>::default();
        registry.register(
            "provider_keys_age_seconds",
            "Time since an identity provider's keys were last fetched",
            provider_keys.clone(),
        );
        let audit = Audit::register(&mut registry);
        let emails = Emails::register(&mut registry);
        let scim_events = ScimEvents::register(&mut registry);
        let configuration = Configuration::register(&mut registry);
        Self {
            registry,
            requests,
            seconds,
            sign_ins,
            rounds,
            alarms,
            quotas,
            overtaken,
            late_uses,
            provider_keys,
            audit,
            emails,
            scim_events,
            configuration,
        }
    }

    /// Whether the configuration as it stands can't be used.
    pub(crate) fn configuration_refused(&self, refused: bool) {
        if refused {
            self.configuration.errors.inc();
        }
        self.configuration.refused.set(i64::from(refused));
    }

    /// Whether another replica was started since, with other built-in roles.
    pub(crate) fn overtaken(&self, overtaken: bool) {
        self.overtaken.set(i64::from(overtaken));
    }

    /// A gate that was cut off tells of a use of what had been revoked by then.
    pub(crate) fn used_late(&self) {
        self.late_uses.inc();
    }

    /// `route` is the pattern, never the path: paths are strangers' to choose.
    pub(crate) fn request(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let labels = Requests {
            method: known(method).to_owned(),
            route: route.to_owned(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Somebody tried to sign in through a connection. `connection` is the name of one that there is.
    pub(crate) fn sign_in(&self, result: &'static str, connection: &str) {
        let connection = connection.to_owned();
        let labels = SignIn { result, connection };
        self.sign_ins.get_or_create(&labels).inc();
    }

    pub(crate) fn published(&self, took: Duration) {
        self.rounds.observe(took.as_secs_f64());
    }

    /// How old the keys of each connection's provider are.
    pub(crate) fn provider_keys(&self, ages: &[(&str, Duration)]) {
        self.provider_keys.clear();
        for (connection, age) in ages {
            let labels = Connection {
                connection: (*connection).to_owned(),
            };
            let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            self.provider_keys.get_or_create(&labels).set(seconds);
        }
    }

    /// How many lines a sink doesn't have yet, and how old the oldest of them is, in seconds.
    pub(crate) fn audit_behind(&self, sink: &'static str, (lines, seconds): (u64, u64)) {
        let labels = Sink { sink };
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.audit.lines.get_or_create(&labels).set(gauge(lines));
        self.audit
            .seconds
            .get_or_create(&labels)
            .set(gauge(seconds));
    }

    /// Something became of an e-mail.
    pub(crate) fn email(&self, result: &'static str) {
        self.emails.results.get_or_create(&Result { result }).inc();
    }

    /// How many e-mails are not sent yet.
    pub(crate) fn emails_waiting(&self, waiting: u64) {
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        self.emails.waiting.set(waiting);
    }

    /// Something became of SCIM events of a connection.
    pub(crate) fn scim_events(&self, connection: &str, result: &'static str, count: u64) {
        let connection = connection.to_owned();
        let labels = Told { connection, result };
        let results = &self.scim_events.results;
        results.get_or_create(&labels).inc_by(count);
    }

    /// How many of them are not delivered yet.
    pub(crate) fn scim_events_waiting(&self, connection: &str, waiting: u64) {
        let connection = connection.to_owned();
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        let gauges = &self.scim_events.waiting;
        gauges
            .get_or_create(&Connection { connection })
            .set(waiting);
    }

    /// A sink did not take a batch.
    pub(crate) fn audit_failed(&self, sink: &'static str) {
        self.audit.failures.get_or_create(&Sink { sink }).inc();
    }

    fn text(&self, certificates: &Registry) -> String {
        let mut out = String::new();
        let written = text::encode_registry(&mut out, &self.registry)
            .and_then(|()| text::encode_registry(&mut out, certificates))
            .and_then(|()| text::encode_eof(&mut out));
        if written.is_err() {
            out.clear();
        }
        out
    }
}

fn known(method: &Method) -> &str {
    match method.as_str() {
        name @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => name,
        _ => "other",
    }
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    let alarms = app.published.borrow().alarms.len();
    app.metrics
        .alarms
        .set(i64::try_from(alarms).unwrap_or(i64::MAX));
    let quotas = i64::try_from(app.meters.unreadable());
    app.metrics.quotas.set(quotas.unwrap_or(i64::MAX));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let certificates = aeolus_tls::certificates(&app.tls.certificates);
    ([(CONTENT_TYPE, kind)], app.metrics.text(&certificates))
}
