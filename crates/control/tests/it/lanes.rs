//! A plane for which a whole snapshot is too much for every change is told revocations at once.

use std::time::Duration;

use aeolus_control::Publishing;
use aeolus_model::Clock as _;
use aeolus_snapshot::{Manifest, Snapshot, verify_freshness};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, ISS};
use crate::provider::deployment;
use crate::publish::Reader;

const TOKENS: &str = "/v1/organizations/acme/tokens";
const NEVER: Duration = Duration::from_secs(86_400);

/// Every plane is a large one, with so much rest between its whole snapshots.
async fn large(name: &str, rest: Duration) -> Fixture {
    let publishing = Publishing {
        at_once: Duration::ZERO,
        rest: (rest, rest),
        ..Publishing::default()
    };
    Fixture::configured(name, |config| config.publishing = publishing).await
}

/// A token that is made before anything is published, or later.
async fn token(f: &Fixture, owner: &str, name: &str, query: &str) -> Value {
    let body = json!({"name": name, "role": "ORGANIZATION_MEMBER"});
    let path = format!("{TOKENS}{query}");
    let made = f.call("POST", &path, owner, Some(body)).await;
    made.expect(201).json()
}

async fn delete(f: &Fixture, owner: &str, token: &Value, query: &str) -> Value {
    let path = format!("{TOKENS}/{}{query}", token["id"].as_str().unwrap());
    f.call("DELETE", &path, owner, None)
        .await
        .expect(200)
        .json()
}

pub(crate) fn revoked(snapshot: &Snapshot) -> u32 {
    let lists = snapshot.sections().revocations.values();
    let bytes = lists.flat_map(|list| &list.status);
    bytes.map(|byte| byte.count_ones()).sum()
}

fn knows(snapshot: &Snapshot, name: &str) -> bool {
    let mut subjects = snapshot.sections().subjects.subjects.iter();
    subjects.any(|subject| subject.name == name)
}

/// All but the revocations.
fn records(manifest: &Manifest) -> Vec<(&String, &aeolus_snapshot::SectionRef)> {
    let sections = manifest.sections.iter();
    sections
        .filter(|(name, _)| !name.starts_with("revocations/"))
        .collect()
}

/// Follows as a gate does while something else is done.
async fn following<T>(
    f: &Fixture,
    reader: &mut Reader,
    work: impl Future<Output = T>,
) -> (T, Snapshot) {
    let done = CancellationToken::new();
    let polling = async {
        let mut last = None;
        while !done.is_cancelled() {
            let answer = reader.poll(f, 1).await;
            last = reader.take(f, answer).await.or(last);
        }
        last.expect("news")
    };
    let working = async {
        let result = work.await;
        done.cancel();
        result
    };
    tokio::join!(working, polling)
}

#[tokio::test]
async fn f18_while_a_whole_snapshot_is_held_up_a_revocation_goes_out_and_says_what_it_lacks() {
    let f = large("held-up", NEVER).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let mut reader = Reader::new(&f, &admin).await;
    let old = token(&f, &owner, "old", "").await;
    f.work();
    let first = reader.until(&f, |s| knows(s, "old")).await;
    assert_eq!((first.manifest().lag, revoked(&first)), (None, 0));
    let whole_at = f.clock.now();

    // Records alone are worth no edition: their turn comes.
    f.clock.advance(Duration::from_secs(60));
    let new = token(&f, &owner, "new", "?wait=planes").await;
    assert_eq!(new["planes"]["unconfirmed"][0]["name"], "eu-1");
    f.clock.advance(Duration::from_secs(5));
    let answer = reader.poll(&f, 0).await;
    assert_eq!(answer.manifest, None);
    let plane = reader.gate.plane;
    let said = verify_freshness(&reader.root, plane, &answer.freshness).unwrap();
    assert_eq!(said.at, f.clock.now());
    assert!(said.as_of >= whole_at && said.as_of.secs() <= f.clock.now().secs() - 5);

    let deleted = delete(&f, &owner, &old, "?wait=planes");
    let (deleted, lagging) = following(&f, &mut reader, deleted).await;
    assert_eq!(deleted["planes"]["applied"][0]["name"], "eu-1", "{deleted}");
    let held = first.manifest();
    assert_eq!(revoked(&lagging), 1);
    assert!(knows(&lagging, "old") && !knows(&lagging, "new"));
    let manifest = lagging.manifest();
    assert!(manifest.position.seq >= deleted["seq"].as_u64().unwrap());
    assert_eq!(manifest.issued_at, f.clock.now());
    assert_eq!(manifest.records(), held.position.seq);
    assert!(manifest.as_of() >= whole_at && manifest.as_of().secs() < f.clock.now().secs());
    assert_eq!(records(manifest), records(held));
    let shown = f.call("GET", "/v1/planes", &admin, None).await.json();
    let shown = shown["items"].as_array().unwrap().clone();
    let shown = shown.iter().find(|plane| plane["name"] == "eu-1").unwrap();
    assert_eq!(shown["publishedSeq"], manifest.position.seq);
    assert_eq!(shown["appliedSeq"], held.position.seq);

    f.clock.advance(Duration::from_secs(5));
    let answer = reader.poll(&f, 0).await;
    let said = verify_freshness(&reader.root, plane, &answer.freshness).unwrap();
    assert_eq!(said.position, manifest.position);
    assert_eq!((said.at, said.as_of), (f.clock.now(), manifest.as_of()));
}

