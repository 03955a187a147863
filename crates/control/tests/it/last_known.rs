//! F43: what gates are told while control's database is away.

use std::time::Duration;

use aeolus_model::Clock as _;
use aeolus_snapshot::{Position, verify_freshness};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::fixture::Fixture;
use crate::publish::Reader;

/// Control with a fleet, on a PostgreSQL that can be taken away. None where there is no PostgreSQL.
pub(crate) async fn fleet(name: &str) -> Option<(Fixture, String)> {
    let url = crate::cluster::new_database().await?;
    let f = Fixture::configured(name, |config| config.database = url).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    Some((f, admin))
}

/// Takes control's database away.
pub(crate) async fn lose(f: &Fixture) {
    let (_, rest) = f.database.split_once(":///").unwrap();
    let (name, rest) = rest.split_once('?').unwrap();
    let server = format!("postgres:///postgres?{rest}");
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    admin.execute(AssertSqlSafe(drop)).await.unwrap();
    admin.close().await.unwrap();
}

#[tokio::test]
async fn f43_a_gate_with_an_empty_disk_gets_its_snapshot_without_the_database() {
    let Some((f, admin)) = fleet("last-known").await else {
        return;
    };
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let before = reader.read(&f).await;
    lose(&f).await;
    let at = f.clock.now();
    f.clock.advance(Duration::from_secs(60));
    let organizations = f.call("GET", "/v1/organizations", &admin, None).await;
    organizations.expect(503);

    let mut reader = reader.emptied();
    let answer = reader.poll(&f, 0).await;
    let said = verify_freshness(&reader.root, reader.gate.plane, &answer.freshness).unwrap();
    // Nobody knows that there is nothing newer, so the gate's knowledge grows old.
    assert!(said.as_of <= at, "{said:?}");
    let again = reader.take(&f, answer).await.unwrap();
    assert_eq!(again.position(), before.position());
    // And nothing further is newer.
    let next = reader.poll(&f, 0).await;
    assert!(next.manifest.is_none());
    // What was never asked for is not there.
    let path = format!("/v1/planes/self/sections/{}", "0".repeat(64));
    let blob = f.call("GET", &path, &f.assertion(&reader.gate), None).await;
    blob.expect(503);
}

#[tokio::test]
async fn f43_without_the_database_a_gate_that_knows_more_is_told_nothing() {
    let Some((f, admin)) = fleet("last-known-less").await else {
        return;
    };
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let position = reader.read(&f).await.position();
    lose(&f).await;
    // Another replica published it, before the database went away.
    reader.position = Some(Position {
        seq: position.seq + 1,
        ..position
    });
    reader.ask(&f, 0).await.expect(503);
}

#[tokio::test]
async fn f43_without_the_database_a_plane_in_quarantine_or_unknown_is_told_nothing() {
    let Some((f, admin)) = fleet("last-known-quarantine").await else {
        return;
    };
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let silent = f.join(&admin, "eu-2").await;
    let body = Some(json!({}));
    let quarantine = "/v1/planes/eu-1/quarantine";
    f.call("POST", quarantine, &admin, body).await.expect(200);
    reader.ask(&f, 0).await.expect(403);
    lose(&f).await;
    reader.ask(&f, 0).await.expect(403);
    // Nor does a plane do anything else by what was last known of it.
    let status = "/v1/planes/self/status";
    let proof = f.assertion(&reader.gate);
    let known = f.call("POST", status, &proof, Some(json!({}))).await;
    known.expect(503);
    let path = "/v1/planes/self/manifest";
    let unknown = f.call("GET", path, &f.assertion(&silent), None).await;
    unknown.expect(503);
}
