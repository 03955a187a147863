//! Device codes: of any number of decisions and uses at once, one counts.

use std::time::Duration;

use aeolus_model::{DeviceCode, DeviceStage, Session};
use aeolus_store::{StoreError, Unit};

use crate::fixture::{Database, NOW};

const DEVICE: [u8; 32] = [1; 32];
const TYPED: [u8; 32] = [2; 32];

fn code() -> DeviceCode {
    DeviceCode {
        client_id: "aeolus-cli".to_owned(),
        scope: "openid".to_owned(),
        source: "192.0.2.7".to_owned(),
        issued_at: NOW,
        stage: DeviceStage::Pending,
        polled_at: None,
        pace: DeviceCode::PACE,
    }
}

/// A pending code and a session, stored.
async fn stored(db: &Database) -> Session {
    let user = db.fleet().await.user;
    let session = db.session(&user);
    let mut write = db.store.write().await.unwrap();
    write.sessions().insert(&session).await.unwrap();
    let mut codes = write.device_codes();
    codes.insert((&DEVICE, &TYPED), &code()).await.unwrap();
    write.commit().await.unwrap();
    session
}

async fn stage(db: &Database) -> Option<DeviceStage> {
    let mut read = db.store.read().await.unwrap();
    let found = read.device_codes().get(&DEVICE).await.unwrap();
    found.map(|code| code.stage)
}

async fn one_is_found_by_either_digest_as_it_was_kept(db: Database) {
    stored(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mut codes = write.device_codes();
    assert_eq!(codes.get(&DEVICE).await.unwrap(), Some(code()));
    assert_eq!(codes.by_user_code(&TYPED).await.unwrap(), Some(code()));
    assert_eq!(codes.get(&TYPED).await.unwrap(), None);
    assert_eq!(codes.by_user_code(&DEVICE).await.unwrap(), None);
    let (at, pace) = (NOW.plus(Duration::from_secs(3)), Duration::from_secs(10));
    codes.polled(&DEVICE, at, pace).await.unwrap();
    let polled = DeviceCode {
        polled_at: Some(at),
        pace,
        ..code()
    };
    assert_eq!(codes.get(&DEVICE).await.unwrap(), Some(polled));
    assert_eq!(codes.forget(NOW).await.unwrap(), 0);
    assert_eq!(codes.forget(at).await.unwrap(), 1);
    assert_eq!(codes.get(&DEVICE).await.unwrap(), None);
}

async fn a_code_that_is_there_is_not_kept_twice(db: Database) {
    stored(&db).await;
    for pair in [(&DEVICE, &[9; 32]), (&[9; 32], &TYPED)] {
        let mut write = db.store.write().await.unwrap();
        let again = write.device_codes().insert(pair, &code()).await;
        assert!(matches!(again, Err(StoreError::Taken(_))), "{again:?}");
    }
}

async fn a13_of_fifty_decisions_and_of_fifty_uses_at_once_one_counts(db: Database) {
    let session = stored(&db).await;
    assert_eq!(
        many(&db, |mut write| async move {
            let taken = write.device_codes().take(&DEVICE, NOW).await.unwrap();
            write.commit().await.unwrap();
            taken
        })
        .await,
        0,
        "nobody has decided"
    );
    let id = session.id;
    let decided = many(&db, move |mut write| async move {
        let mut codes = write.device_codes();
        let counted = codes.decide(&TYPED, NOW, Some(id)).await.unwrap();
        write.commit().await.unwrap();
        counted
    });
    assert_eq!(decided.await, 1);
    assert_eq!(
        stage(&db).await,
        Some(DeviceStage::Approved { session: id })
    );
    let used = many(&db, |mut write| async move {
        let taken = write.device_codes().take(&DEVICE, NOW).await.unwrap();
        write.commit().await.unwrap();
        taken
    });
    assert_eq!(used.await, 1);
    assert_eq!(stage(&db).await, Some(DeviceStage::Used));
}

/// How many of fifty units of work at once say yes.
async fn many<F: Future<Output = bool> + Send + 'static>(
    db: &Database,
    work: impl Fn(aeolus_store::Write) -> F + Clone + Send + 'static,
) -> usize {
    let tasks = (0..50).map(|_| {
        let (store, work) = (db.store.clone(), work.clone());
        tokio::spawn(async move {
            let write = store.write().await.unwrap();
            work(write).await
        })
    });
    let mut yes = 0;
    for task in tasks.collect::<Vec<_>>() {
        yes += usize::from(task.await.unwrap());
    }
    yes
}

async fn a_refused_code_is_never_used_and_one_goes_with_its_session(db: Database) {
    let session = stored(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mut codes = write.device_codes();
    assert!(codes.decide(&TYPED, NOW, None).await.unwrap());
    assert!(!codes.decide(&TYPED, NOW, Some(session.id)).await.unwrap());
    assert!(!codes.take(&DEVICE, NOW).await.unwrap());
    write.commit().await.unwrap();
    assert_eq!(stage(&db).await, Some(DeviceStage::Denied));
    let mut write = db.store.write().await.unwrap();
    let mut codes = write.device_codes();
    codes
        .forget(NOW.plus(Duration::from_secs(1)))
        .await
        .unwrap();
    codes.insert((&DEVICE, &TYPED), &code()).await.unwrap();
    codes.decide(&TYPED, NOW, Some(session.id)).await.unwrap();
    let after = session.absolute_end.plus(Duration::from_secs(1));
    write.sessions().forget(after).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(stage(&db).await, None);
}

on_every_engine! {
    one_is_found_by_either_digest_as_it_was_kept,
    a_code_that_is_there_is_not_kept_twice,
    a13_of_fifty_decisions_and_of_fifty_uses_at_once_one_counts,
    a_refused_code_is_never_used_and_one_goes_with_its_session,
}
