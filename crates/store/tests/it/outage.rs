use std::time::Duration;

use aeolus_store::{Store, StoreError, Unit};

use crate::fixture::{Database, NOW, event};

async fn open(path: &std::path::Path) -> StoreError {
    let url = format!("sqlite:{}", path.display()).parse().unwrap();
    let error = Store::connect(&url).await.unwrap_err();
    assert!(error.to_string().starts_with(error.code()), "{error}");
    assert!(error.is_outage());
    error
}

#[tokio::test]
async fn a_file_that_is_no_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(&path, "this is a text file, not a database".repeat(200)).unwrap();
    let error = open(&path).await;
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
}

#[tokio::test]
async fn a_damaged_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let url = format!("sqlite:{}", path.display()).parse().unwrap();
    let store = Store::connect(&url).await.unwrap();
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[100..length].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = open(&path).await;
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        folder.path().join("missing").join("a.db"),
        folder.path().to_owned(),
    ] {
        let error = open(&path).await;
        assert!(matches!(error, StoreError::ReadOnly(_)), "{error}");
    }
}

#[tokio::test]
async fn only_our_account_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let url = format!("sqlite:{}", path.display()).parse().unwrap();
    let store = Store::connect(&url).await.unwrap();
    let mut write = store.write().await.unwrap();
    write.audit(event("x"));
    write.commit().await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and the log's index");
}

#[tokio::test]
async fn f43_a_server_that_is_not_there_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "postgres:///x?host={}&password=hunter2",
        folder.path().display()
    );
    let error = Store::connect(&url.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(!error.to_string().contains("hunter2"));
}

/// F44: a database that doesn't answer costs two seconds and then a clear no; afterwards it works
/// as before.
async fn f44_waiting_has_a_deadline(db: Database) {
    let other = db.again().await;
    let mut blocker = other.write().await.unwrap();
    blocker
        .throttles()
        .hit("a", Duration::from_secs(9), NOW)
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    let tasks = (0..30).map(|_| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await?;
            write
                .throttles()
                .hit("a", Duration::from_secs(9), NOW)
                .await?;
            write.commit().await
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        let error = task.await.unwrap().unwrap_err();
        assert!(
            matches!(error, StoreError::Timeout | StoreError::Busy),
            "{error}"
        );
        assert!(error.is_transient());
    }
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    db.store.ping().await.unwrap();
    blocker.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let hit = write
        .throttles()
        .hit("a", Duration::from_secs(9), NOW)
        .await
        .unwrap();
    assert_eq!(hit.hits, 1, "nothing of what was refused was stored");
    write.audit(event("again"));
    assert_eq!(write.commit().await.unwrap(), 1);
}

/// F43: connections that die under us cost the units of work on them and nothing more.
#[tokio::test]
async fn f43_cut_connections_are_replaced() {
    let Some(db) = Database::postgres("cut").await else {
        return;
    };
    let mut write = db.store.write().await.unwrap();
    write.audit(event("lost"));
    let mut read = db.store.read().await.unwrap();
    db.raw(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    let error = read.settings().feed().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let error = write.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    drop(read);
    let mut write = db.store.write().await.unwrap();
    write.audit(event("again"));
    assert_eq!(write.commit().await.unwrap(), 1);
}

on_every_engine! {
    f44_waiting_has_a_deadline,
}
