//! On a large plane, whoever changes is told of at once and alone, to gates that can read it.

use std::time::Duration;

use aeolus_control::Publishing;
use aeolus_decide::World;
use aeolus_model::{Subject, TokenId};
use aeolus_snapshot::{READER, Snapshot, WITH_CHANGES};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};

use crate::engines::on_every_engine;
use crate::fixture::Fixture;
use crate::lanes::revoked;
use crate::publish::Reader;

const TOKENS: &str = "/v1/organizations/acme/tokens";

on_every_engine! {
    f18_one_more_token_is_told_alone_and_its_end_too,
    f18_a_grant_that_is_taken_back_is_taken_back_at_once,
    f18_whoever_knows_no_changes_is_told_everything,
    f18_with_many_changes_everything_is_told_anew,
    f18_who_changed_one_by_one_is_as_in_a_whole_snapshot,
    f18_whoever_can_not_be_read_holds_up_no_revocation,
}

/// Every plane is a large one, and a whole snapshot waits for none before.
async fn large(name: &str, database: Option<String>) -> Fixture {
    let publishing = Publishing {
        at_once: Duration::ZERO,
        rest: (Duration::ZERO, Duration::ZERO),
        ..Publishing::default()
    };
    Fixture::configured(name, |config| {
        config.publishing = publishing;
        if let Some(database) = database {
            config.database = database;
        }
    })
    .await
}

/// A fleet of such a plane, and a gate of it that reads the newest format.
async fn fleet(name: &str, database: Option<String>) -> (Fixture, String, Reader) {
    let f = large(name, database).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let reader = Reader::new(&f, &admin).await;
    report(&f, &reader, Some(READER)).await;
    (f, admin, reader)
}

/// What a gate says of itself.
async fn report(f: &Fixture, reader: &Reader, format: Option<u32>) {
    report_as(f, reader, "r1", format).await;
}

async fn report_as(f: &Fixture, reader: &Reader, replica: &str, format: Option<u32>) {
    let mut body = json!({"replica": replica, "epoch": 1, "seq": 0, "version": "1.0.0"});
    if let Some(format) = format {
        body["reader"] = json!(format);
    }
    let path = "/v1/planes/self/status";
    let assertion = f.assertion(&reader.gate);
    f.call("POST", path, &assertion, Some(body))
        .await
        .expect(204);
}

async fn token(f: &Fixture, owner: &str, name: &str) -> Value {
    let body = json!({"name": name, "role": "ORGANIZATION_MEMBER"});
    let made = f.call("POST", TOKENS, owner, Some(body)).await;
    made.expect(201).json()
}

fn subject(token: &Value) -> Subject {
    let id: TokenId = token["id"].as_str().unwrap().parse().unwrap();
    Subject::Token(id)
}

fn knows(snapshot: &Snapshot, subject: Subject) -> bool {
    World::from_snapshot(snapshot).person(subject).is_some()
}

/// Follows until nothing is newer: what control does at its start may still be on its way.
async fn settled(f: &Fixture, reader: &mut Reader, mut last: Snapshot) -> Snapshot {
    loop {
        let answer = reader.poll(f, 2).await;
        match reader.take(f, answer).await {
            Some(next) => last = next,
            None if last.manifest().lag.is_none() => return last,
            None => {}
        }
    }
}

/// The names of the sections that differ.
fn differing(old: &Snapshot, new: &Snapshot) -> Vec<String> {
    let held = &old.manifest().sections;
    let sections = new.manifest().sections.iter();
    let new = sections.filter(|(name, section)| held.get(*name) != Some(section));
    new.map(|(name, _)| name.clone()).collect()
}

async fn f18_one_more_token_is_told_alone_and_its_end_too(database: Option<String>) {
    let (f, _, mut reader) = fleet("one-more", database).await;
    let owner = f.token_of("owner@example.com").await;
    let old = token(&f, &owner, "old").await;
    f.work();
    let first = reader.until(&f, |s| knows(s, subject(&old))).await;
    let first = settled(&f, &mut reader, first).await;
    assert!(first.sections().changes.is_empty());

    let new = token(&f, &owner, "new").await;
    let second = reader.until(&f, |s| knows(s, subject(&new))).await;
    assert_eq!(differing(&first, &second), ["changes"]);
    assert_eq!(second.manifest().lag, None, "nothing is missing in it");
    assert_eq!(second.manifest().min_reader, WITH_CHANGES);
    assert!(second.manifest().records() >= new["seq"].as_u64().unwrap());

    // Another one, and the end of both: the one of the first layer and the one of the second.
    let third = token(&f, &owner, "third").await;
    for gone in [&old, &new] {
        let path = format!("{TOKENS}/{}", gone["id"].as_str().unwrap());
        f.call("DELETE", &path, &owner, None).await.expect(200);
    }
    let all = |s: &Snapshot| {
        let gone = !knows(s, subject(&old)) && !knows(s, subject(&new));
        gone && knows(s, subject(&third))
    };
    let last = reader.until(&f, all).await;
    let names = differing(&first, &last);
    assert!(
        names
            .iter()
            .all(|name| name == "changes" || name.starts_with("revocations/"))
    );
    assert_eq!(last.manifest().lag, None);
}

