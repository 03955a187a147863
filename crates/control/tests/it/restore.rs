//! After a restore of the database from a backup.

use std::time::Duration;

use aeolus_api::Base64Bytes;
use aeolus_api::plane::{Event, ManifestAnswer};
use aeolus_keys::SigningKey;
use aeolus_model::{Clock as _, Secret, Time};
use aeolus_snapshot::{Evidence, Manifest, Root, RootBuilder, Snapshot};
use serde_json::json;

use crate::fixture::{Answer, Fixture, Gate, config};
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
    let organization = snapshot.sections().revocations.keys().next().unwrap();
    let evidence = reader.evidence(*organization);
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
    tell(f, &reader.gate, &event).await;
}

async fn tell(f: &Fixture, gate: &Gate, event: &Event) {
    let line = serde_json::to_string(event).unwrap();
    f.events(gate, "reminder", line).await.expect(200);
}

/// The alarm of a plane, as soon as it has one that asks for an operator.
async fn alarmed(f: &Fixture, admin: &str, plane: &str) -> String {
    let path = format!("/v1/planes/{plane}");
    let recover = |a: &Answer| a.text().contains("aeolus control recover");
    let shown = f.until(&path, || admin.to_owned(), recover).await;
    shown.json()["alarm"].as_str().unwrap().to_owned()
}

async fn alarm(f: &Fixture, admin: &str, plane: &str) -> serde_json::Value {
    let path = format!("/v1/planes/{plane}");
    f.call("GET", &path, admin, None).await.json()["alarm"].clone()
}

async fn recover(f: &Fixture, lost_from: Option<Time>) -> aeolus_control::Recovered {
    let database = config(f.dir.path()).database;
    let done = aeolus_control::recover(&database, &*f.clock, lost_from).await;
    done.unwrap()
}

async fn organization(f: &Fixture, admin: &str, name: &str) {
    let body = Some(json!({ "name": name }));
    f.call("POST", "/v1/organizations", admin, body)
        .await
        .expect(201);
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
    // The resurrected token is good at control until the gate, told so, has reminded it.
    f.call("GET", "/v1/organizations/acme", &token, None)
        .await
        .expect(200);
    assert!(alarm(&f, &admin, "eu-1").await.is_null(), "a claim is none");
    remind(&f, &reader, &evidence).await;
    f.call("GET", "/v1/organizations/acme", &token, None)
        .await
        .expect(401);
    let alarm = alarmed(&f, &admin, "eu-1").await;
    assert!(alarm.contains("restored"), "{alarm}");
    // Nothing is published, whatever changes.
    organization(&f, &admin, "globex").await;
    f.call("GET", &path, &f.assertion(&reader.gate), None)
        .await
        .expect(409);
    let done = recover(&f, None).await;
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
        organization(&f, &admin, name).await;
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
    alarmed(&f, &admin, "eu-1").await;
}

/// Whoever holds the identity of one plane can't stop the others.
#[tokio::test]
async fn f25_what_a_poll_says_is_not_believed() {
    let f = Fixture::new("claim").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let thief = f.join(&admin, "us-1").await;
    let poll = |at: &str| format!("/v1/planes/self/manifest?wait=0&after={at}");
    f.until(&poll("1.0"), || f.assertion(&thief), |a| a.status == 200)
        .await;
    let mine = f
        .call("GET", &poll("1.0"), &f.assertion(&thief), None)
        .await;
    let mine: ManifestAnswer = mine.of();
    for claim in ["999.1", "1.99999"] {
        f.call("GET", &poll(claim), &f.assertion(&thief), None)
            .await
            .expect(409);
    }
    // Nor is what control did sign, and knows.
    let manifest = mine.manifest.unwrap();
    tell(&f, &thief, &Event::Signed { manifest }).await;
    let owner = f.token_of("owner@example.com").await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER"});
    let made = f.call("POST", TOKENS, &owner, Some(body)).await;
    let path = format!(
        "{TOKENS}/{}",
        made.expect(201).json()["id"].as_str().unwrap()
    );
    f.call("DELETE", &path, &owner, None).await.expect(200);
    reader.until(&f, |s| revoked(s) == 1).await;
    for plane in ["eu-1", "us-1"] {
        assert!(alarm(&f, &admin, plane).await.is_null());
    }
}

#[tokio::test]
async fn f25_a_plane_without_revocations_proves_a_restore_by_its_manifest() {
    let f = Fixture::new("bare").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let gate = f.join(&admin, "us-1").await;
    let backup = f.backup();
    let newest = organization_seen(&f, &admin, &gate).await;
    let f = f.restored(backup).await;
    f.work();
    let admin = f.admin().await;
    let mut forged = newest.clone();
    forged.pop();
    tell(&f, &gate, &Event::Signed { manifest: forged }).await;
    assert!(alarm(&f, &admin, "us-1").await.is_null());
    let line = serde_json::to_string(&Event::Signed { manifest: newest }).unwrap();
    f.events(&gate, "proof", line).await.expect(200);
    alarmed(&f, &admin, "us-1").await;
}

