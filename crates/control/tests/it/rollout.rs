//! Rollouts: moved by people and documents, told to gates, and what gates ask and report.

use aeolus_api::Base64Bytes;
use aeolus_decide::SessionCookie;
use aeolus_model::{Action, Clock as _, SessionId};
use aeolus_store::{Page, Unit as _};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Gate, HOST, fleet};
use crate::provider::deployment;
use crate::publish::Reader;

const PATH: &str = "/v1/rollouts/to-plane";

fn settings(percent: u8) -> Value {
    json!({"name": "to-plane", "path": "plane", "percent": percent})
}

async fn open(name: &str) -> (Fixture, String, Gate) {
    let f = Fixture::new(name).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    (f, admin, gate)
}

async fn stage(f: &Fixture, admin: &str) -> Value {
    let shown = f.call("GET", PATH, admin, None).await.expect(200).json();
    shown["stage"].clone()
}

async fn apply(f: &Fixture, admin: &str, query: &str, rollouts: Value) -> Value {
    let mut body = fleet();
    body["fleet"]["rollouts"] = rollouts;
    let path = format!("/v1/apply{query}");
    let answer = f.call("POST", &path, admin, Some(body)).await;
    answer.expect(200).json()
}

#[tokio::test]
async fn o4_a_rollout_is_set_promoted_aborted_and_set_again() {
    let (f, admin, _) = open("rollout").await;
    f.call("GET", PATH, &admin, None).await.expect(404);
    f.call("POST", &format!("{PATH}/abort"), &admin, None)
        .await
        .expect(404);
    let set = |percent| f.call("PUT", PATH, &admin, Some(settings(percent)));
    let made = set(5).await.expect(200).json();
    assert_eq!(made["rollout"]["stage"], "running");
    for (word, stage_then) in [
        ("promote", "promoted"),
        ("abort", "aborted"),
        ("abort", "aborted"),
    ] {
        let path = format!("{PATH}/{word}");
        let moved = f.call("POST", &path, &admin, None).await.expect(200).json();
        assert_eq!(moved["rollout"]["stage"], stage_then);
        assert_eq!(moved["rollout"]["settings"], settings(5));
    }
    set(10).await.expect(200);
    assert_eq!(stage(&f, &admin).await, "running");
    let list = f.call("GET", "/v1/rollouts", &admin, None).await.json();
    assert_eq!(list["items"][0]["settings"], settings(10));
    f.call("DELETE", PATH, &admin, None).await.expect(200);
    f.call("GET", PATH, &admin, None).await.expect(404);
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let log = view.audit_log().list(None, Page::first(100)).await.unwrap();
    let log: Vec<_> = log.items.iter().map(|line| line.event.action).collect();
    for action in [
        Action::RolloutSet,
        Action::RolloutPromote,
        Action::RolloutAbort,
        Action::RolloutDelete,
    ] {
        assert!(log.contains(&action), "{action:?}: {log:?}");
    }
}

#[tokio::test]
async fn o4_a_plane_is_told_what_is_in_force_there() {
    let f = Fixture::new("rollout-published").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    assert_eq!(reader.read(&f).await.sections().rollouts.rollouts, []);
    let mut body = settings(25);
    body["deployments"] = json!(["acme/sales/etl"]);
    body["shadow"] = json!(true);
    body["fallBack"] = json!({"slowMs": 100});
    let set = f.call("PUT", PATH, &admin, Some(body)).await.expect(200);
    let told = |snapshot: aeolus_snapshot::Snapshot| {
        let [flag] = &snapshot.sections().rollouts.rollouts[..] else {
            panic!("{snapshot:?}");
        };
        flag.clone()
    };
    let running = told(reader.read_after(&f, &set).await);
    assert_eq!((running.percent, running.shadow_percent), (25, 10));
    assert_eq!(running.deployments, ["acme/sales/etl"]);
    let fall_back = running.fall_back.unwrap();
    assert_eq!((fall_back.bad_percent, fall_back.slow_millis), (5, 100));
    for (word, percent) in [("promote", 100), ("abort", 0)] {
        let changed = f
            .call("POST", &format!("{PATH}/{word}"), &admin, None)
            .await;
        let flag = told(reader.read_after(&f, &changed.expect(200)).await);
        assert_eq!((flag.percent, flag.deployments.len()), (percent, 0));
    }
    let elsewhere = json!({"name": "other"});
    f.call("POST", "/v1/planes", &admin, Some(elsewhere))
        .await
        .expect(201);
    let mut body = settings(25);
    body["rule"] = json!({"planes": ["other"]});
    let set = f.call("PUT", PATH, &admin, Some(body)).await.expect(200);
    let here = reader.read_after(&f, &set).await;
    assert_eq!(here.sections().rollouts.rollouts, []);
}

