//! Our client against the double.

use std::time::Duration;

use aeolus_kube::{
    Access, Allowed, Client, Dry, KubeError, Lease, Meta, Place, Scope, SecretObject, Verb,
    Watched, Workload,
};
use aeolus_model::{Secret, Time};
use aeolus_testkit::kube::KubeDouble;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

struct World {
    double: KubeDouble,
    client: Client,
    folder: TempDir,
}

async fn world(token: Option<&str>) -> World {
    let double = KubeDouble::start().await.expect("a double");
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("token");
    if let Some(token) = token {
        std::fs::write(&file, token).expect("a token");
        double
            .state()
            .tokens
            .insert(token.to_owned(), "syncer".to_owned());
    }
    let path = folder.path().join("kubeconfig");
    let text = double.kubeconfig(token.map(|_| file.to_str().expect("a path")));
    std::fs::write(&path, text).expect("a kubeconfig");
    let access = Access {
        kubeconfig: Some(path),
        context: None,
    };
    let client = Client::connect(access).await.expect("a client");
    World {
        double,
        client,
        folder,
    }
}

fn secret(name: &str, value: &str) -> SecretObject {
    SecretObject {
        meta: Meta {
            place: Place::new("default", name),
            ..Meta::default()
        },
        kind: "Opaque".to_owned(),
        data: [("a".to_owned(), Secret::new(value.as_bytes().to_vec()))].into(),
        is_immutable: false,
    }
}

#[tokio::test]
async fn secrets_are_made_read_replaced_and_deleted() {
    let world = world(None).await;
    let client = &world.client;
    let made = client
        .create_secret(&secret("s", "1"), "test")
        .await
        .expect("made");
    assert!(matches!(
        client.create_secret(&secret("s", "1"), "test").await,
        Err(KubeError::Exists(_))
    ));
    let mut next = made.clone();
    next.data.insert("a".to_owned(), Secret::new(b"2".to_vec()));
    let replaced = client
        .replace_secret(&next, "test")
        .await
        .expect("replaced");
    assert!(matches!(
        client.replace_secret(&next, "test").await,
        Err(KubeError::Conflict(_))
    ));
    let read = client
        .secret(&made.meta.place)
        .await
        .expect("an answer")
        .expect("there");
    assert_eq!(read.data["a"].expose(), b"2");
    assert!(matches!(
        client.delete_secret(&made.meta).await,
        Err(KubeError::Conflict(_))
    ));
    client.delete_secret(&replaced.meta).await.expect("deleted");
    client
        .delete_secret(&replaced.meta)
        .await
        .expect("gone already");
    assert!(
        client
            .secret(&made.meta.place)
            .await
            .expect("an answer")
            .is_none()
    );
}

#[tokio::test]
async fn lists_read_every_page() {
    let World { client, double, .. } = world(None).await;
    for index in 0..1201 {
        let object =
            json!({"metadata": {"labels": {"x": "y"}}, "type": "Opaque", "data": {"a": "AA=="}});
        double
            .state()
            .store
            .set("secrets", "default", &format!("s{index}"), object);
    }
    let all = client
        .secrets(&Scope::Cluster, Some("x=y"), None)
        .await
        .expect("a list");
    assert_eq!(all.len(), 1201);
    let scope = Scope::Namespace("default".to_owned());
    assert_eq!(
        client
            .secrets_meta(&scope, None)
            .await
            .expect("a list")
            .len(),
        1201
    );
    let tls = client
        .secrets(&scope, None, Some("kubernetes.io/tls"))
        .await
        .expect("a list");
    assert!(tls.is_empty());
}

#[tokio::test]
async fn an_apply_says_whether_it_changes_something() {
    let world = world(None).await;
    let client = &world.client;
    let applied = |value: &'static str, dry| {
        let client = &client;
        async move {
            let secret = secret("s", value);
            client
                .apply_secret(&secret, "aeolus", (false, dry))
                .await
                .expect("applied")
                .changed
        }
    };
    assert!(applied("1", Dry::Run).await);
    assert!(
        client
            .secret(&Place::new("default", "s"))
            .await
            .expect("an answer")
            .is_none()
    );
    assert!(applied("1", Dry::No).await);
    assert!(!applied("1", Dry::No).await);
    assert!(applied("2", Dry::Run).await);
    let other = client
        .apply_secret(&secret("s", "3"), "other", (false, Dry::No))
        .await;
    assert!(matches!(other, Err(KubeError::Conflict(_))));
    client
        .apply_secret(&secret("s", "3"), "other", (true, Dry::No))
        .await
        .expect("taken");
}

