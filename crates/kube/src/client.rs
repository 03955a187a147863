//! The cluster: how it is reached, and one call. What is called is in the modules below.

mod convert;
mod documents;
mod lease;
mod namespaces;
mod rights;
mod rollout;
mod secrets;
mod seen;
mod watch;
mod workload;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kube::Config;
use kube::api::{ListParams, ObjectList};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use serde::de::DeserializeOwned;

pub use self::lease::Lease;
pub use self::namespaces::Namespace;
pub use self::rights::{Allowed, Verb};
pub use self::rollout::{Held, Rollout, WaitingPod};
pub use self::secrets::{Applied, Dry, Scope};
pub use self::seen::Seen;
pub use self::watch::{Change, Watched};
pub use self::workload::{Progress, Workload, WorkloadError, WorkloadKind};
use crate::error::KubeError;

/// How a cluster is reached.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The kubeconfig; none: `KUBECONFIG`, then `~/.kube/config`, then the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; none: its current one.
    pub context: Option<String>,
}

/// A cluster. Cheap to share by reference; calls go out in parallel.
///
/// A service account's token is read again each minute (the library does that), and at once when it isn't accepted.
pub struct Client {
    access: Access,
    now: Mutex<Connected>,
    namespace: String,
}

#[derive(Clone)]
struct Connected {
    client: kube::Client,
    /// Counts connections, so that calls that fail together make one new one.
    generation: u64,
}

/// What one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Objects of one answer.
const PAGE: u32 = 500;
/// A list that changes faster than it is read is begun again so often.
const RESTARTS: u32 = 3;

impl Client {
    /// Reads how the cluster is reached. Sends nothing.
    pub async fn connect(access: Access) -> Result<Self, KubeError> {
        let config = config(&access).await?;
        let namespace = config.default_namespace.clone();
        let client = kube::Client::try_from(config).map_err(KubeError::of)?;
        let now = Mutex::new(Connected {
            client,
            generation: 0,
        });
        Ok(Self {
            access,
            now,
            namespace,
        })
    }

    /// The namespace of the context, or the pod's own.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// One call. The library's own reading of answers writes those that it doesn't understand to the log, values and all:
    /// the answer is read here.
    async fn call<T: DeserializeOwned>(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, KubeError> {
        let request = request.map_err(|error| KubeError::of(kube::Error::BuildRequest(error)))?;
        let connected = self.connected();
        let text = match sent(&connected.client, request.clone()).await {
            Err(KubeError::Unauthenticated(told)) => {
                let again = self.reconnected(connected.generation).await?;
                let again = again.ok_or(KubeError::Unauthenticated(told))?;
                sent(&again, request).await?
            }
            other => other?,
        };
        serde_json::from_str(&text).map_err(|error| KubeError::senseless(&error))
    }

    /// Every page of a list.
    async fn pages<T>(
        &self,
        params: &ListParams,
        request: impl Fn(&ListParams) -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Vec<T>, KubeError>
    where
        T: Clone + DeserializeOwned,
    {
        self.kept(params, request, |page| page).await
    }

    /// What `keep` makes of each page of a list: of a long one, no more than a page and that is in memory.
    async fn kept<T, K>(
        &self,
        params: &ListParams,
        request: impl Fn(&ListParams) -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
        keep: impl Fn(Vec<T>) -> Vec<K>,
    ) -> Result<Vec<K>, KubeError>
    where
        T: Clone + DeserializeOwned,
    {
        let mut restarts = 0;
        'again: loop {
            let (mut all, mut params) = (Vec::new(), params.clone().limit(PAGE));
            loop {
                let page: ObjectList<T> = match self.call(request(&params)).await {
                    Err(KubeError::Gone(_)) if restarts < RESTARTS => {
                        restarts += 1;
                        continue 'again;
                    }
                    page => page?,
                };
                all.extend(keep(page.items));
                match page.metadata.continue_ {
                    Some(token) if !token.is_empty() => params.continue_token = Some(token),
                    _ => return Ok(all),
                }
            }
        }
    }

    fn connected(&self) -> Connected {
        let now = self.now.lock();
        now.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client with the credentials that lie there now. None where a call that failed together with this one has
    /// made it, and it failed as well.
    async fn reconnected(&self, generation: u64) -> Result<Option<kube::Client>, KubeError> {
        let current = self.connected();
        if current.generation > generation {
            return Ok(Some(current.client));
        }
        let config = config(&self.access).await?;
        let client = kube::Client::try_from(config).map_err(KubeError::of)?;
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = Connected {
            client: client.clone(),
            generation: generation + 1,
        };
        Ok(Some(client))
    }
}

async fn sent(
    client: &kube::Client,
    request: http::Request<Vec<u8>>,
) -> Result<zeroize::Zeroizing<String>, KubeError> {
    match tokio::time::timeout(PATIENCE, client.request_text(request)).await {
        Ok(text) => text.map(zeroize::Zeroizing::new).map_err(KubeError::of),
        Err(_) => Err(KubeError::Timeout(PATIENCE.as_secs())),
    }
}

/// Not the library's own way, which also lets variables made for debugging name another cluster.
async fn config(access: &Access) -> Result<Config, KubeError> {
    let options = KubeConfigOptions {
        context: access.context.clone(),
        ..KubeConfigOptions::default()
    };
    let wrong = |error: &dyn std::error::Error| KubeError::Config(error.to_string());
    let read = match &access.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let absent = |error: &KubeconfigError| {
        access.kubeconfig.is_none()
            && access.context.is_none()
            && match error {
                KubeconfigError::FindPath => true,
                KubeconfigError::ReadConfig(error, _) => {
                    error.kind() == std::io::ErrorKind::NotFound
                }
                _ => false,
            }
    };
    match read {
        Ok(found) => {
            let config = Config::from_custom_kubeconfig(found, &options).await;
            config.map_err(|error| wrong(&error))
        }
        Err(error) if absent(&error) => Config::incluster_env()
            .map_err(|inside| KubeError::Config(format!("{error}; and this is no pod: {inside}"))),
        Err(error) => Err(wrong(&error)),
    }
}