async fn f18_a_grant_that_is_taken_back_is_taken_back_at_once(database: Option<String>) {
    let (f, admin, mut reader) = fleet("taken-back", database).await;
    f.work();
    let body = json!({"email": "zoe@example.com", "name": "Zoe", "role": "ORGANIZATION_MEMBER"});
    let people = "/v1/organizations/acme/users";
    let made = f.call("POST", people, &admin, Some(body)).await;
    let made = made.expect(201).json()["id"].clone();
    let user = Subject::User(made.as_str().unwrap().parse().unwrap());
    let grants = "/v1/organizations/acme/grants";
    let listed = f.call("GET", grants, &admin, None).await.json();
    let mut items = listed["items"].as_array().unwrap().iter();
    let of_her = |grant: &&Value| {
        grant["subject"]
            .to_string()
            .contains(made.as_str().unwrap())
    };
    let grant = items.find(of_her).expect("what she was given").clone();
    let first = reader.until(&f, |s| knows(s, user)).await;
    let first = settled(&f, &mut reader, first).await;
    let path = format!("{grants}/{}", grant["id"].as_str().unwrap());
    f.call("DELETE", &path, &admin, None).await.expect(200);
    let second = reader.until(&f, |s| !knows(s, user)).await;
    assert_eq!(differing(&first, &second), ["changes"]);
    assert_eq!(second.manifest().lag, None);

    // With a change of everything, which may come later, who is gone doesn't come back.
    let body = json!({"name": "more"});
    let path = "/v1/organizations/acme/workspaces";
    f.call("POST", path, &admin, Some(body)).await.expect(201);
    let body = json!({"name": "short", "role": "ORGANIZATION_MEMBER"});
    let owner = f.token_of("owner@example.com").await;
    let made = f.call("POST", TOKENS, &owner, Some(body)).await;
    let made = made.expect(201).json();
    let third = reader.until(&f, |s| knows(s, subject(&made))).await;
    assert!(!knows(&third, user));
}

async fn f18_whoever_knows_no_changes_is_told_everything(database: Option<String>) {
    let (f, _, mut reader) = fleet("unreadable", database).await;
    let owner = f.token_of("owner@example.com").await;
    let old = token(&f, &owner, "old").await;
    f.work();
    let first = reader.until(&f, |s| knows(s, subject(&old))).await;
    settled(&f, &mut reader, first).await;
    let new = token(&f, &owner, "new").await;
    let told = reader.until(&f, |s| knows(s, subject(&new))).await;
    assert!(!told.sections().changes.is_empty());
    // A gate of an earlier version is there by now: what it can't read is told anew.
    report_as(&f, &reader, "r2", None).await;
    let plain = |s: &Snapshot| s.manifest().min_reader < WITH_CHANGES;
    let whole = reader.until(&f, plain).await;
    assert!(knows(&whole, subject(&new)) && whole.sections().changes.is_empty());
    // It goes, and ten minutes later counts no more.
    f.clock.advance(Duration::from_secs(601));
    report(&f, &reader, Some(READER)).await;
    let third = token(&f, &owner, "third").await;
    let told = reader.until(&f, |s| knows(s, subject(&third))).await;
    assert_eq!(told.manifest().min_reader, WITH_CHANGES);
}

async fn f18_with_many_changes_everything_is_told_anew(database: Option<String>) {
    let (f, _, mut reader) = fleet("many", database).await;
    let owner = f.token_of("owner@example.com").await;
    f.work();
    let last = token(&f, &owner, "first").await;
    let first = reader.until(&f, |s| knows(s, subject(&last))).await;
    let first = settled(&f, &mut reader, first).await;
    let base = |s: &Snapshot| s.manifest().sections["subjects"].hash;
    let mut told = first.clone();
    for number in 0..300 {
        token(&f, &owner, &format!("token {number}")).await;
    }
    // The turn of everything comes with the next change.
    while base(&told) == base(&first) {
        let last = token(&f, &owner, "one more").await;
        told = reader.until(&f, |s| knows(s, subject(&last))).await;
    }
    assert!(told.sections().changes.subjects.len() < 300);
    assert_eq!(told.manifest().lag, None);
}

