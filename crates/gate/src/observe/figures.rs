//! The figures as Prometheus reads them. `deploy/grafana` and `deploy/prometheus` use these names.

use std::fmt::{Debug, Error, Formatter};
use std::sync::Arc;
use std::time::Duration;

use aeolus_decide::{AWAY, PathClass, World};
use aeolus_tls::Keeper;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::Metrics;
use super::tally::Tally;
use crate::exchange::Minted;
use crate::limits::{Limited, Load};
use crate::memory::CacheUse;
use crate::ports::Standing;
use crate::upstream::Streams;

/// Figures that are read when somebody looks.
#[derive(Clone, Default)]
pub struct Gauges {
    /// What is known.
    pub world: Option<Arc<World>>,
    /// Age of what is known, if time can be trusted.
    pub age: Option<Duration>,
    /// Which snapshot is in force.
    pub standing: Option<Standing>,
    /// The memory of verified tokens.
    pub tokens: CacheUse,
    /// The exchange.
    pub minted: Minted,
    /// Tunnels.
    pub streams: Streams,
    /// Lines of the decision log that were not written.
    pub unlogged: u64,
    /// Lines of the process's log that were not written.
    pub lines_lost: u64,
    /// What exceeded a rate.
    pub limited: Limited,
    /// What waits.
    pub load: Load,
    /// The process's certificates.
    pub certificates: Arc<Keeper>,
}

/// One scrape.
pub(super) struct Figures {
    pub(super) metrics: Arc<Metrics>,
    pub(super) gauges: Gauges,
}

impl Debug for Figures {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result<(), Error> {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let world = self.gauges.world.as_deref();
        let tallies = self.metrics.board.all(world);
        let mut all: Vec<(&str, &Tally)> = tallies
            .iter()
            .map(|(name, tally)| (name.as_str(), &**tally))
            .collect();
        all.push(("", self.metrics.board.nowhere()));
        decisions(&mut encoder, &all)?;
        refusals(&mut encoder, &all)?;
        upstream_errors(&mut encoder, &all)?;
        self.latency(&mut encoder)?;
        self.knowledge(&mut encoder)?;
        self.caches(&mut encoder)?;
        self.process(&mut encoder)?;
        self.metrics.probes.encode(&mut encoder, world)
    }
}

fn decisions(encoder: &mut DescriptorEncoder<'_>, all: &[(&str, &Tally)]) -> Result<(), Error> {
    let mut family = counters(encoder, "decisions", "Requests decided")?;
    for (deployment, tally) in all {
        for ((path, dialect), class, outcome, count) in tally.decisions() {
            let labels = [
                ("path", path.name()),
                ("deployment", deployment),
                ("dialect", dialect.name()),
                ("class", class.map_or("unknown", PathClass::name)),
                ("outcome", outcome.name()),
            ];
            count_of(&mut family, &labels, count)?;
        }
    }
    Ok(())
}

fn refusals(encoder: &mut DescriptorEncoder<'_>, all: &[(&str, &Tally)]) -> Result<(), Error> {
    let help = "Requests denied or sent to sign in, by cause";
    let mut family = counters(encoder, "refusals", help)?;
    for (deployment, tally) in all {
        for ((path, dialect), reason, count) in tally.refusals() {
            let labels = [
                ("path", path.name()),
                ("deployment", deployment),
                ("dialect", dialect.name()),
                ("reason", reason.code()),
            ];
            count_of(&mut family, &labels, count)?;
        }
    }
    Ok(())
}

fn upstream_errors(
    encoder: &mut DescriptorEncoder<'_>,
    all: &[(&str, &Tally)],
) -> Result<(), Error> {
    let help = "Allowed requests that the application did not answer";
    let mut family = counters(encoder, "upstream_errors", help)?;
    met(&mut family, all, Tally::upstream_errors)?;
    let help = "Those among them whose application did not prove by TLS who it is";
    let mut family = counters(encoder, "upstream_untrusted", help)?;
    met(&mut family, all, Tally::upstream_untrusted)
}

/// What was met at all, by deployment.
fn met(
    family: &mut MetricEncoder<'_>,
    all: &[(&str, &Tally)],
    count: impl Fn(&Tally) -> u64,
) -> Result<(), Error> {
    let met = all.iter().map(|(name, tally)| (name, count(tally)));
    for (deployment, count) in met.filter(|(_, count)| *count > 0) {
        count_of(family, &[("deployment", deployment)], count)?;
    }
    Ok(())
}

impl Figures {
    fn latency(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Time from a parsed request to its decision";
        let kind = MetricType::Histogram;
        let mut family = encoder.encode_descriptor("decision_seconds", help, None, kind)?;
        for ((path, dialect), latency) in self.metrics.latencies() {
            let seen = latency.seen();
            if seen.count > 0 {
                let labels = [("path", path.name()), ("dialect", dialect.name())];
                family
                    .encode_family(&labels)?
                    .encode_histogram::<NoLabelSet>(seen.sum, seen.count, &seen.buckets, None)?;
            }
        }
        Ok(())
    }

