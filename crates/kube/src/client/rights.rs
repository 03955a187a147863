//! What whoever asks may do (`SelfSubjectAccessReview`).

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Resource as _;
use kube::api::PostParams;
use kube::core::Request;

use super::{Client, Scope};
use crate::error::KubeError;

/// A verb of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Read one.
    Get,
    /// Read all.
    List,
    /// Be told of changes.
    Watch,
    /// Make one.
    Create,
    /// Replace one.
    Update,
    /// Change part of one.
    Patch,
    /// Delete one.
    Delete,
}

impl Verb {
    /// As roles write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// Whether something is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// It is.
    Yes,
    /// It isn't, as far as the API server can tell.
    No,
}

impl Client {
    /// Whether `verb` is allowed on a resource such as `("", "secrets")` or `("coordination.k8s.io", "leases")`.
    pub async fn may(
        &self,
        verb: Verb,
        (group, resource): (&str, &str),
        scope: &Scope,
    ) -> Result<Allowed, KubeError> {
        let namespace = match scope {
            Scope::Cluster => None,
            Scope::Namespace(namespace) => Some(namespace.clone()),
        };
        let asked = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    group: Some(group.to_owned()),
                    resource: Some(resource.to_owned()),
                    verb: Some(verb.name().to_owned()),
                    namespace,
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let body = serde_json::to_vec(&asked).map_err(|error| KubeError::senseless(&error))?;
        let request = Request::new(SelfSubjectAccessReview::url_path(&(), None));
        let request = request.create(&PostParams::default(), body);
        let answer: SelfSubjectAccessReview = self.call(request).await?;
        let allowed = answer.status.is_some_and(|status| status.allowed);
        Ok(if allowed { Allowed::Yes } else { Allowed::No })
    }
}
