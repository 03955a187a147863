//! Which resource a request's path names, and what its query asks for.

use std::collections::BTreeMap;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Such as `secrets`.
    pub(super) resource: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
}

/// Resources by group and version.
const KNOWN: [(&str, &str, &str); 8] = [
    ("/api/v1", "secrets", "Secret"),
    ("/api/v1", "namespaces", "Namespace"),
    ("/apis/coordination.k8s.io/v1", "leases", "Lease"),
    ("/apis/apps/v1", "deployments", "Deployment"),
    ("/apis/apps/v1", "statefulsets", "StatefulSet"),
    ("/apis/apps/v1", "daemonsets", "DaemonSet"),
    (
        "/apis/authorization.k8s.io/v1",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
    ),
    (
        "/apis/authentication.k8s.io/v1",
        "tokenreviews",
        "TokenReview",
    ),
];

/// The kind and version of a resource.
pub(super) fn kind(resource: &str) -> (&'static str, &'static str) {
    let known = KNOWN.iter().find(|(_, name, _)| *name == resource);
    known.map_or(("", ""), |(prefix, _, kind)| {
        let version = prefix
            .trim_start_matches("/apis/")
            .trim_start_matches("/api/");
        (*kind, version)
    })
}

/// Reads a path. None: nothing that is served.
pub(super) fn read(path: &str) -> Option<Named> {
    let (prefix, rest) = KNOWN.iter().find_map(|(prefix, _, _)| {
        let rest = path.strip_prefix(prefix)?.strip_prefix('/')?;
        Some((*prefix, rest))
    })?;
    let parts: Vec<&str> = rest.split('/').collect();
    let (namespace, resource, name) = match parts.as_slice() {
        ["namespaces", namespace, resource] => (Some(*namespace), *resource, None),
        ["namespaces", namespace, resource, name] => (Some(*namespace), *resource, Some(*name)),
        [resource] => (None, *resource, None),
        [resource, name] => (None, *resource, Some(*name)),
        _ => return None,
    };
    let is_known = KNOWN
        .iter()
        .any(|(at, known, _)| *at == prefix && *known == resource);
    is_known.then(|| Named {
        resource: resource.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    })
}

/// A query's parameters, the last of each name.
pub(super) fn query(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}
