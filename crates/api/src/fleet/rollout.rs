//! Rollouts of a fleet document: which deployments take which path to their decision.

use std::time::Duration;

use aeolus_model::{FallBack, RolloutPath, Slug, TreePlace};
use serde::{Deserialize, Serialize};

use crate::Period;
#[cfg(feature = "schema")]
use crate::schema;

/// Which path which deployments take. Of several that are about a deployment, the first by name holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "FleetRollout"))]
pub struct Rollout {
    /// Its name, unique in the installation.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Slug"))]
    pub name: Slug,
    /// The path that it gives: `plane`, or `central` (control is asked too, and can only refuse). The
    /// deployments it is about and doesn't give it to take the other one.
    #[cfg_attr(feature = "schema", schemars(with = "schema::RolloutPathName"))]
    pub path: RolloutPath,
    /// The share of deployments that get it, 0 to 100. Raising it only ever adds some.
    pub percent: u8,
    /// Deployments that get it whatever the share: ORGANIZATION/WORKSPACE/DEPLOYMENT.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::TreePlace>"))]
    pub deployments: Vec<TreePlace>,
    /// Which deployments it is about at all; absent: all.
    #[serde(default, skip_serializing_if = "RolloutRule::is_empty")]
    pub rule: RolloutRule,
    /// Whether some requests are decided on the other path too, for comparison only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
    /// The share of requests that are compared, 1 to 100; absent: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_percent: Option<u8>,
    /// When gates take a deployment off the path by themselves; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fall_back: Option<RolloutFallBack>,
}

/// Which deployments a rollout is about: those that are on one of the planes and in one of the places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutRule {
    /// The planes; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Slug>"))]
    pub planes: Vec<Slug>,
    /// The places: ORGANIZATION, ORGANIZATION/WORKSPACE or ORGANIZATION/WORKSPACE/DEPLOYMENT; none means
    /// everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::TreePlace>"))]
    pub within: Vec<TreePlace>,
}

/// When a gate takes a deployment off its rollout's path by itself. A request is bad if the gate or
/// control failed to decide it, or took too long; a refusal for cause is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutFallBack {
    /// The share of bad requests within 10 s, 1 to 100; absent: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_percent: Option<u8>,
    /// A decision that takes so many milliseconds is bad, 1 to 1000; absent: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_ms: Option<u16>,
    /// Fewer requests within 10 s say nothing; absent: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// How long it stays off the path, twice as long after each further fall; absent: 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Period>"))]
    pub hold: Option<Period>,
}

/// The longest time off a path after one fall.
const MOST_HOLD: Duration = Duration::from_secs(86_400);

impl Rollout {
    /// The share of requests that are compared; 0 without shadow.
    pub fn shadowed(&self) -> u8 {
        if self.shadow {
            self.shadow_percent.unwrap_or(10)
        } else {
            0
        }
    }

    /// Everything that makes no sense in it by itself: the field's path below it, and why.
    pub fn faults(&self) -> Vec<(String, &'static str)> {
        let mut faults = Vec::new();
        if self.percent > 100 {
            faults.push(("percent".to_owned(), "a share lies between 0 and 100"));
        }
        for (index, place) in self.deployments.iter().enumerate() {
            if place.depth() != 3 {
                let at = format!("deployments[{index}]");
                faults.push((at, "write ORGANIZATION/WORKSPACE/DEPLOYMENT"));
            }
        }
        let shadow = self.shadow_percent;
        if shadow.is_some_and(|share| !(1..=100).contains(&share)) {
            faults.push(("shadowPercent".to_owned(), "a share lies between 1 and 100"));
        }
        if shadow.is_some() && !self.shadow {
            faults.push((
                "shadowPercent".to_owned(),
                "nothing is compared without `shadow: true`",
            ));
        }
        let Some(fall_back) = &self.fall_back else {
            return faults;
        };
        let mut bound = |name: &str, good: bool, why| {
            if !good {
                faults.push((format!("fallBack.{name}"), why));
            }
        };
        let bad = fall_back.bad_percent.unwrap_or(1);
        bound(
            "badPercent",
            (1..=100).contains(&bad),
            "a share lies between 1 and 100",
        );
        let slow = fall_back.slow_ms.unwrap_or(1);
        bound(
            "slowMs",
            (1..=1000).contains(&slow),
            "use 1 to 1000: control has 1 s",
        );
        let requests = fall_back.requests.unwrap_or(1);
        bound("requests", requests >= 1, "use 1 or more");
        let hold = fall_back
            .hold
            .map_or(Duration::from_secs(1), Period::duration);
        let holds = (Duration::from_secs(1)..=MOST_HOLD).contains(&hold);
        bound("hold", holds, "use 1s to 1d");
        faults
    }
}

impl RolloutRule {
    /// Whether it is about everything.
    pub const fn is_empty(&self) -> bool {
        self.planes.is_empty() && self.within.is_empty()
    }
}

impl RolloutFallBack {
    /// With what is absent filled in.
    pub fn filled(&self) -> FallBack {
        let default = FallBack::default();
        let slow = self.slow_ms.map(|ms| Duration::from_millis(ms.into()));
        FallBack {
            bad_percent: self.bad_percent.unwrap_or(default.bad_percent),
            slow: slow.unwrap_or(default.slow),
            requests: self.requests.unwrap_or(default.requests),
            hold: self.hold.map_or(default.hold, Period::duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let rollout: Rollout = serde_json::from_str(text).unwrap();
        rollout.faults().into_iter().map(|(at, _)| at).collect()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let good = r#"{"name": "a", "path": "plane", "percent": 100, "shadow": true,
            "deployments": ["a/b/c"], "rule": {"within": ["a", "a/b"]}, "fallBack": {}}"#;
        assert_eq!(faults(good), Vec::<String>::new());
        let bad = r#"{"name": "a", "path": "plane", "percent": 101, "shadowPercent": 0,
            "deployments": ["a/b"], "fallBack": {"badPercent": 0, "slowMs": 0, "requests": 0,
            "hold": "0s"}}"#;
        assert_eq!(
            faults(bad),
            [
                "percent",
                "deployments[0]",
                "shadowPercent",
                "shadowPercent",
                "fallBack.badPercent",
                "fallBack.slowMs",
                "fallBack.requests",
                "fallBack.hold",
            ]
        );
    }

    #[test]
    fn what_is_absent_stays_absent() {
        let text = r#"{"name":"a","path":"central","percent":5}"#;
        let rollout: Rollout = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&rollout).unwrap(), text);
        assert_eq!(rollout.shadowed(), 0);
        assert_eq!(RolloutFallBack::default().filled(), FallBack::default());
    }
}
