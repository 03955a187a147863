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

/// What a newer program made and says this one works with.
async fn f66_a_newer_schema_that_only_adds_is_worked_with(db: Database) {
    let db = db.newer().await;
    db.migrated(9001, Some(1)).await;
    let store = db.again().await;
    assert!(store.prepare_all().await.unwrap() > 130);
    let acme = db.organization("acme");
    let mut write = store.write().await.unwrap();
    write.organizations().insert(&acme).await.unwrap();
    assert_eq!(write.commit().await.unwrap(), 1);
    let mut read = db.again().await.read().await.unwrap();
    let found = read.organizations().get(acme.id).await.unwrap();
    assert_eq!(found, Some(acme));
}

async fn f66_a_newer_schema_this_program_cannot_work_with_is_refused(db: Database) {
    db.migrated(9998, Some(29)).await;
    db.again().await.ping().await.unwrap();
    db.migrated(9999, Some(9000)).await;
    let error = Store::connect(&db.url.parse().unwrap()).await.unwrap_err();
    let StoreError::Newer { found, oldest, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((found, oldest), (9999, 9000));
    assert!(error.to_string().starts_with(error.code()), "{error}");
    // Whoever runs already goes on, and the newer program isn't in the way of who is refused.
    db.store.ping().await.unwrap();
}

async fn f66_a_newer_schema_that_says_nothing_is_refused(db: Database) {
    db.migrated(9999, None).await;
    let error = Store::connect(&db.url.parse().unwrap()).await.unwrap_err();
    let newer = matches!(
        error,
        StoreError::Newer {
            found: 9999,
            oldest: 9999,
            ..
        }
    );
    assert!(newer, "{error}");
}

/// Sums of what this program has are checked beside a newer migration too, and a migration from between is
/// no newer one.
async fn f66_another_builds_schema_is_refused_beside_a_newer_one(db: Database) {
    let db = db.newer().await;
    db.migrated(15, Some(1)).await;
    let error = Store::connect(&db.url.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::Schema(15)), "{error}");
    db.raw("DELETE FROM _sqlx_migrations WHERE version = 15")
        .await;
    let altered = if db.is_sqlite() {
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2"
    } else {
        "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 2"
    };
    db.raw(altered).await;
    let error = Store::connect(&db.url.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::Schema(2)), "{error}");
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
    a_foreign_schema_is_refused,
    settings_and_epoch,
}

/// They make schemas of their own.
mod rollback {
    use crate::fixture::Database;

    macro_rules! on_either {
        ($($name:ident),* $(,)?) => {$(
            mod $name {
                use super::Database;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    let db = Database::sqlite(stringify!($name)).await;
                    super::super::$name(db).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    if let Some(db) = Database::postgres(stringify!($name)).await {
                        super::super::$name(db).await;
                    }
                }
            }
        )*};
    }

    on_either! {
        f66_a_newer_schema_that_only_adds_is_worked_with,
        f66_a_newer_schema_this_program_cannot_work_with_is_refused,
        f66_a_newer_schema_that_says_nothing_is_refused,
        f66_another_builds_schema_is_refused_beside_a_newer_one,
    }
}