/// The database beside the server.
#[tokio::test]
async fn o4_what_makes_no_sense_is_refused_field_by_field() {
    let (f, admin, _) = open("rollout-bad").await;
    let bad = [
        (json!({"percent": 101}), "percent"),
        (json!({"deployments": ["acme"]}), "deployments[0]"),
        (json!({"rule": {"planes": ["mars"]}}), "rule.planes[0]"),
        (
            json!({"fallBack": {"badPercent": 0}}),
            "fallBack.badPercent",
        ),
        (json!({"name": "other"}), "name"),
    ];
    for (change, at) in bad {
        let mut body = settings(5);
        let fields = body.as_object_mut().unwrap();
        fields.extend(change.as_object().unwrap().clone());
        let refused = f
            .call("PUT", PATH, &admin, Some(body))
            .await
            .expect(422)
            .json();
        assert_eq!(refused["errors"][0]["at"], at, "{refused}");
    }
    let unknown = json!({"name": "to-plane", "path": "plane", "percent": 5, "labels": {}});
    f.call("PUT", PATH, &admin, Some(unknown)).await.expect(400);
}

#[tokio::test]
async fn o4_a_document_moves_a_rollout_but_does_not_undo_an_abort() {
    let (f, admin, _) = open("rollout-apply").await;
    let first = apply(&f, &admin, "", json!([settings(5)])).await;
    assert_eq!(first["changes"][0]["kind"], "rollout");
    f.call("POST", &format!("{PATH}/promote"), &admin, None)
        .await
        .expect(200);
    let same = apply(&f, &admin, "", json!([settings(5)])).await;
    assert_eq!(same["changes"], json!([]));
    assert_eq!(stage(&f, &admin).await, "promoted");
    apply(&f, &admin, "", json!([settings(6)])).await;
    assert_eq!(stage(&f, &admin).await, "running");
    f.call("POST", &format!("{PATH}/abort"), &admin, None)
        .await
        .expect(200);
    let warned = apply(&f, &admin, "", json!([settings(7)])).await;
    assert!(warned["warnings"][0].as_str().unwrap().contains("aborted"));
    assert_eq!(stage(&f, &admin).await, "aborted");
    let kept = apply(&f, &admin, "", json!([])).await;
    assert_eq!(kept["changes"][0]["op"], "keep");
    apply(&f, &admin, "?prune=true", json!([])).await;
    f.call("GET", PATH, &admin, None).await.expect(404);
}

/// Asks as a gate does.
async fn check(f: &Fixture, gate: &Gate, question: Value) -> Value {
    let bearer = f.assertion(gate);
    let path = "/v1/planes/self/check";
    let answer = f.call("POST", path, &bearer, Some(question)).await;
    answer.expect(200).json()["verdict"].clone()
}

async fn question(f: &Fixture, admin: &str) -> Value {
    json!({"method": "GET", "host": HOST, "target": Base64Bytes(b"/api/v2/dags".to_vec()),
        "deployment": deployment(f, admin).await})
}

#[tokio::test]
async fn the_central_path_judges_by_the_newest_records() {
    let (f, admin, gate) = open("rollout-check").await;
    let plain = question(&f, &admin).await;
    assert_eq!(check(&f, &gate, plain.clone()).await, "credential_missing");
    let token = json!({"name": "ci", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 30});
    let tokens = "/v1/organizations/acme/tokens";
    let made = f.call("POST", tokens, &admin, Some(token)).await;
    let made = made.expect(201).json();
    let value = format!("Bearer {}", made["token"].as_str().unwrap());
    let mut asked = plain.clone();
    asked["authorization"] = json!(Base64Bytes(value.into_bytes()));
    assert_eq!(check(&f, &gate, asked.clone()).await, "allow");
    let id = made["id"].as_str().unwrap();
    f.call("DELETE", &format!("{tokens}/{id}"), &admin, None)
        .await
        .expect(200);
    assert_eq!(check(&f, &gate, asked.clone()).await, "token_revoked");
    asked["deployment"] = json!("00000000-0000-0000-0000-000000000001");
    assert_eq!(check(&f, &gate, asked).await, "pin_mismatch");
}

