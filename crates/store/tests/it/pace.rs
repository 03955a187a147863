use std::time::Duration;

use aeolus_store::Unit;

use crate::fixture::{Database, NOW, event};

/// Says what a unit of work costs (`cargo test -p aeolus-store pace -- --nocapture`), without a
/// disk: the suite keeps SQLite in memory and PostgreSQL without fsync. Only the order of
/// magnitude is a promise.
async fn pace(db: Database) {
    const ROUNDS: u32 = 200;
    let fleet = db.fleet().await;
    let engine = if db.is_sqlite() { "sqlite" } else { "postgres" };
    let began = tokio::time::Instant::now();
    for _ in 0..ROUNDS {
        let mut write = db.store.write().await.unwrap();
        db.token(&mut write, &fleet).await;
        write.audit(event("token"));
        write.commit().await.unwrap();
    }
    let written = began.elapsed() / ROUNDS;
    let began = tokio::time::Instant::now();
    for _ in 0..ROUNDS {
        let mut read = db.store.read().await.unwrap();
        assert!(read.users().get(fleet.user.id).await.unwrap().is_some());
    }
    let read = began.elapsed() / ROUNDS;
    let began = tokio::time::Instant::now();
    let mut view = db.store.read().await.unwrap();
    let tokens = view.tokens().reaching(fleet.plane.id, NOW).await.unwrap();
    let swept = began.elapsed();
    assert_eq!(tokens.len(), ROUNDS as usize);
    println!(
        "{engine}: create a token {written:?}, read a user {read:?}, {ROUNDS} tokens {swept:?}"
    );
    assert!(written < Duration::from_secs(1) && read < Duration::from_secs(1));
}

on_every_engine! {
    pace,
}
