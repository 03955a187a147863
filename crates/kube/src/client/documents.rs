//! Secrets as the API server writes them, for who reads manifests.

use kube::api::ListParams;
use serde_json::{Value, json};
use zeroize::Zeroize as _;

use super::Client;
use super::secrets::{Scope, of};
use crate::error::KubeError;

impl Client {
    /// What `keep` makes of Secrets, page by page. A page is a `SecretList` as in a manifest; its texts are wiped once
    /// it was read. `labels` selects by labels, `fields` by fields, such as `type=kubernetes.io/tls`.
    pub async fn secret_lists<K>(
        &self,
        scope: &Scope,
        (labels, fields): (Option<&str>, Option<&str>),
        keep: impl Fn(&Value) -> Vec<K>,
    ) -> Result<Vec<K>, KubeError> {
        let params = ListParams {
            label_selector: labels.map(str::to_owned),
            field_selector: fields.map(str::to_owned),
            ..ListParams::default()
        };
        let request = of(scope);
        self.kept::<Value, K>(
            &params,
            |params| request.list(params),
            |items| {
                let mut page = json!({"kind": "SecretList", "items": items});
                let kept = keep(&page);
                wipe(&mut page);
                kept
            },
        )
        .await
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}
