//! The certificates of a program, as Prometheus reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::kept::Keeper;

/// The figures of every program: `aeolus_certificate_…`.
pub fn certificates(keeper: &Arc<Keeper>) -> Registry {
    let mut registry = Registry::with_prefix("aeolus_certificate");
    registry.register_collector(Box::new(Figures(Arc::clone(keeper))));
    registry
}

#[derive(Debug)]
struct Figures(Arc<Keeper>);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "When a certificate that is shown, or that others are proved by, expires, in seconds since 1970";
        let mut ends = encoder.encode_descriptor(
            "not_after_timestamp_seconds",
            help,
            None,
            MetricType::Gauge,
        )?;
        let mut seen = BTreeSet::new();
        for member in self.0.members() {
            if !seen.insert((member.name, member.role.name(), member.fingerprint)) {
                continue;
            }
            let labels = [
                ("name", member.name.to_owned()),
                ("role", member.role.name().to_owned()),
                ("subject", member.subject),
                ("fingerprint", member.fingerprint.to_string()),
            ];
            let end = member.until.secs();
            ends.encode_family(&labels)?.encode_gauge(&end)?;
        }
        let help =
            "Looks at files of certificates that could not be used: the ones before stay in force";
        let mut failures =
            encoder.encode_descriptor("reload_failures", help, None, MetricType::Counter)?;
        let mut all = BTreeMap::<_, u64>::new();
        for (name, count) in self.0.failures() {
            *all.entry(name).or_default() += count;
        }
        for (name, count) in all {
            let labels = [("name", name)];
            let mut one = failures.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, u64, u64>(&count, None)?;
        }
        Ok(())
    }
}
