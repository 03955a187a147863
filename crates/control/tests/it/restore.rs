//! After a restore of the database from a backup.

use std::time::Duration;

use aeolus_api::Base64Bytes;
use aeolus_api::plane::Event;
use aeolus_model::Clock as _;
use aeolus_snapshot::{Evidence, Snapshot};
use serde_json::json;

use crate::fixture::{Answer, Fixture, config};
use crate::publish::Reader;

const TOKENS: &str = "/v1/organizations/acme/tokens";

fn revoked(snapshot: &Snapshot) -> u32 {
    let lists = snapshot.sections().revocations.values();
    lists
        .flat_map(|list| &list.status)
        .map(|byte| byte.count_ones())
        .sum()
}

/// A gate that knows a revocation made after the backup, and the token that was revoked.
async fn restored(name: &str) -> (Fixture, Reader, String, Evidence, i64) {
    let f = Fixture::new(name).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let owner = f.token_of("owner@example.com").await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER"});
    let made = f
        .call("POST", TOKENS, &owner, Some(body))
        .await
        .expect(201)
        .json();
    reader
        .until(&f, |s| {
            s.sections()
                .subjects
                .subjects
                .iter()
                .any(|s| s.name == "ci")
        })
        .await;
    let backup = f.backup();
    let backed_up = f.clock.now().secs();
    f.clock.advance(Duration::from_secs(60));
    let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
    f.call("DELETE", &path, &owner, None).await.expect(200);
    let snapshot = reader.until(&f, |s| revoked(s) == 1).await;
    let (organization, list) = snapshot.sections().revocations.iter().next().unwrap();
    let evidence = Evidence::new(*organization, &reader.manifest, list).unwrap();
    let f = f.restored(backup).await;
    f.work();
    f.clock.advance(Duration::from_secs(60));
    (
        f,
        reader,
        made["token"].as_str().unwrap().to_owned(),
        evidence,
        backed_up,
    )
}

async fn remind(f: &Fixture, reader: &Reader, evidence: &Evidence) {
    let event = Event::Forgotten {
        organization: evidence.organization,
        manifest: evidence.manifest.clone(),
        content: Base64Bytes(evidence.content.clone()),
    };
    let line = serde_json::to_string(&event).unwrap();
    f.events(&reader.gate, "reminder", line).await.expect(200);
}

#[tokio::test]
async fn f25_a_gate_that_knows_more_stops_publishing_until_an_operator_recovers() {
    let (f, mut reader, token, evidence, backed_up) = restored("restored").await;
    let admin = f.admin().await;
    let at = reader.position.unwrap();
    let path = format!("/v1/planes/self/manifest?wait=0&after={at}");
    f.call("GET", &path, &f.assertion(&reader.gate), None)
        .await
        .expect(409);
    let plane = f
        .until(
            "/v1/planes/eu-1",
            || admin.clone(),
            |a| a.text().contains("recover"),
        )
        .await;
    let alarm = plane.json()["alarm"].as_str().unwrap().to_owned();
    assert!(
        alarm.contains("restored") && alarm.contains("aeolus control recover"),
        "{alarm}"
    );
    // The resurrected token is good at control until a gate has reminded it.
    f.call("GET", "/v1/organizations/acme", &token, None)
        .await
        .expect(200);
    remind(&f, &reader, &evidence).await;
    f.call("GET", "/v1/organizations/acme", &token, None)
        .await
        .expect(401);
    // Nothing is published, whatever changes.
    f.call(
        "POST",
        "/v1/organizations",
        &admin,
        Some(json!({"name": "globex"})),
    )
    .await
    .expect(201);
    f.call("GET", &path, &f.assertion(&reader.gate), None)
        .await
        .expect(409);
    let database = config(f.dir.path()).database;
    let done = aeolus_control::recover(&database, &*f.clock, None)
        .await
        .unwrap();
    assert_eq!((done.epoch, done.found), (at.epoch + 1, true));
    assert_eq!(done.lost_from.secs(), backed_up);
    f.until(&path, || f.assertion(&reader.gate), |a| a.status == 200)
        .await;
    let snapshot = reader.read(&f).await;
    assert_eq!(snapshot.position().epoch, at.epoch + 1);
    assert_eq!(revoked(&snapshot), 1, "the gate's revocation came back");
    let lost = &snapshot
        .sections()
        .revocations
        .values()
        .next()
        .unwrap()
        .lost;
    let times: Vec<_> = lost.iter().map(|lost| (lost.from, lost.until)).collect();
    assert_eq!(times, [(backed_up, f.clock.now().secs())]);
}

#[tokio::test]
async fn f25_what_control_signed_and_forgot_stops_it_even_beyond_that_position() {
    let (f, mut reader, token, evidence, _) = restored("fork").await;
    // The restored database goes on past what the gate knows before the gate asks.
    let admin = f.admin().await;
    for name in ["globex", "initech", "umbrella"] {
        f.call(
            "POST",
            "/v1/organizations",
            &admin,
            Some(json!({"name": name})),
        )
        .await
        .expect(201);
    }
    let at = reader.position.unwrap().seq;
    let beyond = |a: &Answer| a.json()["publishedSeq"].as_u64() > Some(at);
    f.until("/v1/planes/eu-1", || admin.clone(), beyond).await;
    let snapshot = reader.read(&f).await;
    assert_eq!(revoked(&snapshot), 0, "forgotten");
    remind(&f, &reader, &evidence).await;
    f.call("GET", "/v1/organizations/acme", &token, None)
        .await
        .expect(401);
    let alarmed = |a: &Answer| a.text().contains("aeolus control recover");
    f.until("/v1/planes/eu-1", || admin.clone(), alarmed).await;
}

#[tokio::test]
async fn f25_only_what_control_signed_reminds_it() {
    let (f, reader, token, mut evidence, _) = restored("forged").await;
    evidence.content.pop();
    remind(&f, &reader, &evidence).await;
    f.call("GET", "/v1/organizations/acme", &token, None)
        .await
        .expect(200);
}
