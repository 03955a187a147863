//! Namespaces.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace as Wire;
use kube::Resource as _;
use kube::api::{GetParams, ListParams};
use kube::core::Request;

use super::Client;
use crate::error::KubeError;

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Which one of all that ever had this name.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// It is being deleted: nothing new can be made in it.
    pub is_ending: bool,
}

impl Client {
    /// All of them.
    pub async fn namespaces(&self) -> Result<Vec<Namespace>, KubeError> {
        let found = self
            .pages::<Wire>(&ListParams::default(), |params| request().list(params))
            .await?;
        Ok(found.into_iter().map(namespace).collect())
    }

    /// One, if it is there.
    pub async fn one_namespace(&self, name: &str) -> Result<Option<Namespace>, KubeError> {
        match self
            .call::<Wire>(request().get(name, &GetParams::default()))
            .await
        {
            Ok(found) => Ok(Some(namespace(found))),
            Err(KubeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn request() -> Request {
    Request::new(Wire::url_path(&(), None))
}

fn namespace(found: Wire) -> Namespace {
    let phase = found.status.and_then(|status| status.phase);
    Namespace {
        name: found.metadata.name.unwrap_or_default(),
        uid: found.metadata.uid.unwrap_or_default(),
        labels: found.metadata.labels.unwrap_or_default(),
        is_ending: found.metadata.deletion_timestamp.is_some()
            || phase.as_deref() == Some("Terminating"),
    }
}
