//! That something changed. What it is now is for a list to say: a watch can miss things.

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Resource as _;
use kube::api::{ListParams, ObjectList, PartialObjectMeta, WatchEvent, WatchParams};
use kube::core::Request;

use super::{Client, Scope};
use crate::error::KubeError;
use crate::object::Place;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Namespaces.
    Namespaces,
    /// Secrets, those with these labels alone if there are any.
    Secrets(Scope, Option<String>),
}

/// What changed. A namespace's place has its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which object.
    pub place: Place,
}

/// The API server ends a watch after this time, so that a connection that died silently is noticed.
const ROUND: u32 = 240;

impl Watched {
    fn request(&self) -> Request {
        Request::new(match self {
            Self::Namespaces => Namespace::url_path(&(), None),
            Self::Secrets(Scope::Cluster, _) => Secret::url_path(&(), None),
            Self::Secrets(Scope::Namespace(name), _) => Secret::url_path(&(), Some(name)),
        })
    }

    fn labels(&self) -> Option<&str> {
        match self {
            Self::Secrets(_, labels) => labels.as_deref(),
            Self::Namespaces => None,
        }
    }
}

impl Client {
    /// From where a watch can go on: what is there now is known by a list that follows.
    pub async fn watch_start(&self, watched: &Watched) -> Result<String, KubeError> {
        let mut params = ListParams::default().limit(1);
        params.label_selector = watched.labels().map(str::to_owned);
        let request = watched.request().list_metadata(&params);
        let list: ObjectList<PartialObjectMeta> = self.call(request).await?;
        Ok(list.metadata.resource_version.unwrap_or_default())
    }

    /// Calls `each` for every change after `from`, and gives where to go on when the API server ends the watch.
    /// [`KubeError::Gone`]: start again.
    pub async fn watch(
        &self,
        watched: &Watched,
        from: &str,
        mut each: impl FnMut(Change),
    ) -> Result<String, KubeError> {
        let mut params = WatchParams::default().timeout(ROUND);
        params.label_selector = watched.labels().map(str::to_owned);
        let request = watched.request().watch_metadata(&params, from);
        let request = request.map_err(|error| KubeError::of(kube::Error::BuildRequest(error)))?;
        let connected = self.connected();
        let patience = std::time::Duration::from_secs(u64::from(ROUND) + 30);
        let opened = connected
            .client
            .request_events::<PartialObjectMeta>(request);
        let opened = tokio::time::timeout(super::PATIENCE, opened).await;
        let events = match opened.map_err(|_| KubeError::Timeout(super::PATIENCE.as_secs()))? {
            Ok(events) => events,
            Err(error) => {
                let error = KubeError::of(error);
                if matches!(error, KubeError::Unauthenticated(_)) {
                    self.reconnected(connected.generation).await?;
                }
                return Err(error);
            }
        };
        let mut events = std::pin::pin!(events);
        let mut at = from.to_owned();
        loop {
            let next = tokio::time::timeout(patience, events.try_next()).await;
            let next = next.map_err(|_| KubeError::Timeout(patience.as_secs()))?;
            match next.map_err(KubeError::of)? {
                None => return Ok(at),
                Some(WatchEvent::Error(status)) => return Err(KubeError::of_status(&status)),
                Some(WatchEvent::Bookmark(mark)) => at = mark.metadata.resource_version,
                Some(
                    WatchEvent::Added(object)
                    | WatchEvent::Modified(object)
                    | WatchEvent::Deleted(object),
                ) => {
                    let meta = super::convert::meta(object.metadata);
                    at = meta.version;
                    each(Change { place: meta.place });
                }
            }
        }
    }
}