/// The plane's manifest after further changes.
async fn organization_seen(f: &Fixture, admin: &str, gate: &Gate) -> String {
    let mut at = 0;
    for name in ["globex", "initech", "umbrella", "hooli"] {
        organization(f, admin, name).await;
    }
    let mut last = String::new();
    loop {
        let path = format!("/v1/planes/self/manifest?wait=2&after=1.{at}");
        let answer = f.call("GET", &path, &f.assertion(gate), None).await;
        let answer: ManifestAnswer = answer.expect(200).of();
        let Some(manifest) = answer.manifest else {
            return last;
        };
        let root = Root::parse(&gate.root).unwrap();
        let (opened, _) = Manifest::open(&root, gate.plane, &manifest).unwrap();
        at = opened.position.seq;
        last = manifest;
    }
}

/// A gate that a stolen key has led beyond everything must hear that the key is dropped.
#[tokio::test]
async fn f30_a_gate_that_is_ahead_is_told_of_the_next_root() {
    let f = Fixture::new("rooted").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let folder = f.backup();
    let key = std::fs::read(folder.path().join("root/root.key")).unwrap();
    let key = SigningKey::from_pkcs8(&Secret::new(key)).unwrap();
    let next = RootBuilder::next(&reader.root, f.clock.now());
    std::fs::write(
        folder.path().join("root/root.json"),
        next.sign(&[&key]).unwrap(),
    )
    .unwrap();
    let f = f.restored(folder).await;
    let path = "/v1/planes/self/manifest?wait=0&after=1.99999&root=";
    let ask = |root: &str| format!("{path}{root}");
    let told = f
        .call("GET", &ask("1"), &f.assertion(&reader.gate), None)
        .await;
    let told: ManifestAnswer = told.expect(200).of();
    assert!(told.root.is_some() && told.manifest.is_none());
    f.call("GET", &ask("2"), &f.assertion(&reader.gate), None)
        .await
        .expect(409);
}

/// What a gate had in force before a restore says nothing of what came after.
#[tokio::test]
async fn f25_a_position_of_another_epoch_is_no_receipt() {
    let f = Fixture::new("receipt").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let backup = f.backup();
    for number in 0..20 {
        organization(&f, &admin, &format!("lost-{number}")).await;
    }
    while reader.poll(&f, 1).await.manifest.is_some() {
        reader.read(&f).await;
    }
    let old = reader.position.unwrap();
    f.clock.advance(Duration::from_secs(60));
    let f = f.restored(backup).await;
    f.clock.advance(Duration::from_secs(60));
    recover(&f, None).await;
    f.work();
    let poll = format!("/v1/planes/self/manifest?wait=0&after={old}");
    f.until(&poll, || f.assertion(&reader.gate), |a| a.status == 200)
        .await;
    let owner = f.token_of("owner@example.com").await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER"});
    let made = f.call("POST", TOKENS, &owner, Some(body)).await.expect(201);
    let path = format!(
        "{TOKENS}/{}?wait=planes",
        made.json()["id"].as_str().unwrap()
    );
    let gone = f
        .call("DELETE", &path, &owner, None)
        .await
        .expect(200)
        .json();
    assert!(
        gone["seq"].as_u64().unwrap() <= old.seq,
        "{gone} after {old}"
    );
    assert_eq!(gone["planes"]["unconfirmed"][0]["name"], "eu-1", "{gone}");
    assert_eq!(gone["planes"]["applied"], json!([]));
}

#[tokio::test]
async fn f25_a_recovery_that_is_done_twice_in_a_second_loses_no_more() {
    let f = Fixture::new("twice").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let from = Some(f.clock.now());
    f.clock.advance(Duration::from_secs(60));
    for epoch in [2, 3] {
        assert_eq!(recover(&f, from).await.epoch, epoch);
    }
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let snapshot = reader
        .until(&f, |s| !s.sections().revocations.is_empty())
        .await;
    let lists = snapshot.sections().revocations.values();
    let lost: Vec<_> = lists.map(|list| list.lost.len()).collect();
    assert_eq!(lost, [1]);
}

/// A backup from before an earlier recovery: what was lost then comes back with the revocations.
#[tokio::test]
async fn f25_what_was_lost_by_an_earlier_restore_is_taken_back() {
    let f = Fixture::new("lost-twice").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let backup = f.backup();
    let lost = |snapshot: &Snapshot| {
        let mut lists = snapshot.sections().revocations.values();
        lists.next().map_or(0, |list| list.lost.len())
    };
    f.clock.advance(Duration::from_secs(60));
    recover(&f, None).await;
    let snapshot = reader.until(&f, |s| lost(s) == 1).await;
    let organization = snapshot.sections().revocations.keys().next().unwrap();
    let evidence = reader.evidence(*organization);
    let f = f.restored(backup).await;
    f.clock.advance(Duration::from_secs(60));
    remind(&f, &reader, &evidence).await;
    for _ in 0..2 {
        f.clock.advance(Duration::from_secs(60));
        recover(&f, None).await;
    }
    f.work();
    reader.until(&f, |s| lost(s) == 3).await;
}