#[tokio::test]
async fn a_token_that_was_rotated_is_read_again() {
    let World {
        client,
        double,
        folder,
    } = world(Some("old")).await;
    client.namespaces().await.expect("allowed");
    std::fs::write(folder.path().join("token"), "new").expect("a token");
    double.state().tokens = [("new".to_owned(), "syncer".to_owned())].into();
    client.namespaces().await.expect("allowed again");
    double.state().tokens = [("another".to_owned(), "x".to_owned())].into();
    assert!(matches!(
        client.namespaces().await,
        Err(KubeError::Unauthenticated(_))
    ));
}

#[tokio::test]
async fn what_is_forbidden_is_known_before() {
    let World { client, double, .. } = world(None).await;
    let entry = ("delete".to_owned(), "secrets".to_owned(), "*".to_owned());
    double.state().forbidden.insert(entry);
    let scope = Scope::Namespace("default".to_owned());
    let may = |verb| client.may(verb, ("", "secrets"), &scope);
    assert_eq!(may(Verb::Delete).await, Ok(Allowed::No));
    assert_eq!(may(Verb::Create).await, Ok(Allowed::Yes));
    let made = client
        .create_secret(&secret("s", "1"), "test")
        .await
        .expect("made");
    assert!(matches!(
        client.delete_secret(&made.meta).await,
        Err(KubeError::Forbidden(_))
    ));
    double.state().store.end_namespace("default");
    assert_eq!(
        client.create_secret(&secret("t", "1"), "test").await.err(),
        Some(KubeError::Terminating)
    );
}

#[tokio::test]
async fn a_watch_tells_changes_and_says_when_it_is_gone() {
    let World { client, double, .. } = world(None).await;
    let watched = Watched::Secrets(Scope::Cluster, None);
    let from = client.watch_start(&watched).await.expect("a start");
    client
        .create_secret(&secret("s", "1"), "test")
        .await
        .expect("made");
    let mut seen = Vec::new();
    let watching = client.watch(&watched, &from, |change| {
        seen.push(change.place);
        double.break_watches();
    });
    let _ = tokio::time::timeout(Duration::from_secs(10), watching)
        .await
        .expect("it breaks");
    assert_eq!(seen, [Place::new("default", "s")]);
    double.state().store.forget();
    let gone = client.watch(&watched, &from, |_| ()).await;
    assert!(matches!(gone, Err(KubeError::Gone(_))), "{gone:?}");
}

#[tokio::test]
async fn of_two_that_take_a_lease_one_has_it() {
    let world = world(None).await;
    let client = &world.client;
    let place = Place::new("default", "l");
    assert_eq!(client.lease(&place).await, Ok(None));
    let lease = |holder: &str, version: &str| Lease {
        version: version.to_owned(),
        holder: Some(holder.to_owned()),
        duration: Duration::from_secs(15),
        renewed: Some(Time::from_millis(1_800_000_000_123)),
        ..Lease::default()
    };
    let first = client
        .write_lease(&place, &lease("a", ""))
        .await
        .expect("taken");
    assert_eq!(
        (first.holder.as_deref(), first.renewed.map(Time::millis)),
        (Some("a"), Some(1_800_000_000_123))
    );
    assert!(matches!(
        client.write_lease(&place, &lease("b", "")).await,
        Err(KubeError::Exists(_))
    ));
    // What is as it was keeps its version: a holder that lives writes another time.
    let lives = Lease {
        renewed: Some(Time::from_millis(1_800_000_005_123)),
        ..lease("a", &first.version)
    };
    client.write_lease(&place, &lives).await.expect("kept");
    let stale = client
        .write_lease(&place, &lease("b", &first.version))
        .await;
    assert!(matches!(stale, Err(KubeError::Conflict(_))), "{stale:?}");
}

#[tokio::test]
async fn a_workload_starts_again_once_for_each_value() {
    let World { client, double, .. } = world(None).await;
    let object = json!({
        "metadata": {"generation": 1},
        "spec": {"replicas": 1, "template": {"metadata": {}}},
        "status": {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1},
    });
    double
        .state()
        .store
        .set("deployments", "default", "web", object);
    let web: Workload = "deployment/web".parse().expect("a workload");
    let annotate = || client.annotate_template("default", &web, ("aeolus/restarted-for", "1"));
    assert_eq!(annotate().await, Ok(true));
    assert_eq!(annotate().await, Ok(false));
    let soon = Instant::now() + Duration::from_millis(600);
    let waited = client
        .wait_for_rollout("default", &web, soon)
        .await
        .expect("an answer");
    assert!(!waited.is_done, "nobody rolls it out here");
    let absent: Workload = "deployment/absent".parse().expect("a workload");
    assert!(matches!(
        client.rollout("default", &absent).await,
        Err(KubeError::NotFound(_))
    ));
}
