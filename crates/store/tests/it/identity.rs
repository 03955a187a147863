use std::time::Duration;

use aeolus_model::{AuthorizationCode, Session};
use aeolus_store::Unit;

use crate::fixture::{Database, NOW};

fn code(session: &Session) -> AuthorizationCode {
    AuthorizationCode::Issued {
        client_id: "urn:aeolus:plane:1".to_owned(),
        redirect_uri: "https://etl.example.com/.aeolus/callback".to_owned(),
        challenge: "c".to_owned(),
        audience: "urn:aeolus:deployment:1".to_owned(),
        scope: "openid".to_owned(),
        nonce: Some("n".to_owned()),
        session: session.id,
        issued_at: NOW,
    }
}

async fn a13_o1_of_fifty_exchanges_at_once_one_gets_the_code(db: Database) {
    let user = db.fleet().await.user;
    let session = db.session(&user);
    let digest = [7; 32];
    let mut write = db.store.write().await.unwrap();
    write.sessions().insert(&session).await.unwrap();
    write
        .codes()
        .insert(&digest, &code(&session))
        .await
        .unwrap();
    write.commit().await.unwrap();
    let tasks = (0..50).map(|_| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await.unwrap();
            let taken = write.codes().take(&digest, NOW).await.unwrap();
            write.commit().await.unwrap();
            taken
        })
    });
    let mut issued = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap().unwrap() {
            taken @ AuthorizationCode::Issued { .. } => {
                assert_eq!(taken, code(&session));
                issued += 1;
            }
            AuthorizationCode::Exchanged { session: on } => assert_eq!(on, session.id),
        }
    }
    assert_eq!(issued, 1);
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.codes().take(&[8; 32], NOW).await.unwrap(), None);
    assert_eq!(
        write
            .codes()
            .forget(NOW.plus(Duration::from_secs(1)))
            .await
            .unwrap(),
        1
    );
}

async fn a_session_ends_once_and_its_organizations_learn_of_it(db: Database) {
    let fleet = db.fleet().await;
    let session = db.session(&fleet.user);
    let other = db.session(&fleet.user);
    let mut write = db.store.write().await.unwrap();
    write.sessions().insert(&session).await.unwrap();
    write.sessions().insert(&other).await.unwrap();
    for _ in 0..2 {
        write
            .sessions()
            .enter(session.id, fleet.organization.id)
            .await
            .unwrap();
    }
    let before = write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    assert_eq!(
        write
            .sessions()
            .alive(fleet.user.id, NOW)
            .await
            .unwrap()
            .len(),
        2
    );
    assert!(write.sessions().end(session.id, NOW).await.unwrap());
    assert!(
        !write
            .sessions()
            .end(session.id, NOW.plus(Duration::from_secs(1)))
            .await
            .unwrap()
    );
    assert_eq!(
        write.sessions().end_all(fleet.user.id, NOW).await.unwrap(),
        1
    );
    assert_eq!(
        write.commit().await.unwrap(),
        before + 1,
        "gates have to hear of it"
    );
    let mut read = db.store.read().await.unwrap();
    let ended = read
        .sessions()
        .ended(fleet.organization.id, NOW)
        .await
        .unwrap();
    assert_eq!(ended, [session.clone().ended(NOW)]);
    let later = session.absolute_end;
    assert_eq!(
        read.sessions()
            .ended(fleet.organization.id, later)
            .await
            .unwrap(),
        []
    );
    assert_eq!(read.sessions().alive(fleet.user.id, NOW).await.unwrap(), []);
    drop(read);
    let mut write = db.store.write().await.unwrap();
    let past = later.plus(Duration::from_secs(1));
    assert_eq!(write.sessions().forget(past).await.unwrap(), 2);
}

async fn attempts_are_counted_exactly_and_forgotten_after_the_window(db: Database) {
    let window = Duration::from_secs(60);
    let tasks = (0..60).map(|_| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await.unwrap();
            let throttle = write.throttles().hit("a", window, NOW).await.unwrap();
            write.commit().await.unwrap();
            throttle.hits
        })
    });
    let mut hits = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        hits.push(task.await.unwrap());
    }
    hits.sort_unstable();
    assert_eq!(hits, (1..=60).collect::<Vec<_>>());
    let later = NOW.plus(window);
    let mut write = db.store.write().await.unwrap();
    assert_eq!(
        write
            .throttles()
            .get("a", window, NOW)
            .await
            .unwrap()
            .unwrap()
            .hits,
        60
    );
    assert_eq!(
        write.throttles().get("a", window, later).await.unwrap(),
        None
    );
    assert_eq!(
        write
            .throttles()
            .hit("a", window, later)
            .await
            .unwrap()
            .hits,
        1
    );
    assert_eq!(
        write
            .throttles()
            .hit("a", window, later)
            .await
            .unwrap()
            .hits,
        2
    );
    write.throttles().clear("a").await.unwrap();
    assert_eq!(
        write
            .throttles()
            .hit("a", window, later)
            .await
            .unwrap()
            .hits,
        1
    );
}

on_every_engine! {
    a13_o1_of_fifty_exchanges_at_once_one_gets_the_code,
    a_session_ends_once_and_its_organizations_learn_of_it,
    attempts_are_counted_exactly_and_forgotten_after_the_window,
}
