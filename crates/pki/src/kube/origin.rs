//! Where a Secret comes from, by what those that copy Secrets write into metadata.

use serde_json::Value;

use super::entries;

/// What a Secret says of copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nothing.
    Unsaid,
    /// Others are copied from it, under the same name in other namespaces.
    Source,
    /// It is a copy of the one of this namespace and name.
    Copy { namespace: String, name: String },
}

/// Annotations that make a Secret a source: of the original's config syncer, kubed, Reflector and mittwald's replicator.
const SOURCES: [&str; 5] = [
    "astronomer.io/commander-sync",
    "kubed.appscode.com/sync",
    "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
    "replicator.v1.mittwald.de/replicate-to",
    "replicator.v1.mittwald.de/replicate-to-matching",
];

/// Annotations of copies that say `namespace/name`.
const COPIES: [&str; 2] = [
    "reflector.v1.k8s.emberstack.com/reflects",
    "replicator.v1.mittwald.de/replicate-from",
];

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl Origin {
    pub(super) fn of(metadata: &Value) -> Self {
        let annotation = |name: &str| text(metadata, "annotations", name);
        let label = |name: &str| text(metadata, "labels", name);
        let said = COPIES
            .iter()
            .find_map(|name| annotation(name)?.split_once('/'));
        let labelled = || {
            Some((
                label("kubed.appscode.com/origin.namespace")?,
                label("kubed.appscode.com/origin.name")?,
            ))
        };
        if let Some((namespace, name)) = said.or_else(labelled) {
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            return Self::Copy { namespace, name };
        }
        if SOURCES.iter().any(|name| annotation(name).is_some()) {
            return Self::Source;
        }
        Self::Unsaid
    }
}

/// `kubectl apply` keeps what it was given in an annotation, a private key as well; whoever copies annotations
/// spreads it.
pub(super) fn has_key_in_annotation(metadata: &Value) -> bool {
    let Some(applied) = text(metadata, "annotations", LAST_APPLIED) else {
        return false;
    };
    let Ok(applied) = serde_json::from_str::<Value>(applied) else {
        return is_key(applied.as_bytes());
    };
    let mut entries = entries(&applied).into_values().flatten();
    entries.any(|bytes| is_key(&bytes))
}

fn is_key(bytes: &[u8]) -> bool {
    const LABEL: &[u8] = b"PRIVATE KEY-----";
    bytes.windows(LABEL.len()).any(|window| window == LABEL)
}

fn text<'a>(metadata: &'a Value, map: &str, name: &str) -> Option<&'a str> {
    metadata.get(map)?.get(name)?.as_str()
}