#[tokio::test]
async fn f18_where_only_revocations_changed_nothing_lags() {
    let f = large("exact", Duration::ZERO).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let mut reader = Reader::new(&f, &admin).await;
    let deployment = deployment(&f, &admin).await;
    f.work();
    let mut first = reader
        .until(&f, |s| !s.sections().deployments.deployments.is_empty())
        .await;
    // What control does at its start may still be on its way.
    loop {
        let answer = reader.poll(&f, 2).await;
        match reader.take(&f, answer).await {
            Some(next) => first = next,
            None => break,
        }
    }
    let cookie = f.login("eve@example.com").await;
    f.gate_sign_in(&reader.gate, &deployment, &cookie)
        .await
        .expect(200);
    let headers = [("cookie", cookie.as_str()), ("origin", ISS)];
    f.form("/logout", &[], &headers).await.expect(303);
    let ended = |s: &Snapshot| {
        let mut lists = s.sections().revocations.values();
        lists.any(|list| !list.sessions.is_empty())
    };
    let told = reader.until(&f, ended).await;
    assert_eq!(told.manifest().lag, None);
    assert_eq!(records(told.manifest()), records(first.manifest()));
    f.clock.advance(Duration::from_secs(5));
    let answer = reader.poll(&f, 0).await;
    let said = verify_freshness(&reader.root, reader.gate.plane, &answer.freshness).unwrap();
    assert_eq!((said.at, said.as_of), (f.clock.now(), f.clock.now()));
}

/// The revocation's edition has taken the newest position, so the whole one needs another.
#[tokio::test]
async fn a_whole_snapshot_comes_in_its_turn_and_keeps_what_was_revoked() {
    let f = large("turn", Duration::from_secs(2)).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let mut reader = Reader::new(&f, &admin).await;
    let old = token(&f, &owner, "old", "").await;
    f.work();
    reader.until(&f, |s| knows(s, "old")).await;
    let seq = delete(&f, &owner, &old, "").await["seq"].as_u64().unwrap();
    let lagging = reader.until(&f, |s| revoked(s) == 1).await;
    assert_eq!(lagging.position().seq, seq);
    assert!(lagging.manifest().lag.is_some());
    let whole = reader.until(&f, |s| !knows(s, "old")).await;
    assert_eq!((whole.manifest().lag, revoked(&whole)), (None, 1));
    assert!(whole.position().seq > seq);
}

/// Whole snapshots, revocations and changes in every order that comes about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f23_neither_lane_takes_back_what_the_other_has_told() {
    const ROUNDS: usize = 20;
    let f = large("both", Duration::ZERO).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let mut reader = Reader::new(&f, &admin).await;
    f.work();
    let changing = async {
        let mut last = token(&f, &owner, "ci", "").await;
        for _ in 0..ROUNDS {
            let next = token(&f, &owner, "ci", "").await;
            delete(&f, &owner, &last, "").await;
            last = next;
        }
        token(&f, &owner, "last", "").await
    };
    let reading = async {
        let (mut bits, mut records, mut lagging) = (0, 0, 0);
        loop {
            let snapshot = reader.read(&f).await;
            let manifest = snapshot.manifest();
            assert!(revoked(&snapshot) >= bits, "a revocation is missing");
            assert!(manifest.records() >= records, "records stepped back");
            (bits, records) = (revoked(&snapshot), manifest.records());
            lagging += usize::from(manifest.lag.is_some());
            if knows(&snapshot, "last") && manifest.lag.is_none() {
                assert_eq!(bits as usize, ROUNDS);
                return lagging;
            }
        }
    };
    let both = async { tokio::join!(changing, reading).1 };
    let lagging = tokio::time::timeout(Duration::from_secs(60), both).await;
    assert!(lagging.expect("in time") > 0);
}