    fn knowledge(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let (world, age) = (self.gauges.world.as_deref(), self.gauges.age);
        let old = age.map_or(f64::NAN, |age| age.as_secs_f64());
        gauge(encoder, "snapshot_age_seconds", "Age of what is known", old)?;
        let loaded = u32::from(world.is_some());
        gauge(
            encoder,
            "snapshot_loaded",
            "Whether a snapshot is in force",
            loaded,
        )?;
        let standing = self.gauges.standing.unwrap_or_default();
        let epoch = standing.position.epoch;
        gauge(
            encoder,
            "snapshot_epoch",
            "Epoch of the snapshot in force",
            figure(epoch),
        )?;
        let seq = standing.position.seq;
        gauge(
            encoder,
            "snapshot_seq",
            "Position of the snapshot in force",
            figure(seq),
        )?;
        let from_disk = u32::from(standing.from_disk);
        let help = "Whether control has not been heard since the start";
        gauge(encoder, "snapshot_from_disk", help, from_disk)?;
        let state = match (world, age) {
            (None, _) => "none",
            (_, None) => "doubtful",
            (_, Some(age)) if age > AWAY => "stale",
            _ => "fresh",
        };
        let help = "How fresh the knowledge is; the state in force is 1";
        let mut family = gauges(encoder, "snapshot_state", help)?;
        for name in ["none", "doubtful", "stale", "fresh"] {
            let labels = [("state", name)];
            let value = f64::from(u32::from(name == state));
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        let deployments = world.map_or(0, |world| world.deployments().len());
        gauge(
            encoder,
            "deployments",
            "Deployments served",
            figure(deployments),
        )?;
        let refused = world.map_or(0, |world| world.refused().len());
        let help = "Deployment records not understood";
        gauge(encoder, "refused_deployments", help, figure(refused))?;
        let stale = world.map_or(0, |world| {
            let past = |rule: aeolus_model::Staleness| age.is_none_or(|age| age > rule.max());
            world.deployments().filter(|d| past(d.staleness)).count()
        });
        let help = "Deployments whose maxStale is exceeded";
        gauge(encoder, "stale_deployments", help, figure(stale))
    }

    fn caches(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let tokens = self.gauges.tokens;
        let mut family = counters(
            encoder,
            "token_lookups",
            "Bearer tokens looked up in memory",
        )?;
        for (result, count) in [
            ("hit", tokens.hits),
            ("miss", tokens.misses),
            ("negative", tokens.negative),
            ("overloaded", tokens.overloaded),
        ] {
            count_of(&mut family, &[("result", result)], count)?;
        }
        let help = "Verified tokens remembered";
        gauge(encoder, "tokens", help, figure(tokens.good))?;
        let help = "Forged tokens remembered";
        gauge(encoder, "tokens_negative", help, figure(tokens.forged))?;
        let minted = self.gauges.minted;
        let help = "Credentials exchanged for an Airflow token";
        let mut family = counters(encoder, "exchanges", help)?;
        for (result, count) in [
            ("minted", minted.minted),
            ("cached", minted.cached),
            ("expired", minted.expired),
            ("failed", minted.failed),
        ] {
            count_of(&mut family, &[("result", result)], count)?;
        }
        let limited = self.gauges.limited;
        let help = "Requests refused because a rate was exceeded, by whose";
        let mut family = counters(encoder, "rate_limited", help)?;
        count_of(&mut family, &[("by", "source")], limited.sources)?;
        count_of(&mut family, &[("by", "subject")], limited.subjects)?;
        let help = "Requests whose address the proxy did not say readably";
        let mut family = counters(encoder, "sources_unknown", help)?;
        family.encode_counter::<NoLabelSet, u64, u64>(&limited.nameless, None)?;
        let load = self.gauges.load;
        let help = "Requests that wait for an application or control";
        gauge(encoder, "waiting", help, figure(load.waiting))?;
        let help = "Requests turned away because too many waited, by whose";
        let mut family = counters(encoder, "shed", help)?;
        count_of(&mut family, &[("class", "stranger")], load.strangers)?;
        count_of(&mut family, &[("class", "sign_in")], load.sign_ins)?;
        count_of(&mut family, &[("class", "known")], load.known)
    }

    fn process(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let streams = self.gauges.streams;
        gauge(encoder, "streams", "Tunnels open", figure(streams.open))?;
        let help = "Tunnels closed because their credential was no longer good";
        let mut family = counters(encoder, "streams_revoked", help)?;
        family.encode_counter::<NoLabelSet, u64, u64>(&streams.revoked, None)?;
        let help = "Decisions that the log could not take";
        let mut family = counters(encoder, "decisions_unlogged", help)?;
        family.encode_counter::<NoLabelSet, u64, u64>(&self.gauges.unlogged, None)?;
        let help = "Lines of the log that nobody took in time";
        let mut family = counters(encoder, "log_lines_lost", help)?;
        family.encode_counter::<NoLabelSet, u64, u64>(&self.gauges.lines_lost, None)?;
        let help = "Connections refused at a cap";
        let mut family = counters(encoder, "connections_refused", help)?;
        let refused = self.metrics.connections_refused.get();
        family.encode_counter::<NoLabelSet, u64, u64>(&refused, None)?;
        let mut family = counters(encoder, "panics", "Handlers that panicked")?;
        family.encode_counter::<NoLabelSet, u64, u64>(&self.metrics.panics.get(), None)?;
        let kind = MetricType::Info;
        let mut build = encoder.encode_descriptor("build", "What runs here", None, kind)?;
        build.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

/// A count as a figure. What doesn't fit exactly is shown as near as it can be.
#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people beyond 2^53 may be rounded"
)]
pub(super) fn figure<N: TryInto<u64>>(count: N) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

pub(super) fn counters<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
) -> Result<MetricEncoder<'a>, Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Counter)
}

pub(super) fn gauges<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
) -> Result<MetricEncoder<'a>, Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)
}

pub(super) fn count_of(
    family: &mut MetricEncoder<'_>,
    labels: &[(&str, &str)],
    count: u64,
) -> Result<(), Error> {
    let mut one = family.encode_family(&labels)?;
    one.encode_counter::<NoLabelSet, u64, u64>(&count, None)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl Into<f64>,
) -> Result<(), Error> {
    gauges(encoder, name, help)?.encode_gauge(&value.into())
}
