//! A Secret as we have it: what it says of itself, and its values, which are never printed.

use std::collections::BTreeMap;
use std::fmt;

use aeolus_model::Secret;

/// Values by key.
pub type Data = BTreeMap<String, Secret<Vec<u8>>>;

/// The type of Secrets with a certificate and its key.
pub const TLS: &str = "kubernetes.io/tls";

/// Where an object lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its namespace.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

impl Place {
    /// By both.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What an object says of itself, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Where it lies.
    pub place: Place,
    /// Which one of all that ever had this name. Empty: not made yet.
    pub uid: String,
    /// Changes with every change. Empty: not made yet.
    pub version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// It is being deleted, and only waits for its finalizers.
    pub is_ending: bool,
}

/// A Secret with its values.
#[derive(Clone, Debug, Default)]
pub struct SecretObject {
    /// What it says of itself.
    pub meta: Meta,
    /// Its type, such as `Opaque`; it can't be changed.
    pub kind: String,
    /// Its values.
    pub data: Data,
    /// Its values can't be changed.
    pub is_immutable: bool,
}
