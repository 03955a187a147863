//! Rollouts: what people ask of them, and what gates report.

use std::collections::BTreeMap;

use aeolus_model::{DeploymentId, RolloutPath, Slug};
use serde::{Deserialize, Serialize};

use crate::PlaneAcks;
use crate::fleet;

/// A rollout, as control sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Its settings, as in a fleet document.
    pub settings: fleet::Rollout,
    /// Where it stands.
    pub stage: Stage,
    /// What gates that were heard of lately have counted since their starts.
    pub figures: Figures,
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutStage"))]
pub enum Stage {
    /// Its settings say who gets the path.
    Running,
    /// All that it is about get it.
    Promoted,
    /// Nobody does, until it is set anew.
    Aborted,
}

impl Stage {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Promoted => "promoted",
            Self::Aborted => "aborted",
        }
    }
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", schemars(rename = "RolloutChanged"))]
pub struct Changed {
    /// The rollout after it.
    pub rollout: Rollout,
    /// Its position in the feed.
    pub seq: u64,
    /// Which planes have applied it, where that was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

/// What is counted of a rollout, at one gate or at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Gates that these are of.
    #[serde(default)]
    pub gates: u64,
    /// Each path that was taken.
    #[serde(default)]
    pub paths: Vec<PathFigures>,
    /// Requests that were decided on both paths.
    #[serde(default)]
    pub compared: u64,
    /// Requests that were to be, and could not: too many waited, or control did not answer.
    #[serde(default)]
    pub uncompared: u64,
    /// Those that were decided differently, by what decided.
    #[serde(default)]
    pub differences: Vec<Difference>,
    /// Deployments that a gate has taken off the path.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Id>"))]
    pub fallen: Vec<DeploymentId>,
    /// Where kill switches choose the path, and which: gates by path.
    #[serde(default)]
    pub kill_switches: BTreeMap<String, u64>,
}

/// What is counted of one path of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PathFigures {
    /// The path.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::RolloutPathName"))]
    pub path: RolloutPath,
    /// Requests that took it.
    pub requests: u64,
    /// Those that could not be decided.
    pub errors: u64,
    /// Those that were refused or sent to sign in, by reason.
    #[serde(default)]
    pub denials: BTreeMap<String, u64>,
    /// How many decisions took at most so many microseconds and more than the one before; the last is
    /// without a bound.
    #[serde(default)]
    pub latency: Vec<Bucket>,
    /// The median of the time to a decision, in microseconds.
    #[serde(default)]
    pub p50_micros: u64,
    /// The time to a decision that 99 of 100 stay below, in microseconds.
    #[serde(default)]
    pub p99_micros: u64,
}

/// A bucket of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// Its upper bound in microseconds; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub le: Option<u64>,
    /// How many are in it.
    pub count: u64,
}

/// What the two paths decided differently. Each side is `allow`, or the reason's stable code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// By what the gate decided.
    pub plane: String,
    /// By what control decided.
    pub central: String,
    /// How often.
    pub count: u64,
}

/// What one gate reports of one rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// What was counted since the gate's start.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Figures {
    /// Adds another gate's.
    pub fn add(&mut self, other: &Self) {
        self.gates += other.gates;
        self.compared += other.compared;
        self.uncompared += other.uncompared;
        for path in &other.paths {
            match self.paths.iter_mut().find(|known| known.path == path.path) {
                Some(known) => known.add(path),
                None => self.paths.push(path.clone()),
            }
        }
        for difference in &other.differences {
            let same = |known: &&mut Difference| {
                known.plane == difference.plane && known.central == difference.central
            };
            match self.differences.iter_mut().find(same) {
                Some(known) => known.count += difference.count,
                None => self.differences.push(difference.clone()),
            }
        }
        self.fallen.extend(&other.fallen);
        self.fallen.sort_unstable();
        self.fallen.dedup();
        for (path, gates) in &other.kill_switches {
            *self.kill_switches.entry(path.clone()).or_default() += gates;
        }
    }

    /// Works out the quantiles from the histograms.
    pub fn measure(&mut self) {
        for path in &mut self.paths {
            path.p50_micros = quantile(&path.latency, 50);
            path.p99_micros = quantile(&path.latency, 99);
        }
    }
}

impl PathFigures {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        for (reason, count) in &other.denials {
            *self.denials.entry(reason.clone()).or_default() += count;
        }
        for bucket in &other.latency {
            match self.latency.iter_mut().find(|known| known.le == bucket.le) {
                Some(known) => known.count += bucket.count,
                None => self.latency.push(*bucket),
            }
        }
        self.latency
            .sort_by_key(|bucket| bucket.le.unwrap_or(u64::MAX));
    }
}

/// The bound that a percentage of all stays below, between a bucket's bounds as if its content were
/// spread evenly. In the last bucket that is its lower bound.
fn quantile(buckets: &[Bucket], percent: u64) -> u64 {
    let all: u64 = buckets.iter().map(|bucket| bucket.count).sum();
    let wanted = (all * percent).div_ceil(100);
    let (mut below, mut from) = (0, 0);
    for bucket in buckets {
        if bucket.count > 0 && below + bucket.count >= wanted {
            let to = bucket.le.unwrap_or(from);
            let part = (to - from) * (wanted - below) / bucket.count;
            return from + part;
        }
        below += bucket.count;
        from = bucket.le.unwrap_or(from);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(counts: [u64; 3]) -> Vec<Bucket> {
        let bounds = [Some(10), Some(100), None];
        let pairs = bounds.into_iter().zip(counts);
        pairs.map(|(le, count)| Bucket { le, count }).collect()
    }

    #[test]
    fn quantiles_lie_where_the_counts_are() {
        assert_eq!(quantile(&[], 50), 0);
        assert_eq!(quantile(&buckets([0, 0, 0]), 99), 0);
        assert_eq!(quantile(&buckets([100, 0, 0]), 50), 5);
        assert_eq!(quantile(&buckets([50, 50, 0]), 99), 98);
        assert_eq!(quantile(&buckets([1, 0, 99]), 50), 100);
    }

    #[test]
    fn gates_are_added_up() {
        let one = |reason: &str, fallen: u8| Figures {
            gates: 1,
            paths: vec![PathFigures {
                path: RolloutPath::Plane,
                requests: 2,
                errors: 1,
                denials: [(reason.to_owned(), 1)].into(),
                latency: buckets([1, 1, 0]),
                p50_micros: 0,
                p99_micros: 0,
            }],
            differences: vec![Difference {
                plane: "allow".to_owned(),
                central: reason.to_owned(),
                count: 3,
            }],
            fallen: vec![DeploymentId::from_bytes([fallen; 16])],
            ..Figures::default()
        };
        let mut sum = Figures::default();
        sum.add(&one("forbidden", 1));
        sum.add(&one("forbidden", 1));
        sum.add(&one("scope", 2));
        assert_eq!((sum.gates, sum.fallen.len()), (3, 2));
        let path = &sum.paths[0];
        assert_eq!((path.requests, path.errors), (6, 3));
        assert_eq!(path.denials["forbidden"], 2);
        assert_eq!(path.latency, buckets([3, 3, 0]));
        assert_eq!(sum.differences.len(), 2);
        assert_eq!(sum.differences[0].count, 6);
    }
}
