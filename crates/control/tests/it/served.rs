//! The whole server over real sockets, asked by our own client.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::client::{Client, ClientError};
use aeolus_control::{Bound, ControlError, serve};
use aeolus_model::{Secret, SystemClock};
use aeolus_testkit::SeededRng;
use tokio_util::sync::CancellationToken;

use crate::fixture::{config, dev_root, quiet};

struct Running {
    bound: Bound,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), ControlError>>,
    _dir: tempfile::TempDir,
}

async fn start(name: &str) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let rng = Arc::new(SeededRng::new(name));
    dev_root(dir.path(), &rng.child("root"));
    let mut config = config(dir.path());
    config.metrics = Some("127.0.0.1:0".parse().unwrap());
    let (ready, bound) = tokio::sync::oneshot::channel();
    let stop = CancellationToken::new();
    let running = serve(
        config,
        Arc::new(SystemClock),
        rng,
        (ready, quiet()),
        stop.clone(),
    );
    let task = tokio::spawn(running);
    let bound = bound.await.unwrap();
    Running {
        bound,
        stop,
        task,
        _dir: dir,
    }
}

#[tokio::test]
async fn it_serves_says_where_and_stops_when_told() {
    let running = start("served").await;
    let client = Client::new(&running.bound.issuer).unwrap();
    let metadata = client.metadata().await.unwrap();
    assert_eq!(metadata.issuer, running.bound.issuer);
    let refused = client.me().await.unwrap_err();
    assert_eq!(refused.status(), Some(401));
    let bearer = client.with_bearer(Secret::new("x".to_owned()));
    assert_eq!(bearer.planes(None).await.unwrap_err().status(), Some(401));
    running.stop.cancel();
    let done = tokio::time::timeout(Duration::from_secs(30), running.task).await;
    done.expect("in time").unwrap().unwrap();
    let gone = client.metadata().await.unwrap_err();
    assert!(gone.is_network(), "{gone}");
    assert!(matches!(gone, ClientError::Unreachable(_)));
}

#[tokio::test]
async fn a_second_server_on_the_same_port_is_told_so() {
    let running = start("port").await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    config.listen = running.bound.control.address().parse().unwrap();
    let (ready, _) = tokio::sync::oneshot::channel();
    let rng = Arc::new(SeededRng::new("second"));
    let refused = serve(
        config,
        Arc::new(SystemClock),
        rng,
        (ready, quiet()),
        CancellationToken::new(),
    )
    .await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("in use"), "{text}");
    running.stop.cancel();
    running.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn another_master_key_opens_nothing() {
    let f = crate::fixture::Fixture::new("master").await;
    let mut config = config(f.dir.path());
    config.master_key = Secret::new([43; 32]);
    let (ready, _) = tokio::sync::oneshot::channel();
    let rng = Arc::new(SeededRng::new("other"));
    let refused = serve(
        config,
        Arc::new(SystemClock),
        rng,
        (ready, quiet()),
        CancellationToken::new(),
    )
    .await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("another master key"), "{text}");
}

#[tokio::test]
async fn without_a_root_document_planes_wait_and_the_key_to_sign_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let rng = Arc::new(SeededRng::new("rootless"));
    let f = crate::fixture::Fixture::at(dir, rng).await;
    let admin = f.admin().await;
    let body = Some(serde_json::json!({"name": "eu-1"}));
    f.call("POST", "/v1/planes", &admin, body).await.expect(503);
    let jwk = std::fs::read(f.dir.path().join("root/snapshot-key.jwk")).unwrap();
    aeolus_keys::Jwk::parse(&jwk).unwrap();
}
