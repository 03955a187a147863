//! What happens to signing keys without anybody asking: other replicas take changes up, what is due moves
//! on, and the master key is replaced.

use std::time::Duration;

use aeolus_keys::{PublicKey, SigningKey};
use aeolus_model::{Clock as _, Secret};
use aeolus_snapshot::{Root, RootBuilder};
use serde_json::json;

use crate::factor::MEMBER;
use crate::fixture::{ADMIN, Answer, Fixture, ISS, config};
use crate::keys::{DAY, HOUR, fleet, key, kids, listed, rotate};
use crate::last_known;
use crate::publish::Reader;

const AT_ONCE: fn() -> serde_json::Value = || json!({"activateIn": "0s", "regardless": true});

/// Of the clock, for each question: between two looks at the keys there are many, and an access token
/// outlives all that fit into a deadline.
const STEP: Duration = Duration::from_secs(15);

#[tokio::test]
async fn x22_every_replica_takes_up_changed_keys_without_a_restart() {
    let (one, admin) = fleet("keys-replicas").await;
    let other = one.replica(|_| {}).await;
    other.work();
    let before = kids(&listed(&one, &admin).await, "access", "active");
    let done = rotate(&one, &admin, "access", AT_ONCE()).await;
    let [new] = kids(&done, "access", "active").try_into().unwrap();
    // It signs with the new key...
    let jwks = |answer: &Answer| answer.text().contains(&new);
    other
        .until("/.well-known/jwks.json", String::new, jwks)
        .await;
    let signed = other.token_of(ADMIN).await;
    let kid = aeolus_keys::jws::parse(signed.as_bytes()).unwrap().kid();
    assert_eq!(kid.to_string(), new);
    // ...believes the old one, and stops when that is removed.
    let me = other.call("GET", "/v1/me", &admin, None).await;
    me.expect(200);
    let path = format!("/v1/keys/{}?compromised=true", before[0]);
    one.call("DELETE", &path, &signed, None).await.expect(200);
    let refused = |answer: &Answer| answer.status.as_u16() == 401;
    other.until("/v1/me", || admin.clone(), refused).await;
}

