//! Whole passes, at the double or at a real cluster: by what anybody can do to one.

use std::time::Duration;

use aeolus_kube::pass::{Outcome, Syncer};
use aeolus_kube::sync::{
    Budget, DigestKey, Mode, PRIVATE_KEY, Refused, Rules, SYNC, Settings, Step, TlsProblem,
};
use aeolus_kube::{Access, Client};
use aeolus_model::{Clock as _, SystemClock, Time};
use aeolus_pki::{Authority, KeyKind, Life, PrivateKey, certificates_pem};
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::server::{Server, fresh};

/// A platform's namespace, and three of its release's deployments.
struct Scene {
    server: Server,
    client: Client,
    release: String,
    targets: Vec<String>,
    _folder: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let mut server = Server::start().await;
        let folder = TempDir::new().expect("a folder");
        let access = Access {
            kubeconfig: Some(server.kubeconfig(folder.path())),
            context: None,
        };
        let client = Client::connect(access).await.expect("a client");
        let release = fresh();
        let mut targets = Vec::new();
        for _ in 0..3 {
            targets.push(server.labelled("platform-release", &release).await);
        }
        Self {
            server,
            client,
            release,
            targets,
            _folder: folder,
        }
    }

    fn syncer(&self) -> Syncer<'_> {
        Syncer {
            client: &self.client,
            namespace: self.server.namespace.clone(),
            targets: None,
            settings: Settings {
                rules: Rules {
                    release: Some(self.release.clone()),
                    mode: Mode::Compat,
                    ..Rules::default()
                },
                budget: Budget::Careful,
                key: DigestKey::generate(&SeededRng::new("digest")),
                believe_marks: false,
            },
            clock: &SystemClock,
            deadline: Instant::now() + Duration::from_secs(60),
        }
    }

    async fn pass(&self) -> Outcome {
        self.syncer().run().await.expect("a pass")
    }

    /// Writes a Secret, new or in place of what is there.
    async fn put(&self, namespace: &str, name: &str, mut secret: Value) {
        let all = format!("/api/v1/namespaces/{namespace}/secrets");
        secret["metadata"]["name"] = json!(name);
        let path = format!("{all}/{name}");
        let (status, _) = self.server.ask("GET", &path, Value::Null).await;
        let (status, answer) = if status == 404 {
            self.server.ask("POST", &all, secret).await
        } else {
            self.server.ask("PUT", &path, secret).await
        };
        assert!([200, 201].contains(&status), "{answer}");
    }

    async fn source(&self, name: &str, data: Value) {
        let object = json!({"metadata": {"annotations": {SYNC: ""}}, "data": data});
        self.put(&self.server.namespace, name, object).await;
    }

    async fn delete(&self, namespace: &str, name: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        assert_eq!(self.server.ask("DELETE", &path, Value::Null).await.0, 200);
    }

    /// What lies in each of the three.
    async fn copies(&self, name: &str) -> Vec<Option<Value>> {
        let mut all = Vec::new();
        for namespace in &self.targets {
            let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
            let (status, found) = self.server.ask("GET", &path, Value::Null).await;
            all.push((status == 200).then_some(found));
        }
        all
    }

    async fn values(&self, name: &str) -> Vec<Option<Value>> {
        let copies = self.copies(name).await.into_iter();
        copies.map(|copy| Some(copy?["data"].clone())).collect()
    }
}

#[tokio::test]
async fn copies_are_made_repaired_left_alone_and_removed() {
    let scene = Scene::start().await;
    scene.source("s", json!({"k": "AA=="})).await;
    assert!(scene.pass().await.is_whole());
    let wanted = vec![Some(json!({"k": "AA=="})); 3];
    assert_eq!(scene.values("s").await, wanted);

    let written = scene.copies("s").await;
    assert!(scene.pass().await.is_whole());
    assert_eq!(scene.copies("s").await, written, "nothing is written");

    let mut edited = written[0].clone().expect("a copy");
    edited["data"] = json!({"k": "AQ==", "more": "AQ=="});
    scene.put(&scene.targets[0], "s", edited).await;
    scene.delete(&scene.targets[1], "s").await;
    assert!(scene.pass().await.is_whole());
    assert_eq!(scene.values("s").await, wanted);

    // Another type can't be written over: it is made again.
    scene.delete(&scene.server.namespace, "s").await;
    let other = json!({"metadata": {"annotations": {SYNC: ""}}, "type": "example.com/x", "data": {"k": "Ag=="}});
    scene.put(&scene.server.namespace, "s", other).await;
    assert!(scene.pass().await.is_whole());
    assert_eq!(scene.values("s").await, vec![Some(json!({"k": "Ag=="})); 3]);

    scene.delete(&scene.server.namespace, "s").await;
    assert!(scene.pass().await.is_whole());
    assert_eq!(scene.values("s").await, [None, None, None]);
}

