//! Where requests go: the double, or a real cluster whose kubeconfig `AEOLUS_TEST_KUBECONFIG` names (`make test-kube`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use aeolus_testkit::kube::KubeDouble;
use http_body_util::BodyExt as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

/// One server, in a namespace of the test's own.
pub(crate) struct Server {
    client: kube::Client,
    pub(crate) namespace: String,
    world: World,
    /// Other namespaces of this test.
    more: Vec<String>,
    /// Whom requests are made as, where not as whoever the kubeconfig says.
    user: Option<String>,
}

enum World {
    Double(KubeDouble),
    /// By this kubeconfig.
    Real(PathBuf),
}

/// The kubeconfig of a real cluster, if the tests are to run there.
pub(crate) fn real() -> Option<PathBuf> {
    std::env::var_os("AEOLUS_TEST_KUBECONFIG").map(PathBuf::from)
}

/// A name that no other test has, in this run or in one before.
pub(crate) fn fresh() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("a time")
        .as_millis();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("aeolus-test-{now:x}-{:x}-{count}", std::process::id())
}

impl Server {
    pub(crate) async fn start() -> Self {
        let Some(path) = real() else {
            let double = KubeDouble::start().await.expect("a double");
            let config = Kubeconfig::from_yaml(&double.kubeconfig(None));
            return Self {
                client: connected(config.expect("a kubeconfig")).await,
                namespace: "default".to_owned(),
                world: World::Double(double),
                more: Vec::new(),
                user: None,
            };
        };
        let server = Self {
            client: connected(Kubeconfig::read_from(&path).expect("a kubeconfig")).await,
            namespace: fresh(),
            world: World::Real(path),
            more: Vec::new(),
            user: None,
        };
        let namespace = json!({"metadata": {"name": server.namespace}});
        server.made("/api/v1/namespaces", namespace).await;
        server
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.ask_as(method, path, ("application/json", ""), body)
            .await
    }

    /// With a content type, and what is accepted where that isn't plain JSON.
    pub(crate) async fn ask_as(
        &self,
        method: &str,
        path: &str,
        (content, accept): (&str, &str),
        body: Value,
    ) -> (u16, Value) {
        let accept = if accept.is_empty() {
            "application/json"
        } else {
            accept
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(path.replace("{ns}", &self.namespace))
            .header("content-type", content)
            .header("accept", accept);
        if let Some(user) = &self.user {
            request = request.header("impersonate-user", user);
        }
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = request.body(kube::client::Body::from(body));
        let answer = self.client.send(request.expect("a request")).await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await;
        let bytes = body.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// How it is reached, as a kubeconfig that may lie in `folder`.
    pub(crate) fn kubeconfig(&self, folder: &Path) -> PathBuf {
        match &self.world {
            World::Real(path) => path.clone(),
            World::Double(double) => {
                let path = folder.join("kubeconfig");
                std::fs::write(&path, double.kubeconfig(None)).expect("a kubeconfig");
                path
            }
        }
    }

    /// One more namespace, with a label; it goes with the first.
    pub(crate) async fn labelled(&mut self, label: &str, value: &str) -> String {
        let name = fresh();
        let object = json!({"metadata": {"name": name, "labels": {label: value}}});
        self.made("/api/v1/namespaces", object).await;
        self.more.push(name.clone());
        name
    }

    async fn made(&self, path: &str, object: Value) {
        let (status, answer) = self.ask("POST", path, object).await;
        assert_eq!(status, 201, "{answer}");
    }

    /// Whether it has forgotten what was before: a real one does that in its own time.
    pub(crate) fn forgets(&self, what: &str) -> bool {
        match &self.world {
            World::Double(double) => {
                double.state().store.namespace("later", &[]);
                double.state().store.forget();
                true
            }
            World::Real(_) => {
                eprintln!("skipped: nobody can have a real cluster forget {what}");
                false
            }
        }
    }

    /// The namespace is being deleted from now on, and isn't gone.
    pub(crate) async fn end_namespace(&self, name: &str) {
        if let World::Double(double) = &self.world {
            double.state().store.end_namespace(name);
            return;
        }
        let path = format!("/api/v1/namespaces/{name}");
        let held = json!({"metadata": {"name": "held", "finalizers": ["aeolus.test/held"]}});
        self.made(&format!("{path}/secrets"), held).await;
        assert_eq!(self.ask("DELETE", &path, Value::Null).await.0, 200);
    }

    /// From now on it may do everything with Secrets but delete them.
    pub(crate) async fn may_not_delete(&mut self) {
        if let World::Double(double) = &self.world {
            let entry = ["delete", "secrets", &self.namespace].map(str::to_owned);
            double.state().forbidden.insert(entry.into());
            return;
        }
        let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}";
        let verbs = ["get", "list", "create", "update", "patch"];
        let role = json!({"metadata": {"name": "some"}, "rules": [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": verbs},
        ]});
        self.made(&format!("{roles}/roles"), role).await;
        let binding = json!({
            "metadata": {"name": "some"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "some"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": self.namespace}],
        });
        self.made(&format!("{roles}/rolebindings"), binding).await;
        self.user = Some(self.namespace.clone());
    }

    /// Deletes the namespace and makes it again. False where nothing in the cluster ends the deletion.
    pub(crate) async fn is_made_again(&self) -> bool {
        let (path, all) = ("/api/v1/namespaces/{ns}", "/api/v1/namespaces");
        if let World::Double(double) = &self.world {
            double.state().store.remove_namespace(&self.namespace);
        } else {
            assert_eq!(self.ask("DELETE", path, Value::Null).await.0, 200);
        }
        for _ in 0..40 {
            if self.ask("GET", path, Value::Null).await.0 == 404 {
                let namespace = json!({"metadata": {"name": self.namespace}});
                self.made(all, namespace).await;
                return true;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        eprintln!("skipped: no controller of this cluster ends a deleted namespace");
        false
    }
}

/// What was made in a real cluster goes, whatever came of the test.
impl Drop for Server {
    fn drop(&mut self) {
        if let World::Real(path) = &self.world {
            let mut names = std::mem::take(&mut self.more);
            names.push(self.namespace.clone());
            let path = path.clone();
            let gone = std::thread::spawn(move || remove(&path, &names)).join();
            assert!(
                gone.is_ok() || std::thread::panicking(),
                "a namespace stays"
            );
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn remove(path: &Path, namespaces: &[String]) {
    let client = connected(Kubeconfig::read_from(path).expect("a kubeconfig")).await;
    let send = async |method: &str, path: String, body: &str| {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/merge-patch+json");
        let body = kube::client::Body::from(body.as_bytes().to_vec());
        let answer = client.send(request.body(body).expect("a request")).await;
        answer.expect("an answer").status().as_u16()
    };
    for namespace in namespaces {
        let at = format!("/api/v1/namespaces/{namespace}");
        let free = r#"{"metadata": {"finalizers": null}}"#;
        let freed = send("PATCH", format!("{at}/secrets/held"), free).await;
        assert!([200, 404].contains(&freed), "{namespace}: {freed}");
        let gone = send("DELETE", at, "").await;
        // 409: it is being deleted already.
        assert!([200, 202, 404, 409].contains(&gone), "{namespace}: {gone}");
    }
}

async fn connected(config: Kubeconfig) -> kube::Client {
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(config, &options).await;
    kube::Client::try_from(config.expect("a configuration")).expect("a client")
}
