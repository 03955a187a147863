//! A Secret as one manager sees it, and its change by that manager alone.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret as Wire;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{GetParams, Patch, PatchParams};
use serde_json::Value;

use super::secrets::{Dry, at, object};
use super::{Client, convert};
use crate::error::KubeError;
use crate::object::{Place, SecretObject};

/// A Secret, and which of its labels and annotations a manager has applied: it removes those that its next apply leaves
/// out.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// It.
    pub secret: SecretObject,
    /// Labels of the manager's.
    pub labels: BTreeSet<String>,
    /// Annotations of the manager's.
    pub annotations: BTreeSet<String>,
}

impl Client {
    /// One Secret as `manager` sees it, if it is there.
    pub async fn secret_seen(
        &self,
        place: &Place,
        manager: &str,
    ) -> Result<Option<Seen>, KubeError> {
        let request = at(&place.namespace).get(&place.name, &GetParams::default());
        match self.call::<Wire>(request).await {
            Ok(mut found) => {
                let fields = found.metadata.managed_fields.take().unwrap_or_default();
                Ok(Some(Seen {
                    labels: owned(&fields, manager, "f:labels"),
                    annotations: owned(&fields, manager, "f:annotations"),
                    secret: convert::secret(found),
                }))
            }
            Err(KubeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// [`Client::apply_secret`] without reading it first. Where it says a version or uid, only that one is changed:
    /// otherwise a [`KubeError::Conflict`].
    pub async fn apply_seen(
        &self,
        secret: &SecretObject,
        manager: &str,
        (force, dry): (bool, Dry),
    ) -> Result<SecretObject, KubeError> {
        let place = &secret.meta.place;
        let params = PatchParams {
            dry_run: dry == Dry::Run,
            force,
            field_manager: Some(manager.to_owned()),
            field_validation: None,
        };
        let patch = Patch::Apply(object(secret)?);
        let request = at(&place.namespace).patch(&place.name, &params, &patch);
        self.call::<Wire>(request).await.map(convert::secret)
    }
}

/// `FieldsV1` names each field as `f:NAME`.
fn owned(fields: &[ManagedFieldsEntry], manager: &str, what: &str) -> BTreeSet<String> {
    let mut own = BTreeSet::new();
    for entry in fields {
        let applied = entry.operation.as_deref() == Some("Apply");
        if !applied || entry.manager.as_deref() != Some(manager) {
            continue;
        }
        let tree = entry.fields_v1.as_ref().map(|fields| &fields.0);
        let named = tree.and_then(|tree| tree.get("f:metadata")?.get(what));
        let names = named.and_then(Value::as_object).into_iter().flatten();
        own.extend(names.filter_map(|(name, _)| Some(name.strip_prefix("f:")?.to_owned())));
    }
    own
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_manager_applied_is_its_own() {
        let entry = |manager: &str, operation: &str, label: &str| {
            let fields =
                json!({"f:metadata": {"f:labels": {".": {}, label: {}}}, "f:data": {"f:x": {}}});
            serde_json::from_value::<ManagedFieldsEntry>(json!({
                "manager": manager, "operation": operation, "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": fields,
            }))
            .unwrap()
        };
        let fields = [
            entry("ours", "Apply", "f:a/b"),
            entry("ours", "Update", "f:c"),
            entry("others", "Apply", "f:d"),
        ];
        assert_eq!(
            owned(&fields, "ours", "f:labels"),
            BTreeSet::from(["a/b".to_owned()])
        );
        assert!(owned(&fields, "ours", "f:annotations").is_empty());
    }
}
