//! Secrets: list, read, and four ways of writing.

use k8s_openapi::api::core::v1::Secret as Wire;
use kube::Resource as _;
use kube::api::{
    DeleteParams, GetParams, ListParams, PartialObjectMeta, PostParams, Preconditions,
};
use kube::core::Request;
use serde_json::Value;

use super::{Client, convert};
use crate::error::KubeError;
use crate::object::{Meta, Place, SecretObject};

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every namespace.
    Cluster,
    /// One.
    Namespace(String),
}

/// Whether a write is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dry {
    /// It is checked, and nothing is stored.
    Run,
    /// It is stored.
    No,
}

/// What came of an apply.
#[derive(Clone, Debug)]
pub struct Applied {
    /// It as it is now; after a dry run as it would be.
    pub secret: SecretObject,
    /// Whether it was, or would be, another one before.
    pub changed: bool,
}

impl Client {
    /// One Secret, if it is there.
    pub async fn secret(&self, place: &Place) -> Result<Option<SecretObject>, KubeError> {
        let request = at(&place.namespace).get(&place.name, &GetParams::default());
        match self.call::<Wire>(request).await {
            Ok(found) => Ok(Some(convert::secret(found))),
            Err(KubeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Secrets with their values. A selector such as `a=b` selects by labels, `kind` by type.
    pub async fn secrets(
        &self,
        scope: &Scope,
        labels: Option<&str>,
        kind: Option<&str>,
    ) -> Result<Vec<SecretObject>, KubeError> {
        let request = of(scope);
        let found = self
            .pages::<Wire>(&params(labels, kind), |params| request.list(params))
            .await?;
        Ok(found.into_iter().map(convert::secret).collect())
    }

    /// The same without values: a tenth of the bytes.
    pub async fn secrets_meta(
        &self,
        scope: &Scope,
        labels: Option<&str>,
    ) -> Result<Vec<Meta>, KubeError> {
        let request = of(scope);
        let found = self
            .pages::<PartialObjectMeta<Wire>>(&params(labels, None), |params| {
                request.list_metadata(params)
            })
            .await?;
        let found = found.into_iter().map(|one| convert::meta(one.metadata));
        Ok(found.collect())
    }

    /// A new one. [`KubeError::Exists`] where there is one of that name.
    pub async fn create_secret(
        &self,
        secret: &SecretObject,
        manager: &str,
    ) -> Result<SecretObject, KubeError> {
        let request = at(&secret.meta.place.namespace).create(&post(manager), body(secret)?);
        self.call::<Wire>(request).await.map(convert::secret)
    }

    /// Exactly this in place of what is there, whose version it names. [`KubeError::Conflict`] where that isn't the
    /// current one any more.
    pub async fn replace_secret(
        &self,
        secret: &SecretObject,
        manager: &str,
    ) -> Result<SecretObject, KubeError> {
        let place = &secret.meta.place;
        let request = at(&place.namespace).replace(&place.name, &post(manager), body(secret)?);
        self.call::<Wire>(request).await.map(convert::secret)
    }

    /// Deletes it as it was seen: another one of that name, or a changed one, is left alone
    /// ([`KubeError::Conflict`]). One that is gone is no error.
    pub async fn delete_secret(&self, seen: &Meta) -> Result<(), KubeError> {
        let params = DeleteParams::default().preconditions(Preconditions {
            uid: Some(seen.uid.clone()),
            resource_version: Some(seen.version.clone()),
        });
        let request = at(&seen.place.namespace).delete(&seen.place.name, &params);
        match self.call::<Value>(request).await {
            Ok(_) | Err(KubeError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Server-side apply: what it names becomes so, and `manager` owns it. Keys that others own are a
    /// [`KubeError::Conflict`], unless they are taken by `force`. Keys that it doesn't name and that others own stay:
    /// who wants exactly this replaces.
    pub async fn apply_secret(
        &self,
        secret: &SecretObject,
        manager: &str,
        (force, dry): (bool, Dry),
    ) -> Result<Applied, KubeError> {
        let before = self.secret(&secret.meta.place).await?;
        let mut named = secret.clone();
        (named.meta.uid, named.meta.version) = (String::new(), String::new());
        let secret = self.apply_seen(&named, manager, (force, dry)).await?;
        let changed = before.is_none_or(|before| is_other(&before, &secret));
        Ok(Applied { secret, changed })
    }
}

/// Values are compared as what they are; nobody else sees how long that takes.
fn is_other(before: &SecretObject, after: &SecretObject) -> bool {
    let values = |secret: &SecretObject| -> Vec<(String, Vec<u8>)> {
        let data = secret.data.iter();
        data.map(|(key, value)| (key.clone(), value.expose().clone()))
            .collect()
    };
    before.kind != after.kind
        || before.meta.labels != after.meta.labels
        || before.meta.annotations != after.meta.annotations
        || values(before) != values(after)
}

pub(super) fn at(namespace: &str) -> Request {
    Request::new(Wire::url_path(&(), Some(namespace)))
}

pub(super) fn of(scope: &Scope) -> Request {
    match scope {
        Scope::Cluster => Request::new(Wire::url_path(&(), None)),
        Scope::Namespace(namespace) => at(namespace),
    }
}

fn params(labels: Option<&str>, kind: Option<&str>) -> ListParams {
    let mut params = ListParams::default();
    if let Some(labels) = labels {
        params = params.labels(labels);
    }
    if let Some(kind) = kind {
        params = params.fields(&format!("type={kind}"));
    }
    params
}

fn post(manager: &str) -> PostParams {
    PostParams {
        dry_run: false,
        field_manager: Some(manager.to_owned()),
    }
}

/// With what an apply has to say about which kind of object it is.
pub(super) fn object(secret: &SecretObject) -> Result<Value, KubeError> {
    serde_json::to_value(convert::wire(secret)).map_err(|error| KubeError::senseless(&error))
}

fn body(secret: &SecretObject) -> Result<Vec<u8>, KubeError> {
    serde_json::to_vec(&convert::wire(secret)).map_err(|error| KubeError::senseless(&error))
}
