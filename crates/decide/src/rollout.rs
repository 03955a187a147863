//! Which path a deployment takes: worked out when a world is made, read in one field by a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aeolus_keys::digest::sha256;
use aeolus_model::{DeploymentId, FallBack, RolloutPath, Slug, TreePlace};
use aeolus_snapshot::section;

use crate::seat::Seat;

/// A flag as it is in force.
#[derive(Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name.
    pub name: Slug,
    /// The path that it gives.
    pub path: RolloutPath,
    /// The share of requests that are decided on the other path too, 0 to 100.
    pub shadow_percent: u8,
    /// When the gate takes a deployment off the path by itself, if ever.
    pub fall_back: Option<FallBack>,
    /// For what a gate keeps at hand about it.
    pub seat: Seat,
    percent: u8,
    deployments: Vec<String>,
    within: Vec<TreePlace>,
}

/// What a flag says of one deployment.
#[derive(Clone, PartialEq, Eq)]
pub struct Course {
    /// The flag that it obeys.
    pub flag: Arc<Flag>,
    /// The path that it takes.
    pub path: RolloutPath,
}

impl fmt::Debug for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Course({} by {})", self.path, self.flag.name)
    }
}

/// The path that a request takes. A kill switch goes before everything; without a flag it is the
/// plane's. `fallen` says that the gate has taken the deployment off its flag's path.
pub fn path_of(course: Option<&Course>, switch: Option<RolloutPath>, fallen: bool) -> RolloutPath {
    match (switch, course) {
        (Some(path), _) => path,
        (None, None) => RolloutPath::Plane,
        (None, Some(course)) if fallen => course.flag.path.other(),
        (None, Some(course)) => course.path,
    }
}

/// The flags of a section, in the order in which they hold. One that can't be understood is left out:
/// what it is about then decides on the plane, or as the next one says.
pub(crate) fn load(section: &section::Rollouts) -> Vec<Arc<Flag>> {
    let mut flags: Vec<_> = section.rollouts.iter().filter_map(flag).collect();
    flags.sort_by(|a, b| a.name.cmp(&b.name));
    flags.into_iter().map(Arc::new).collect()
}

fn flag(record: &section::Rollout) -> Option<Flag> {
    let share = |percent: u32| u8::try_from(percent).ok().filter(|share| *share <= 100);
    let within = record.within.iter().map(|place| place.parse());
    Some(Flag {
        name: record.name.parse().ok()?,
        path: match section::RolloutPath::try_from(record.path).ok()? {
            section::RolloutPath::Unspecified => return None,
            section::RolloutPath::Plane => RolloutPath::Plane,
            section::RolloutPath::Central => RolloutPath::Central,
        },
        shadow_percent: share(record.shadow_percent)?,
        fall_back: match &record.fall_back {
            None => None,
            Some(written) => Some(FallBack {
                bad_percent: share(written.bad_percent).filter(|share| *share > 0)?,
                slow: Duration::from_millis(written.slow_millis.into()),
                requests: written.requests,
                hold: Duration::from_secs(written.hold.into()),
            }),
        },
        seat: Seat::default(),
        percent: share(record.percent)?,
        deployments: record.deployments.clone(),
        within: within.collect::<Result<_, _>>().ok()?,
    })
}

/// What the first flag that is about a deployment says of it.
pub(crate) fn course(flags: &[Arc<Flag>], id: DeploymentId, name: &str) -> Option<Course> {
    let flag = flags.iter().find(|flag| flag.is_about(name))?;
    let path = if flag.gives(id, name) {
        flag.path
    } else {
        flag.path.other()
    };
    Some(Course {
        flag: Arc::clone(flag),
        path,
    })
}

impl Flag {
    fn is_about(&self, name: &str) -> bool {
        self.within.is_empty() || self.within.iter().any(|place| place.holds(name))
    }

