//! Which deployments take which path to their decision: flags that people move.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Slug;

/// Where a request is decided. The gate's own decision is made on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RolloutPath {
    /// In the data plane alone.
    Plane,
    /// Also at control, which can only refuse.
    Central,
}

impl RolloutPath {
    /// Both, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Plane, Self::Central];

    /// Its name in documents, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plane => "plane",
            Self::Central => "central",
        }
    }

    /// The one it isn't.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Plane => Self::Central,
            Self::Central => Self::Plane,
        }
    }
}

impl fmt::Display for RolloutPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a path is `plane` or `central`")]
pub struct RolloutPathError;

impl FromStr for RolloutPath {
    type Err = RolloutPathError;

    fn from_str(text: &str) -> Result<Self, RolloutPathError> {
        let mut all = Self::ALL.into_iter();
        all.find(|path| path.name() == text).ok_or(RolloutPathError)
    }
}

/// A place in the tree and everything below: `ORGANIZATION`, `ORGANIZATION/WORKSPACE` or
/// `ORGANIZATION/WORKSPACE/DEPLOYMENT`, by names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreePlace(String);

/// A text that is no place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place is ORGANIZATION, ORGANIZATION/WORKSPACE or ORGANIZATION/WORKSPACE/DEPLOYMENT")]
pub struct TreePlaceError;

impl TreePlace {
    /// Whether a deployment, by its three names, is here or below.
    pub fn holds(&self, deployment: &str) -> bool {
        deployment
            .strip_prefix(self.0.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many names it has: 1 to 3.
    pub fn depth(&self) -> usize {
        self.0.split('/').count()
    }
}

impl FromStr for TreePlace {
    type Err = TreePlaceError;

    fn from_str(text: &str) -> Result<Self, TreePlaceError> {
        let names = text.split('/');
        let good = names.clone().count() <= 3 && names.clone().all(|n| Slug::parse(n).is_ok());
        good.then(|| Self(text.to_owned())).ok_or(TreePlaceError)
    }
}

impl TryFrom<String> for TreePlace {
    type Error = TreePlaceError;

    fn try_from(text: String) -> Result<Self, TreePlaceError> {
        text.parse()
    }
}

impl From<TreePlace> for String {
    fn from(place: TreePlace) -> Self {
        place.0
    }
}

impl fmt::Display for TreePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a gate moves a deployment to the other path by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FallBack {
    /// The share of bad requests in a window from which on it moves, 1 to 100.
    pub bad_percent: u8,
    /// A decision that takes so long is bad.
    pub slow: Duration,
    /// A window of fewer requests says nothing.
    pub requests: u32,
    /// How long it stays there after the first fall.
    pub hold: Duration,
}

impl Default for FallBack {
    fn default() -> Self {
        Self {
            bad_percent: 5,
            slow: Duration::from_millis(500),
            requests: 20,
            hold: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_itself_and_what_is_below() {
        let place = |text: &str| text.parse::<TreePlace>().unwrap();
        assert!(place("acme").holds("acme/sales/etl"));
        assert!(place("acme/sales").holds("acme/sales/etl"));
        assert!(place("acme/sales/etl").holds("acme/sales/etl"));
        for other in ["acm", "acme/sale", "acme/sales/et", "acme/sales/etl2"] {
            assert!(!place(other).holds("acme/sales/etl"), "{other}");
        }
        for bad in ["", "/", "acme/", "a/b/c/d", "A", "a b", "*"] {
            assert!(bad.parse::<TreePlace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_paths_name_is_read_back() {
        for path in RolloutPath::ALL {
            assert_eq!(path.name().parse(), Ok(path));
            assert_eq!(path.other().other(), path);
        }
        assert!("Plane".parse::<RolloutPath>().is_err());
    }
}
