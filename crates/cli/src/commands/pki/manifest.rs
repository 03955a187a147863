//! A Secret of Kubernetes as people write it.

use std::collections::BTreeMap;

use aeolus_pki::{Certificate, PrivateKey, certificates_pem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// A Secret of the type `kubernetes.io/tls`, in the order in which people write it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Manifest {
    api_version: &'static str,
    kind: &'static str,
    pub(in crate::commands) metadata: Metadata,
    r#type: &'static str,
    data: BTreeMap<&'static str, String>,
}

/// What it says of itself.
#[derive(Default, Serialize)]
pub(in crate::commands) struct Metadata {
    pub(in crate::commands) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) namespace: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::commands) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::commands) annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Of a pair. Its key is in it, and base64 hides nothing.
    pub(in crate::commands) fn of(
        metadata: Metadata,
        (chain, key): (&[Certificate], &PrivateKey),
    ) -> Self {
        Self {
            api_version: "v1",
            kind: "Secret",
            metadata,
            r#type: aeolus_kube::TLS,
            data: BTreeMap::from([
                ("tls.crt", STANDARD.encode(certificates_pem(chain))),
                ("tls.key", STANDARD.encode(key.pem().expose())),
            ]),
        }
    }
}