/// A token of the administrator that a key signed. For up to a second a replica signs with the one before, which
/// no clock of a test may make nine hours.
async fn signed_by(f: &Fixture, kid: &str) -> String {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let token = f.admin().await;
        let signed = aeolus_keys::jws::parse(token.as_bytes()).unwrap();
        if signed.kid().to_string() == kid {
            return token;
        }
        assert!(tokio::time::Instant::now() < deadline, "never by {kid}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn keys_are_replaced_on_schedule_and_go_when_nothing_needs_them() {
    let f = Fixture::configured("keys-schedule", |config| {
        config.rotate_keys = Some(30 * DAY);
    })
    .await;
    let other = f
        .replica(|config| config.rotate_keys = Some(30 * DAY))
        .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let first = listed(&f, &admin).await;
    let [old] = kids(&first, "access", "active").try_into().unwrap();
    // Seven days before the end of its period the next one is announced.
    let due = f.clock.now().plus(23 * DAY).secs();
    assert_eq!(
        key(&first, &old)["next"],
        json!({"step": "rotate", "at": due})
    );
    f.clock.advance(23 * DAY);
    f.work();
    other.work();
    let admin = f.admin().await;
    let announced = |answer: &Answer| {
        let all = answer.json();
        let has = |purpose| kids(&all, purpose, "announced").len() == 1;
        ["access", "api", "direct", "id", "status"]
            .into_iter()
            .all(has)
    };
    let after = f
        .until("/v1/keys", || admin.clone(), announced)
        .await
        .json();
    let [new] = kids(&after, "access", "announced").try_into().unwrap();
    assert!(
        kids(&after, "snapshot", "announced").is_empty(),
        "root documents name those"
    );
    f.clock.advance(7 * DAY);
    let admin = f.admin().await;
    let active = |answer: &Answer| {
        let all = answer.json();
        kids(&all, "access", "active") == [new.clone()]
            && kids(&all, "access", "retired").len() == 1
    };
    f.until("/v1/keys", || admin.clone(), active).await;
    // Access tokens are good for eight hours.
    f.clock.advance(9 * HOUR);
    let admin = signed_by(&f, &new).await;
    let gone = |answer: &Answer| kids(&answer.json(), "access", "retired").is_empty();
    // It is over at two looks, ten minutes apart.
    let later = || {
        f.clock.advance(STEP);
        admin.clone()
    };
    f.until("/v1/keys", later, gone).await;
    // Whichever replica removed it, the other one shows it for a second more.
    let unseen = |answer: &Answer| !answer.text().contains(&old);
    f.until("/.well-known/jwks.json", String::new, unseen).await;
}

fn public(shown: &serde_json::Value) -> PublicKey {
    PublicKey::from_jwk_json(&shown["jwk"].to_string()).unwrap()
}

/// Puts the next root document, with other snapshot keys, where a replica reads it at its start.
fn next_root(f: &Fixture, change: impl FnOnce(&mut Vec<PublicKey>)) -> (Root, String) {
    let folder = f.dir.path().join("root");
    let root_key = Secret::new(std::fs::read(folder.join("root.key")).unwrap());
    let root_key = SigningKey::from_pkcs8(&root_key).unwrap();
    let first = std::fs::read_to_string(folder.join("root.json")).unwrap();
    let first = Root::parse(&first).unwrap();
    let mut next = RootBuilder::next(&first, f.clock.now());
    change(&mut next.snapshot_keys);
    let next = next.sign(&[&root_key]).unwrap();
    std::fs::write(folder.join("root.json"), &next).unwrap();
    (first, next)
}

/// The thief's key is dropped by the very document that names the new one: there is no moment in which
/// gates believe both.
#[tokio::test]
async fn f30_a_stolen_snapshot_key_is_replaced_by_one_root_document() {
    let (f, admin) = fleet("keys-snapshot-stolen").await;
    let announced = rotate(&f, &admin, "snapshot", json!({})).await;
    let [new] = kids(&announced, "snapshot", "announced")
        .try_into()
        .unwrap();
    let shown = key(&announced, &new);
    let (first, next) = next_root(&f, |keys| *keys = vec![public(shown)]);
    let other = f.replica(|_| {}).await;
    let done = rotate(&other, &admin, "snapshot", json!({"compromised": true})).await;
    assert_eq!(
        kids(&done, "snapshot", "active"),
        std::slice::from_ref(&new)
    );
    other.work();
    let mut reader = Reader::new(&other, &admin).await;
    let answer = reader.poll(&other, 10).await;
    reader.root = first.accept_next(&next).unwrap();
    reader.take(&other, answer).await.unwrap();
}

#[tokio::test]
async fn a_snapshot_key_signs_only_if_a_root_document_names_it() {
    let (f, admin) = fleet("keys-snapshot").await;
    let announced = rotate(&f, &admin, "snapshot", json!({"activateIn": "1h"})).await;
    let [new] = kids(&announced, "snapshot", "announced")
        .try_into()
        .unwrap();
    let shown = key(&announced, &new);
    assert!(
        shown["next"]["needs"]
            .as_str()
            .unwrap()
            .contains("root document")
    );
    let path = "/v1/keys/snapshot/rotate";
    for body in [AT_ONCE(), json!({"compromised": true})] {
        let refused = f.call("POST", path, &admin, Some(body)).await;
        assert!(refused.expect(409).text().contains("root document"));
    }
    // The operator signs the next document, and a replica starts with it.
    let (first, next) = next_root(&f, |keys| keys.push(public(shown)));
    let other = f.replica(|_| {}).await;
    let done = rotate(&other, &admin, "snapshot", AT_ONCE()).await;
    assert_eq!(
        kids(&done, "snapshot", "active"),
        std::slice::from_ref(&new)
    );
    // Gates get the document together with what the key signs.
    other.work();
    let mut reader = Reader::new(&other, &admin).await;
    let answer = reader.poll(&other, 10).await;
    assert_eq!(answer.root.as_deref(), Some(next.as_str()));
    reader.root = first.accept_next(&next).unwrap();
    let snapshot = reader.take(&other, answer).await.unwrap();
    let text = aeolus_keys::jws::parse_document(reader.manifest.as_bytes());
    assert_eq!(text.unwrap().kid().to_string(), new);
    assert!(snapshot.position().seq > 0);
}

#[tokio::test]
async fn f43_the_key_set_is_answered_without_the_database() {
    let Some((f, admin)) = last_known::fleet("keys-f43").await else {
        return;
    };
    let before = f.get("/.well-known/jwks.json").await.expect(200).body;
    last_known::lose(&f).await;
    let list = f.call("GET", "/v1/keys", &admin, None).await;
    assert_eq!(list.status.as_u16(), 503, "{}", list.text());
    let after = f.get("/.well-known/jwks.json").await.expect(200).body;
    assert_eq!(after, before);
}

#[tokio::test]
async fn what_is_sealed_goes_under_another_master_key_as_a_whole() {
    let (f, admin) = fleet("keys-reseal").await;
    f.call("POST", "/v1/planes", &admin, Some(json!({"name": "eu-2"})))
        .await
        .expect(201);
    let mut fleet = crate::fixture::fleet();
    fleet["fleet"]["connections"] = json!([{"name": "okta", "type": "okta", "clientId": "abc",
        "clientSecret": {"env": "S"}, "discoveryUrl": "https://acme.okta.com"}]);
    fleet["secrets"]["connections[0].clientSecret"] = json!("secret of okta");
    let apply = f
        .call("POST", "/v1/apply", &admin, Some(fleet.clone()))
        .await;
    apply.expect(200);
    let enrolled = f.enroll(&f.login(MEMBER).await).await;
    let database = config(f.dir.path()).database;
    let (old, new) = (Secret::new([42; 32]), Secret::new([43; 32]));
    let parts = (&*f.clock as _, &*f.rng as _);
    let done = aeolus_control::reseal(&database, (&old, &new), parts).await;
    let done = done.unwrap();
    assert_eq!((done.keys, done.connections, done.join_tokens), (6, 1, 1));
    assert_eq!(done.second_factors, 1);
    let again = aeolus_control::reseal(&database, (&old, &new), parts).await;
    assert!(
        again
            .unwrap_err()
            .to_string()
            .contains("another master key")
    );
    let config = config(f.dir.path());
    let refused = aeolus_control::Control::open(&config, ISS, f.clock.clone(), f.rng.clone()).await;
    assert!(refused.is_err());
    // What was signed before is good, and an apply that changes nothing opens the secret.
    let next = f
        .replica(|config| config.master_key = Secret::new([43; 32]))
        .await;
    let apply = next.call("POST", "/v1/apply", &admin, Some(fleet)).await;
    assert_eq!(apply.expect(200).json()["changes"], json!([]));
    // People's apps and recovery codes are as good as before.
    let code = next.next_code(&enrolled.secret);
    next.login_with(MEMBER, &code).await;
    next.login_with(MEMBER, &enrolled.codes[0]).await;
}
