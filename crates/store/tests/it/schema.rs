use aeolus_store::{Store, StoreError, Unit};

use crate::fixture::Database;

async fn every_statement_fits_the_schema(db: Database) {
    assert!(db.store.prepare_all().await.unwrap() > 130);
    db.store.ping().await.unwrap();
}

async fn starting_at_once_migrates_once(db: Database) {
    let starts = (0..8).map(|_| {
        let url = db.url.clone();
        tokio::spawn(async move { Store::connect(&url.parse().unwrap()).await.unwrap() })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().ping().await.unwrap();
    }
    let feed = db
        .store
        .read()
        .await
        .unwrap()
        .settings()
        .feed()
        .await
        .unwrap();
    assert_eq!((feed.epoch, feed.position, feed.content), (1, 0, 0));
}

async fn a_newer_schema_is_refused(db: Database) {
    db.raw(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         SELECT 9999, description, success, checksum, execution_time FROM _sqlx_migrations
         WHERE version = 1",
    )
    .await;
    let error = Store::connect(&db.url.parse().unwrap()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 9999, .. }),
        "{error}"
    );
    assert!(error.to_string().starts_with(error.code()), "{error}");
}

async fn a_foreign_schema_is_refused(db: Database) {
    let altered = if db.is_sqlite() {
        "UPDATE _sqlx_migrations SET checksum = x'00'"
    } else {
        "UPDATE _sqlx_migrations SET checksum = '\\x00'"
    };
    db.raw(altered).await;
    let error = Store::connect(&db.url.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::Schema(1)), "{error}");
}

async fn settings_and_epoch(db: Database) {
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.settings().get("product-version").await.unwrap(), None);
    write
        .settings()
        .put("product-version", "0.1.0")
        .await
        .unwrap();
    write
        .settings()
        .put("product-version", "0.2.0")
        .await
        .unwrap();
    assert_eq!(write.settings().next_epoch().await.unwrap(), 2);
    write.commit().await.unwrap();
    let mut read = db.again().await.read().await.unwrap();
    let version = read.settings().get("product-version").await.unwrap();
    assert_eq!(version.as_deref(), Some("0.2.0"));
    assert_eq!(read.settings().feed().await.unwrap().epoch, 2);
}

on_every_engine! {
    every_statement_fits_the_schema,
    starting_at_once_migrates_once,
    a_newer_schema_is_refused,
    a_foreign_schema_is_refused,
    settings_and_epoch,
}