    /// By the list, else by a hash: the same at every gate, and a larger share has all of a smaller.
    fn gives(&self, id: DeploymentId, name: &str) -> bool {
        const PARTS: u64 = 10_000;
        if self.deployments.iter().any(|listed| listed == name) {
            return true;
        }
        let text = [self.name.as_str().as_bytes(), b"\0", id.as_bytes()].concat();
        let digest = sha256(&text);
        let drawn = digest
            .first_chunk()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes));
        drawn % PARTS < u64::from(self.percent) * (PARTS / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, percent: u32) -> section::Rollout {
        section::Rollout {
            name: name.to_owned(),
            path: section::RolloutPath::Plane.into(),
            percent,
            ..section::Rollout::default()
        }
    }

    fn flags(rollouts: Vec<section::Rollout>) -> Vec<Arc<Flag>> {
        load(&section::Rollouts { rollouts })
    }

    fn id(number: u16) -> DeploymentId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        DeploymentId::from_bytes(bytes)
    }

    fn taking(flags: &[Arc<Flag>], path: RolloutPath) -> Vec<u16> {
        let takes = |n: &u16| course(flags, id(*n), "acme/sales/etl").unwrap().path == path;
        (0..2_000).filter(takes).collect()
    }

    #[test]
    fn o4_a_share_is_kept_and_a_larger_one_only_adds() {
        let mut before = Vec::new();
        for percent in [0, 1, 10, 50, 99, 100] {
            let now = taking(&flags(vec![record("a", percent)]), RolloutPath::Plane);
            let wanted = usize::try_from(percent).unwrap() * 20;
            assert!(now.len().abs_diff(wanted) < 70, "{percent}: {}", now.len());
            assert!(before.iter().all(|n| now.contains(n)), "{percent}");
            before = now;
        }
        assert_eq!(before.len(), 2_000);
        let [a, b] = ["a", "b"].map(|name| {
            let flags = flags(vec![record(name, 50)]);
            taking(&flags, RolloutPath::Central)
        });
        assert_ne!(a, b, "each flag draws anew");
    }

    #[test]
    fn o4_a_list_and_a_rule_choose() {
        let listed = section::Rollout {
            deployments: vec!["acme/sales/etl".to_owned()],
            ..record("a", 0)
        };
        let sales = section::Rollout {
            within: vec!["acme/sales".to_owned()],
            ..record("b", 100)
        };
        let path = |flags: &[Arc<Flag>], name| course(flags, id(1), name).map(|c| c.path);
        let flags_of = |records| flags(records);
        let one = flags_of(vec![listed.clone()]);
        assert_eq!(path(&one, "acme/sales/etl"), Some(RolloutPath::Plane));
        assert_eq!(path(&one, "acme/sales/bi"), Some(RolloutPath::Central));
        let two = flags_of(vec![sales.clone()]);
        assert_eq!(path(&two, "acme/sales/bi"), Some(RolloutPath::Plane));
        assert_eq!(path(&two, "acme/ops/bi"), None);
        // The first by name holds, in whatever order they came.
        let both = flags_of(vec![sales, listed]);
        assert_eq!(path(&both, "acme/sales/bi"), Some(RolloutPath::Central));
    }

    #[test]
    fn f74_a_flag_that_is_not_understood_is_left_out() {
        let bad = [
            section::Rollout {
                path: 9,
                ..record("a", 1)
            },
            section::Rollout {
                path: 0,
                ..record("a", 1)
            },
            record("a", 101),
            record("A b", 1),
            section::Rollout {
                within: vec!["a/b/c/d".to_owned()],
                ..record("a", 1)
            },
        ];
        for record in bad {
            assert!(flags(vec![record.clone()]).is_empty(), "{record:?}");
        }
    }

    #[test]
    fn the_path_of_a_request() {
        use RolloutPath::{Central, Plane};
        let flags = flags(vec![record("a", 100)]);
        let course = course(&flags, id(1), "a/b/c").unwrap();
        let table = [
            (None, None, false, Plane),
            (None, None, true, Plane),
            (None, Some(Central), false, Central),
            (Some(&course), None, false, Plane),
            (Some(&course), None, true, Central),
            (Some(&course), Some(Plane), true, Plane),
            (Some(&course), Some(Central), false, Central),
        ];
        for (course, switch, fallen, path) in table {
            assert_eq!(path_of(course, switch, fallen), path, "{switch:?} {fallen}");
        }
    }
}