#[tokio::test]
async fn a_session_is_judged_by_what_the_gate_has_read_in_it() {
    let (f, admin, gate) = open("rollout-session").await;
    let plain = question(&f, &admin).await;
    let users = f
        .call("GET", "/v1/organizations/acme/users", &admin, None)
        .await
        .json();
    let eve = users["items"].as_array().unwrap().iter();
    let eve = eve
        .into_iter()
        .find(|u| u["email"] == "eve@example.com")
        .unwrap();
    let now = f.clock.now();
    let hour = std::time::Duration::from_secs(3_600);
    let store = f.store().await;
    let connections = store.read().await.unwrap().connections().list().await;
    let local = connections.unwrap()[0].id;
    let session = |until| SessionCookie {
        session: SessionId::from_bytes([7; 16]),
        user: eve["id"].as_str().unwrap().parse().unwrap(),
        connection: local,
        auth_time: now,
        access_start: now,
        access_end: until,
        absolute_end: now.plus(hour),
        begun: aeolus_decide::Begun::AtControl,
    };
    let asked = |cookie: SessionCookie, method: &str| {
        let mut asked = plain.clone();
        asked["session"] = json!(Base64Bytes(cookie.encode()));
        asked["method"] = json!(method);
        asked
    };
    let good = session(now.plus(hour));
    assert_eq!(check(&f, &gate, asked(good, "GET")).await, "allow");
    // What judges a write with a cookie is judged here, too.
    assert_eq!(check(&f, &gate, asked(good, "POST")).await, "cross_site");
    assert_eq!(
        check(&f, &gate, asked(session(now), "GET")).await,
        "session_expired"
    );
    let mut broken = asked(good, "GET");
    broken["session"] = json!("AAAA");
    let path = "/v1/planes/self/check";
    f.call("POST", path, &f.assertion(&gate), Some(broken))
        .await
        .expect(422);
}

#[tokio::test]
async fn o4_what_gates_report_is_added_up_and_their_moves_are_audited() {
    let (f, admin, gate) = open("rollout-report").await;
    f.call("PUT", PATH, &admin, Some(settings(5)))
        .await
        .expect(200);
    for replica in ["one", "two"] {
        let status = json!({"replica": replica, "epoch": 1, "seq": 1, "version": "1", "rollouts": [{
            "name": "to-plane", "gates": 1, "compared": 10,
            "paths": [{"path": "plane", "requests": 100, "errors": 1, "denials": {"forbidden": 2},
                "latency": [{"le": 10, "count": 99}, {"count": 1}]}],
            "differences": [{"plane": "allow", "central": "token_revoked", "count": 3}],
        }]});
        f.call(
            "POST",
            "/v1/planes/self/status",
            &f.assertion(&gate),
            Some(status),
        )
        .await
        .expect(204);
    }
    let shown = f.call("GET", PATH, &admin, None).await.expect(200).json();
    let figures = &shown["figures"];
    assert_eq!(
        (figures["gates"].as_u64(), figures["compared"].as_u64()),
        (Some(2), Some(20))
    );
    let path = &figures["paths"][0];
    assert_eq!(
        (
            path["requests"].as_u64(),
            path["denials"]["forbidden"].as_u64()
        ),
        (Some(200), Some(4))
    );
    assert!(
        (1..=10).contains(&path["p50Micros"].as_u64().unwrap()),
        "{path}"
    );
    assert_eq!(figures["differences"][0]["count"], 6);

    let moved = json!({"type": "rollout_moved", "at": 1_800_000_000, "rollout": "to-plane",
        "deployment": deployment(&f, &admin).await, "path": "central", "back": false,
        "bad": 6, "requests": 100});
    let answer = f.events(&gate, "k", format!("{moved}\n")).await;
    assert_eq!(answer.expect(200).json()["accepted"], 1);
    let log = f
        .call("GET", "/v1/organizations/acme/audit", &admin, None)
        .await
        .expect(200)
        .text();
    assert!(
        log.contains("rollout.fall_back") && log.contains("6 of 100 bad"),
        "{log}"
    );
}
