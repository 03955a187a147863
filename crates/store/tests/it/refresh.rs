//! Refresh tokens: of any number of uses at once, one counts.

use std::time::Duration;

use aeolus_model::{FamilyStage, RefreshFamily, RefreshFamilyId, RefreshToken, Session};
use aeolus_store::{StoreError, Unit};

use crate::fixture::{Database, NOW};

const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];

/// A session with a family of one member, stored.
async fn family(db: &Database) -> (Session, RefreshFamily) {
    let user = db.fleet().await.user;
    let session = db.session(&user);
    let family = RefreshFamily {
        id: RefreshFamilyId::new(&db.clock, &db.rng),
        session: session.id,
        client_id: "aeolus-cli".to_owned(),
        audience: "https://aeolus.example.com".to_owned(),
        scope: "openid offline_access".to_owned(),
        began_at: NOW,
        stage: FamilyStage::Alive,
    };
    let mut write = db.store.write().await.unwrap();
    write.sessions().insert(&session).await.unwrap();
    let mut tokens = write.refresh_tokens();
    tokens.begin(&family, &FIRST).await.unwrap();
    write.commit().await.unwrap();
    (session, family)
}

async fn a13_f48_of_fifty_uses_at_once_one_is_followed(db: Database) {
    let (_, family) = family(&db).await;
    let tasks = (0..50).map(|_| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await.unwrap();
            let mut tokens = write.refresh_tokens();
            let member = tokens.spend(&FIRST, NOW).await.unwrap().unwrap();
            if matches!(member, RefreshToken::Current { .. }) {
                tokens.follow(&member, &SECOND).await.unwrap();
            }
            write.commit().await.unwrap();
            member
        })
    });
    let mut first = 0;
    for task in tasks.collect::<Vec<_>>() {
        let member = task.await.unwrap();
        assert_eq!((member.family(), member.place()), (&family, 0));
        match member {
            RefreshToken::Current { .. } => first += 1,
            RefreshToken::Spent { at, passed, .. } => assert_eq!((at, passed), (NOW, false)),
        }
    }
    assert_eq!(first, 1);
    let mut read = db.store.read().await.unwrap();
    let next = read.refresh_tokens().get(&SECOND).await.unwrap().unwrap();
    assert_eq!(next, RefreshToken::Current { family, place: 1 });
    assert_eq!(read.refresh_tokens().get(&[9; 32]).await.unwrap(), None);
}

async fn o12_a_spent_member_says_whether_the_next_one_was_used(db: Database) {
    let (_, family) = family(&db).await;
    let later = NOW.plus(Duration::from_secs(5));
    let mut write = db.store.write().await.unwrap();
    let mut tokens = write.refresh_tokens();
    let member = tokens.spend(&FIRST, NOW).await.unwrap().unwrap();
    tokens.follow(&member, &SECOND).await.unwrap();
    let member = tokens.spend(&SECOND, later).await.unwrap().unwrap();
    tokens.follow(&member, &[3; 32]).await.unwrap();
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let spent = |place, at, passed| RefreshToken::Spent {
        family: family.clone(),
        place,
        at,
        passed,
    };
    let first = read.refresh_tokens().get(&FIRST).await.unwrap().unwrap();
    assert_eq!(first, spent(0, NOW, true));
    let second = read.refresh_tokens().get(&SECOND).await.unwrap().unwrap();
    assert_eq!(second, spent(1, later, false));
}

async fn a_use_that_is_taken_back_spends_nothing(db: Database) {
    let (_, family) = family(&db).await;
    let mut write = db.store.write().await.unwrap();
    write.refresh_tokens().spend(&FIRST, NOW).await.unwrap();
    write.rollback().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let member = read.refresh_tokens().get(&FIRST).await.unwrap().unwrap();
    assert_eq!(member, RefreshToken::Current { family, place: 0 });
}

async fn no_member_is_followed_twice(db: Database) {
    family(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mut tokens = write.refresh_tokens();
    let member = tokens.spend(&FIRST, NOW).await.unwrap().unwrap();
    tokens.follow(&member, &SECOND).await.unwrap();
    let again = tokens.follow(&member, &[3; 32]).await;
    assert!(matches!(again, Err(StoreError::Taken(_))), "{again:?}");
}

async fn a_family_ends_once_and_goes_with_its_session(db: Database) {
    let (session, family) = family(&db).await;
    let later = NOW.plus(Duration::from_secs(5));
    let mut write = db.store.write().await.unwrap();
    let mut tokens = write.refresh_tokens();
    assert!(tokens.end(family.id, NOW).await.unwrap());
    assert!(!tokens.end(family.id, later).await.unwrap());
    let member = tokens.get(&FIRST).await.unwrap().unwrap();
    assert_eq!(member.family().stage, FamilyStage::Ended { at: NOW });
    assert_eq!(tokens.forget(NOW).await.unwrap(), 0);
    assert_eq!(tokens.forget(later).await.unwrap(), 1);
    assert_eq!(tokens.get(&FIRST).await.unwrap(), None);
    write.rollback().await.unwrap();

    // A session that ended takes its families along, and so does one that is forgotten.
    let mut write = db.store.write().await.unwrap();
    write.sessions().end(session.id, NOW).await.unwrap();
    assert_eq!(write.refresh_tokens().forget(later).await.unwrap(), 1);
    write.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let past = session.absolute_end.plus(Duration::from_secs(1));
    assert_eq!(write.sessions().forget(past).await.unwrap(), 1);
    assert_eq!(write.refresh_tokens().get(&FIRST).await.unwrap(), None);
}

on_every_engine! {
    a13_f48_of_fifty_uses_at_once_one_is_followed,
    o12_a_spent_member_says_whether_the_next_one_was_used,
    a_use_that_is_taken_back_spends_nothing,
    no_member_is_followed_twice,
    a_family_ends_once_and_goes_with_its_session,
}