/// Whatever happened: told one by one, people are who they are in a whole snapshot.
async fn f18_who_changed_one_by_one_is_as_in_a_whole_snapshot(database: Option<String>) {
    let (f, admin, mut reader) = fleet("same", database).await;
    let owner = f.token_of("owner@example.com").await;
    let tokens = [token(&f, &owner, "a").await, token(&f, &owner, "b").await];
    f.work();
    let first = reader.until(&f, |s| knows(s, subject(&tokens[1]))).await;
    settled(&f, &mut reader, first).await;

    let of = |token: &Value| format!("{TOKENS}/{}", token["id"].as_str().unwrap());
    let renamed = json!({"name": "renamed"});
    f.call("POST", &of(&tokens[0]), &owner, Some(renamed))
        .await
        .expect(200);
    let rotate = format!("{}/rotate", of(&tokens[0]));
    f.call("POST", &rotate, &owner, Some(json!({})))
        .await
        .expect(200);
    f.call("DELETE", &of(&tokens[1]), &owner, None)
        .await
        .expect(200);
    let people = "/v1/organizations/acme/users";
    for number in 0..5 {
        let body = json!({
            "email": format!("new-{number}@example.com"), "name": "New", "role": "ORGANIZATION_MEMBER",
        });
        f.call("POST", people, &admin, Some(body)).await.expect(201);
    }
    let listed = f.call("GET", people, &admin, None).await.json();
    let gone = listed["items"].as_array().unwrap().clone();
    let gone = gone
        .iter()
        .find(|user| user["email"] == "new-2@example.com")
        .unwrap();
    let gone = format!("{people}/{}", gone["id"].as_str().unwrap());
    f.call("DELETE", &gone, &admin, None).await.expect(200);
    let last = token(&f, &owner, "last").await;
    let told = reader.until(&f, |s| knows(s, subject(&last))).await;
    assert!(!told.sections().changes.is_empty());
    report_as(&f, &reader, "r2", None).await;
    let plain = |s: &Snapshot| s.manifest().min_reader < WITH_CHANGES;
    let whole = reader.until(&f, plain).await;
    let people = |snapshot: &Snapshot| {
        let world = World::from_snapshot(snapshot);
        let people = world.people().map(|(who, person)| (who, person.clone()));
        people.collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(people(&told), people(&whole));
}

/// Runs SQL beside control.
async fn raw(f: &Fixture, database: Option<&str>, sql: &'static str) {
    if let Some(url) = database {
        let mut beside = PgConnection::connect(url).await.unwrap();
        beside.execute(sql).await.unwrap();
    } else {
        let path = f.dir.path().join("control.db");
        let url = format!("sqlite:{}", path.display());
        let mut beside = SqliteConnection::connect(&url).await.unwrap();
        beside.execute(sql).await.unwrap();
        beside.close().await.unwrap();
    }
}

/// Neither somebody whose row is broken nor the number of those who changed is waited for.
async fn f18_whoever_can_not_be_read_holds_up_no_revocation(database: Option<String>) {
    let hour = Duration::from_secs(3_600);
    let publishing = Publishing {
        at_once: Duration::ZERO,
        rest: (hour, hour),
        ..Publishing::default()
    };
    let url = database.clone();
    let f = Fixture::configured("unread", |config| {
        config.publishing = publishing;
        if let Some(database) = database {
            config.database = database;
        }
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let mut reader = Reader::new(&f, &admin).await;
    report(&f, &reader, Some(READER)).await;
    let owner = f.token_of("owner@example.com").await;
    let tokens = [token(&f, &owner, "a").await, token(&f, &owner, "b").await];
    f.work();
    let first = reader.until(&f, |s| knows(s, subject(&tokens[1]))).await;
    settled(&f, &mut reader, first).await;

    let people = "/v1/organizations/acme/users";
    let body = json!({
        "email": "broken@example.com", "name": "Broken", "role": "ORGANIZATION_MEMBER",
    });
    f.call("POST", people, &admin, Some(body)).await.expect(201);
    let sql = "UPDATE users SET managed_by = 'nobody' WHERE email = 'broken@example.com'";
    raw(&f, url.as_deref(), sql).await;
    let end = async |token: &Value| {
        let path = format!("{TOKENS}/{}", token["id"].as_str().unwrap());
        f.call("DELETE", &path, &owner, None).await.expect(200);
    };
    end(&tokens[0]).await;
    let told = reader.until(&f, |s| revoked(s) == 1).await;
    assert!(
        told.manifest().lag.is_some(),
        "it says that something is missing"
    );

    // More than are read before revocations go out.
    let mut last = None;
    for number in 0..20 {
        last = Some(token(&f, &owner, &format!("token {number}")).await);
    }
    end(&tokens[1]).await;
    let told = reader.until(&f, |s| revoked(s) == 2).await;
    let last = subject(&last.unwrap());
    assert!(!knows(&told, last));

    // As soon as everybody can be read again, everybody is told.
    let sql = "UPDATE users SET managed_by = 'api' WHERE email = 'broken@example.com'";
    raw(&f, url.as_deref(), sql).await;
    token(&f, &owner, "one more").await;
    let told = reader.until(&f, |s| knows(s, last)).await;
    assert_eq!(revoked(&told), 2);
}
