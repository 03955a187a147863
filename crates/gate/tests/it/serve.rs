//! The whole gate, as a program runs it: a snapshot on disk, an application, no control plane.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::Listen;
use aeolus_decide::World;
use aeolus_gate::guard::Proxies;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, Parts, Replica};
use aeolus_gate::{GateConfig, GateError, Live, serve};
use aeolus_keys::claims::{Api, ApiKind};
use aeolus_keys::{Kind, ProxySecrets, SigningKey};
use aeolus_model::{Resource, Secret, SystemClock};
use aeolus_snapshot::{Digest, Edition, publish};
use aeolus_testkit::{ManualClock, SeededRng};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::fleet::{Airflow, BOT, ETL, ISSUER, ORG, SPACE, airflow_claims, raw, sections};
use crate::replica::{Boot, NOW, PLANE, at, enrolled, key};

fn token(api: &SigningKey) -> String {
    let claims = Api {
        iss: ISSUER.to_owned(),
        aud: format!("urn:aeolus:org:{ORG}"),
        sub: BOT,
        client_id: BOT,
        iat: NOW.secs(),
        nbf: NOW.secs(),
        exp: NOW.secs() + 3_600,
        jti: "b".to_owned(),
        idx: 5,
        status: None,
        ent: Resource::Workspace(SPACE),
        surfaces: None,
        kind: ApiKind,
    };
    api.sign(Kind::Api, &claims).unwrap()
}

/// Puts a snapshot on the disk of an enrolled gate, as its last life did.
fn store(folder: &std::path::Path, upstream: &str, api: &SigningKey) {
    let edition = Edition {
        plane: PLANE,
        position: at(1),
        issued_at: NOW,
        lag: None,
        min_generation: 1,
    };
    let sections = sections(upstream, &[(Kind::Api, api)]);
    let published = publish(&edition, &sections, &key("snapshot")).unwrap();
    let data = Data::open(folder, Arc::new(SystemFs)).unwrap();
    let parts = Parts {
        wall: Arc::new(ManualClock::new(NOW)),
        boot: Arc::new(Boot::default()),
        revise: None,
        build: Box::new(|snapshot| Arc::new(World::from_snapshot(snapshot))),
    };
    let replica: Replica<Arc<World>> = Replica::open(&data, parts);
    let blobs: HashMap<Digest, Arc<[u8]>> = published
        .blobs
        .iter()
        .map(|(digest, bytes)| (*digest, bytes.as_slice().into()))
        .collect();
    replica.take(&published.manifest, &blobs).unwrap();
    replica.persist().unwrap();
}

fn address(bound: &aeolus_tls::Bound) -> String {
    bound.address()
}

#[tokio::test]
async fn a_gate_with_a_snapshot_on_disk_serves_programs_without_any_control_plane() {
    let folder = enrolled().await;
    let data = folder.path().join("gate");
    let airflow = Airflow::start().await;
    let api = key("api");
    store(&data, &format!("http://{}", airflow.address), &api);

    // The control plane it enrolled with does not exist any more; a start after a start is the same.
    for start in 1..=2 {
        let any: Listen = "127.0.0.1:0".parse().unwrap();
        let config = GateConfig {
            data: data.clone(),
            checks: vec![any.clone()],
            proxy: Some(any.clone()),
            metrics: Some(any),
            ..GateConfig::default()
        };
        let (ready, bound) = oneshot::channel();
        let stop = CancellationToken::new();
        let clock = Arc::new(ManualClock::new(NOW));
        let rng = Arc::new(SeededRng::new("serve"));
        let serving = tokio::spawn(serve(config, clock, rng, ready, stop.clone()));
        let bound = bound.await.expect("it starts");
        let bearer = token(&api);
        let request = format!(
            "GET /api/v2/dags HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer {bearer}\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(&address(bound.proxy.as_ref().unwrap()), request.as_bytes()).await;
        assert_eq!(
            (answer.status, answer.body()),
            (200, "airflow"),
            "{answer:?}"
        );
        assert_eq!(airflow.count(), start);
        let head = airflow.seen.lock().unwrap().last().unwrap().clone();
        let line = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("authorization:"))
            .unwrap();
        let claims = airflow_claims(line.split_once(':').unwrap().1);
        assert_eq!(claims["iss"], format!("urn:aeolus:plane:{PLANE}"));
        assert_eq!(claims["role"], "op");
        let check = format!(
            "GET /authz/nginx/{ETL} HTTP/1.1\r\nHost: x\r\nX-Original-Method: GET\r\n\
             X-Original-URL: https://etl.test/api/v2/dags\r\nConnection: close\r\n\r\n"
        );
        let check = raw(&address(&bound.checks[0]), check.as_bytes()).await;
        assert_eq!(check.status, 401);
        let ready = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let ready = raw(&address(bound.metrics.as_ref().unwrap()), ready).await;
        assert_eq!(ready.status, 200);
        stop.cancel();
        let stopped = tokio::time::timeout(Duration::from_secs(20), serving).await;
        stopped.expect("it stops in time").unwrap().unwrap();
    }
}

/// What a start with these listeners ends with, before anything is bound: there is no folder.
async fn refusal(config: GateConfig) -> GateError {
    let (ready, _) = oneshot::channel();
    let rng = Arc::new(SeededRng::new("serve"));
    let stop = CancellationToken::new();
    let served = serve(config, Arc::new(SystemClock), rng, ready, stop).await;
    served.expect_err("there is no folder")
}

fn everywhere() -> Listen {
    "0.0.0.0:0".parse().unwrap()
}

fn proxies(proxies: Proxies) -> Live {
    Live {
        proxies,
        ..Live::default()
    }
}

fn guarded() -> GateConfig {
    GateConfig {
        live: proxies(Proxies {
            from: vec!["10.1.0.0/16".parse().unwrap()],
            secrets: ProxySecrets::new(vec![Secret::new("s".repeat(32))]),
        }),
        ..GateConfig::default()
    }
}

#[tokio::test]
async fn checks_are_offered_to_other_machines_only_with_a_network_and_a_secret() {
    let bare = GateConfig {
        checks: vec![everywhere()],
        ..GateConfig::default()
    };
    assert!(matches!(refusal(bare).await, GateError::ChecksExposed(_)));
    for half in [
        Proxies {
            from: vec![],
            ..guarded().live.proxies
        },
        Proxies {
            secrets: ProxySecrets::default(),
            ..guarded().live.proxies
        },
    ] {
        let config = GateConfig {
            checks: vec![everywhere()],
            live: proxies(half),
            ..GateConfig::default()
        };
        assert!(matches!(refusal(config).await, GateError::ChecksExposed(_)));
    }
    let both = GateConfig {
        checks: vec![everywhere()],
        ..guarded()
    };
    assert!(
        matches!(refusal(both).await, GateError::Data(_)),
        "the guard is enough"
    );
}

#[tokio::test]
async fn no_guard_opens_the_listeners_that_have_none() {
    let grpc = GateConfig {
        grpc: Some(everywhere()),
        ..guarded()
    };
    assert!(matches!(refusal(grpc).await, GateError::ChecksExposed(_)));
    let fastcgi = GateConfig {
        fastcgi: Some(everywhere()),
        ..guarded()
    };
    assert!(matches!(
        refusal(fastcgi).await,
        GateError::ChecksExposed(_)
    ));
}
