//! A Lease: one of several programs acts, and others see that it lives.

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_model::Time;
use k8s_openapi::api::coordination::v1::{Lease as Wire, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::Resource as _;
use kube::api::{GetParams, PostParams};
use kube::core::Request;

use super::Client;
use crate::error::KubeError;
use crate::object::Place;
use crate::pass::MANAGER;

/// A Lease as it was read, or is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// Its version; empty for one that isn't there yet.
    pub version: String,
    /// Who has it; none: nobody.
    pub holder: Option<String>,
    /// How long a holder that says nothing keeps it.
    pub duration: Duration,
    /// When it was taken.
    pub taken: Option<Time>,
    /// When the holder last said that it lives, by the holder's clock.
    pub renewed: Option<Time>,
    /// How often it passed to another.
    pub transitions: u32,
    /// What else is written on it.
    pub annotations: BTreeMap<String, String>,
}

impl Client {
    /// The Lease, if it is there.
    pub async fn lease(&self, place: &Place) -> Result<Option<Lease>, KubeError> {
        let request = at(place).get(&place.name, &GetParams::default());
        match self.call::<Wire>(request).await {
            Ok(found) => Ok(Some(lease(found))),
            Err(KubeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it: a new one where it has no version, else in place of that version alone.
    pub async fn write_lease(&self, place: &Place, lease: &Lease) -> Result<Lease, KubeError> {
        let body = serde_json::to_vec(&wire(place, lease));
        let body = body.map_err(|error| KubeError::senseless(&error))?;
        let params = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let request = if lease.version.is_empty() {
            at(place).create(&params, body)
        } else {
            at(place).replace(&place.name, &params, body)
        };
        self.call::<Wire>(request).await.map(self::lease)
    }
}

fn at(place: &Place) -> Request {
    Request::new(Wire::url_path(&(), Some(&place.namespace)))
}

fn lease(found: Wire) -> Lease {
    let spec = found.spec.unwrap_or_default();
    let seconds = spec.lease_duration_seconds.unwrap_or_default();
    let time = |at: MicroTime| Time::from_millis(at.0.as_millisecond());
    Lease {
        version: found.metadata.resource_version.unwrap_or_default(),
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        duration: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        taken: spec.acquire_time.map(time),
        renewed: spec.renew_time.map(time),
        transitions: u32::try_from(spec.lease_transitions.unwrap_or_default()).unwrap_or_default(),
        annotations: found.metadata.annotations.unwrap_or_default(),
    }
}

fn wire(place: &Place, lease: &Lease) -> Wire {
    let time = |at: Time| Timestamp::from_millisecond(at.millis()).ok().map(MicroTime);
    Wire {
        metadata: ObjectMeta {
            name: Some(place.name.clone()),
            namespace: Some(place.namespace.clone()),
            resource_version: (!lease.version.is_empty()).then(|| lease.version.clone()),
            annotations: (!lease.annotations.is_empty()).then(|| lease.annotations.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(lease.holder.clone().unwrap_or_default()),
            lease_duration_seconds: i32::try_from(lease.duration.as_secs()).ok(),
            acquire_time: lease.taken.and_then(time),
            renew_time: lease.renewed.and_then(time),
            lease_transitions: i32::try_from(lease.transitions).ok(),
            ..LeaseSpec::default()
        }),
    }
}
