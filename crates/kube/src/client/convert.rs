//! Between the library's types and ours.

use aeolus_model::Secret;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret as Wire;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::object::{Meta, Place, SecretObject};

pub(super) fn meta(found: ObjectMeta) -> Meta {
    Meta {
        place: Place::new(
            found.namespace.unwrap_or_default(),
            found.name.unwrap_or_default(),
        ),
        uid: found.uid.unwrap_or_default(),
        version: found.resource_version.unwrap_or_default(),
        labels: found.labels.unwrap_or_default(),
        annotations: found.annotations.unwrap_or_default(),
        is_ending: found.deletion_timestamp.is_some(),
    }
}

pub(super) fn secret(found: Wire) -> SecretObject {
    let data = found.data.unwrap_or_default().into_iter();
    SecretObject {
        meta: meta(found.metadata),
        kind: found.type_.unwrap_or_else(|| "Opaque".to_owned()),
        data: data
            .map(|(key, ByteString(value))| (key, Secret::new(value)))
            .collect(),
        is_immutable: found.immutable == Some(true),
    }
}

/// For one that is new the API server takes neither uid nor version.
pub(super) fn wire(secret: &SecretObject) -> Wire {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let data = secret.data.iter();
    let meta = &secret.meta;
    Wire {
        metadata: ObjectMeta {
            name: some(&meta.place.name),
            namespace: some(&meta.place.namespace),
            uid: some(&meta.uid),
            resource_version: some(&meta.version),
            labels: (!meta.labels.is_empty()).then(|| meta.labels.clone()),
            annotations: (!meta.annotations.is_empty()).then(|| meta.annotations.clone()),
            ..ObjectMeta::default()
        },
        type_: some(&secret.kind),
        data: Some(
            data.map(|(key, value)| (key.clone(), ByteString(value.expose().clone())))
                .collect(),
        ),
        immutable: secret.is_immutable.then_some(true),
        ..Wire::default()
    }
}