#[tokio::test]
async fn what_is_somebody_elses_and_what_ends_is_left_alone() {
    let scene = Scene::start().await;
    let foreign = json!({"data": {"k": "dGhlaXJz"}});
    scene.put(&scene.targets[0], "s", foreign.clone()).await;
    scene.server.end_namespace(&scene.targets[1]).await;
    scene.source("s", json!({"k": "AA=="})).await;
    let outcome = scene.pass().await;
    assert!(outcome.is_whole(), "{:?}", outcome.done);
    let step = |at: &str| {
        let mut entries = outcome.plan.entries.iter();
        let here = entries.find(|entry| entry.target.namespace == at);
        here.map(|entry| entry.step.clone())
    };
    let found = step(&scene.targets[0]);
    assert!(matches!(found, Some(Step::Conflict { .. })), "{found:?}");
    let found = step(&scene.targets[1]);
    assert!(matches!(found, Some(Step::Skip { .. })), "{found:?}");
    let values = scene.values("s").await;
    assert_eq!(values[0], Some(foreign["data"].clone()));
    assert_eq!(values[2], Some(json!({"k": "AA=="})));
}

#[tokio::test]
async fn a_certificate_that_is_not_good_replaces_no_good_copy() {
    let scene = Scene::start().await;
    let now = SystemClock.now();
    let (good, key) = pair(now);
    let (other, _) = pair(now);
    let (ended, its_key) = pair(Time::from_secs(1_000_000_000));
    let put = async |certificate: &str, key: &str| {
        let encoded = |text: &str| STANDARD.encode(text);
        let object = json!({
            "metadata": {"annotations": {SYNC: "", PRIVATE_KEY: "true"}},
            "type": "kubernetes.io/tls",
            "data": {"tls.crt": encoded(certificate), "tls.key": encoded(key)},
        });
        scene.put(&scene.server.namespace, "tls", object).await;
        scene.pass().await
    };
    assert!(put(&good, &key).await.is_whole());
    let before = scene.copies("tls").await;
    assert!(before.iter().all(Option::is_some));
    for (certificate, key) in [(&other, &key), (&ended, &its_key)] {
        let outcome = put(certificate, key).await;
        let refused = outcome.plan.sources[0].source.as_ref().err();
        let is_right = matches!(
            refused,
            Some(Refused::Tls(TlsProblem::Mismatch | TlsProblem::Expired(_)))
        );
        assert!(is_right, "{refused:?}");
        assert_eq!(scene.copies("tls").await, before);
    }
}

#[tokio::test]
async fn two_syncers_at_once_do_not_fight() {
    let scene = Scene::start().await;
    for index in 0..8 {
        scene
            .source(&format!("s{index}"), json!({"k": "AA=="}))
            .await;
    }
    let (one, other) = tokio::join!(scene.pass(), scene.pass());
    assert!(one.is_whole(), "{:?}", one.done);
    assert!(other.is_whole(), "{:?}", other.done);
    let settled = scene.copies("s3").await;
    assert!(scene.pass().await.is_whole());
    assert_eq!(scene.copies("s3").await, settled);
}

#[tokio::test]
async fn many_copies_are_not_deleted_at_once() {
    let scene = Scene::start().await;
    let names = ["s0", "s1", "s2", "s3"];
    for name in names {
        scene.source(name, json!({"k": "AA=="})).await;
    }
    assert!(scene.pass().await.is_whole());
    for name in names {
        scene.delete(&scene.server.namespace, name).await;
    }
    let outcome = scene.pass().await;
    assert_eq!(outcome.plan.held_back.map(|held| held.wanted), Some(12));
    assert!(scene.copies("s0").await.iter().all(Option::is_some));
    let mut syncer = scene.syncer();
    syncer.settings.budget = Budget::Force;
    assert!(syncer.run().await.expect("a pass").is_whole());
    assert!(scene.copies("s0").await.iter().all(Option::is_none));
}

/// An authority's own pair will do.
fn pair(now: Time) -> (String, String) {
    let key = PrivateKey::generate(KeyKind::P256).expect("a key");
    let pem = key.pem().expose().clone();
    let rng = aeolus_keys::SystemRng;
    let authority = Authority::root("Test", key, Life::ROOT, (now, &rng)).expect("a root");
    (certificates_pem([authority.trusted()]), pem)
}
