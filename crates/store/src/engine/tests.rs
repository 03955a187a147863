use aeolus_model::{OrganizationId, Slug};

use super::*;
use crate::{ManagedBy, Organization, Unit as _};

/// F45: a full disk refuses, stores nothing, and takes writes again once there is room.
#[tokio::test]
async fn f45_a_full_disk_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("a.db"));
    let store = Store::connect(&url).await.unwrap();
    let organization = |n: u8, policy: String| Organization {
        id: OrganizationId::from_bytes([n; 16]),
        name: Slug::parse(&format!("o{n}")).unwrap(),
        policy,
        quota: String::new(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    // The writer is one connection, so the limit holds for the next write.
    limit(&store, "PRAGMA max_page_count = 1").await;
    let large = organization(1, "x".repeat(1 << 20));
    let mut write = store.write().await.unwrap();
    let error = write.organizations().insert(&large).await.unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error}");
    drop(write);
    let mut read = store.read().await.unwrap();
    assert_eq!(read.organizations().get(large.id).await.unwrap(), None);
    assert_eq!(read.settings().feed().await.unwrap().position, 0);
    drop(read);
    let mut write = store.write().await.unwrap();
    write.organizations().insert(&large).await.unwrap();
    assert_eq!(write.commit().await.unwrap(), 1);
}

async fn limit(store: &Store, pragma: &'static str) {
    let Engine::Sqlite { writer, .. } = &store.0 else {
        panic!()
    };
    sqlx::query(pragma).execute(writer).await.unwrap();
}

#[test]
fn engines_say_the_same_in_their_own_codes() {
    for (sqlite, postgres) in [
        (5, "40001"),
        (9, "57014"),
        (8, "25006"),
        (11, "XX001"),
        (13, "53100"),
    ] {
        let ours = cause::sqlite_error(sqlite, "m");
        let theirs = cause::postgres_error(postgres, "m");
        assert_eq!(ours.code(), theirs.code());
    }
    // SQLITE_CANTOPEN_ISDIR: the low byte counts.
    assert_eq!(cause::sqlite_error(526, "m").code(), "DB-READ-ONLY");
    assert_eq!(cause::postgres_error("28P01", "m").code(), "DB-UNAVAILABLE");
    assert_eq!(cause::postgres_error("42501", "m").code(), "DB-ACCESS");
}
