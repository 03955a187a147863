//! A double of a Kubernetes API server, as far as Secrets, namespaces, Leases and workloads go: it answers, refuses and forgets as the real one
//! was measured to. Values lie in memory; nothing of a cluster runs.

#![expect(
    clippy::indexing_slicing,
    reason = "objects are JSON: what is absent reads as null, and only objects are written to"
)]

mod apply;
mod http;
mod path;
mod rules;
mod store;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch as notice;
use tokio::task::JoinHandle;

pub use self::store::Store;

/// A running double. It ends when it is dropped.
pub struct KubeDouble {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    /// The newest version, for watches that wait.
    changed: notice::Sender<u64>,
    /// Changes whenever open watches are to break.
    broken: notice::Sender<u64>,
}

/// What it has, and how it behaves.
#[derive(Default)]
pub struct State {
    /// The objects.
    pub store: Store,
    /// Bearer tokens that are accepted, and whose they are. Empty: anybody.
    pub tokens: BTreeMap<String, String>,
    /// What is forbidden: verb, resource, and namespace (`*`: any, also the whole cluster).
    pub forbidden: BTreeSet<(String, String, String)>,
    /// Requests by verb and resource.
    pub requests: BTreeMap<(String, String), u64>,
    /// So many writes are still done; then connections are cut without an answer.
    pub writes_left: Option<u64>,
}

impl KubeDouble {
    /// Starts on a free port of this machine, with the namespace `default`.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut state = State::default();
        state.store.namespace("default", &[]);
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: notice::Sender::new(0),
            broken: notice::Sender::new(0),
        });
        let task = tokio::spawn(http::serve(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A kubeconfig for it; the token is read from a file where one is given.
    pub fn kubeconfig(&self, token_file: Option<&str>) -> String {
        let user = token_file.map_or_else(
            || "{}".to_owned(),
            |path| format!("{{tokenFile: {path:?}}}"),
        );
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: double\n\
             clusters: [{{name: double, cluster: {{server: \"http://{}\"}}}}]\n\
             contexts: [{{name: double, context: {{cluster: double, user: double, namespace: default}}}}]\n\
             users: [{{name: double, user: {user}}}]\n",
            self.address
        )
    }

    /// What it has, to look at or to change behind everybody's back.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Breaks every open watch in the middle of a line.
    pub fn break_watches(&self) {
        self.shared.broken.send_modify(|count| *count += 1);
    }

    /// Wakes watches after a change by [`Self::state`].
    pub fn tell(&self) {
        self.shared.tell();
    }
}

impl Drop for KubeDouble {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        let version = self.state().store.version();
        self.changed.send_replace(version);
    }
}

/// A refusal, as a `Status` object.
#[derive(Clone, Debug)]
struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
    causes: Vec<(String, String, String)>,
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            causes: Vec::new(),
        }
    }

    fn cause(mut self, reason: &str, field: &str, message: &str) -> Self {
        self.causes
            .push((reason.to_owned(), field.to_owned(), message.to_owned()));
        self
    }

    fn body(&self) -> Value {
        let causes: Vec<Value> = self
            .causes
            .iter()
            .map(|(reason, field, message)| {
                serde_json::json!({"reason": reason, "field": field, "message": message})
            })
            .collect();
        serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
            "details": {"causes": causes},
        })
    }
}
