use std::time::Duration;

use aeolus_model::{KeyId, Time, TokenValue};
use aeolus_store::{KeyNeed, KeyStage, RootDocument, SigningKey, StoreError, Taken, Unit};

use crate::fixture::{Database, NOW};

const ANNOUNCED: KeyStage = KeyStage::Announced {
    from: NOW,
    certain: NOW,
};

fn later(secs: u64) -> Time {
    NOW.plus(Duration::from_secs(secs))
}

fn key(db: &Database, kid: &str, stage: KeyStage) -> SigningKey {
    SigningKey {
        id: KeyId::new(&db.clock, &db.rng),
        kind: "access".to_owned(),
        kid: kid.to_owned(),
        public_jwk: "{}".to_owned(),
        sealed: vec![0, 255, 1],
        created_at: NOW,
        stage,
    }
}

async fn one_key_of_a_kind_signs(db: Database) {
    let active = KeyStage::Active { since: NOW };
    let first = key(&db, "a", active);
    let next = key(&db, "b", ANNOUNCED);
    let mut write = db.store.write().await.unwrap();
    write.keys().insert(&first).await.unwrap();
    write.keys().insert(&next).await.unwrap();
    write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let second = write
        .keys()
        .insert(&key(&db, "c", active))
        .await
        .unwrap_err();
    assert!(
        matches!(second, StoreError::Taken(Taken::ActiveKey)),
        "{second}"
    );
    write.rollback().await.unwrap();

    let mut write = db.store.write().await.unwrap();
    write.keys().activate(&next, NOW).await.unwrap();
    write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let again = write.keys().activate(&next, NOW).await.unwrap_err();
    assert!(matches!(again, StoreError::Conflict), "{again}");
    write.rollback().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let signing = read.keys().active("access").await.unwrap().unwrap();
    assert_eq!(
        signing,
        SigningKey {
            stage: active,
            ..next.clone()
        }
    );
    let retired = read.keys().get(first.id).await.unwrap().unwrap();
    let ended = KeyStage::Retired {
        signed_since: NOW,
        since: NOW,
    };
    assert_eq!(retired.stage, ended);
    assert!(retired.sealed.is_empty(), "what signs no more is forgotten");
    assert_eq!(read.keys().list().await.unwrap().len(), 2);
    drop(read);
    let mut write = db.store.write().await.unwrap();
    assert!(
        !write.keys().delete(next.id).await.unwrap(),
        "an active key doesn't go"
    );
    assert!(write.keys().delete(first.id).await.unwrap());
    assert!(!write.keys().delete(first.id).await.unwrap());
}

async fn an_announced_key_is_given_another_date_or_taken_back(db: Database) {
    let next = key(&db, "b", ANNOUNCED);
    let mut write = db.store.write().await.unwrap();
    write.keys().insert(&next).await.unwrap();
    let dates = (later(60), later(120));
    write.keys().reschedule(next.id, dates).await.unwrap();
    write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let found = write.keys().get(next.id).await.unwrap().unwrap();
    let (from, certain) = dates;
    assert_eq!(found.stage, KeyStage::Announced { from, certain });
    assert!(write.keys().delete(next.id).await.unwrap());
    let gone = write.keys().reschedule(next.id, dates).await.unwrap_err();
    assert!(matches!(gone, StoreError::Conflict), "{gone}");
}

async fn a_compromised_key_is_replaced_at_once(db: Database) {
    let stolen = key(&db, "a", KeyStage::Active { since: NOW });
    let announced = key(&db, "b", ANNOUNCED);
    let mut write = db.store.write().await.unwrap();
    write.keys().insert(&stolen).await.unwrap();
    write.keys().insert(&announced).await.unwrap();
    write.commit().await.unwrap();
    let new = key(&db, "c", KeyStage::Active { since: later(1) });
    let mut write = db.store.write().await.unwrap();
    write.keys().replace(stolen.id, &new).await.unwrap();
    write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    assert_eq!(
        write.keys().list().await.unwrap(),
        std::slice::from_ref(&new)
    );
    let other = key(&db, "d", KeyStage::Active { since: later(1) });
    let late = write.keys().replace(stolen.id, &other).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict), "{late}");
}

async fn a_private_part_goes_into_another_envelope_once(db: Database) {
    let held = key(&db, "a", KeyStage::Active { since: NOW });
    let mut write = db.store.write().await.unwrap();
    write.keys().insert(&held).await.unwrap();
    let before = write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    write.keys().reseal(&held, &[7]).await.unwrap();
    assert_eq!(
        write.commit().await.unwrap(),
        before,
        "planes need not hear of it"
    );
    let mut write = db.store.write().await.unwrap();
    assert_eq!(
        write.keys().get(held.id).await.unwrap().unwrap().sealed,
        [7]
    );
    let again = write.keys().reseal(&held, &[8]).await.unwrap_err();
    assert!(matches!(again, StoreError::Conflict), "{again}");
}

/// Of replicas that do the same at once, one does it.
async fn of_replicas_that_rotate_at_once_one_does(db: Database) {
    let active = key(&db, "a", KeyStage::Active { since: NOW });
    let mut write = db.store.write().await.unwrap();
    write.keys().insert(&active).await.unwrap();
    write.commit().await.unwrap();
    let announcing = (0..4).map(|n| {
        let new = key(&db, &format!("b{n}"), ANNOUNCED);
        let url = db.url.clone();
        tokio::spawn(async move {
            let store = aeolus_store::Store::connect(&url.parse().unwrap()).await?;
            let mut write = store.write().await?;
            write.keys().insert(&new).await?;
            write.commit().await
        })
    });
    let mut announced = 0;
    for task in announcing.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => announced += 1,
            Err(StoreError::Taken(Taken::AnnouncedKey)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(announced, 1);
    let keys = db.store.read().await.unwrap().keys().list().await.unwrap();
    let next = keys.iter().find(|key| key.id != active.id).unwrap();
    let activating = (0..4).map(|_| {
        let (next, url) = (next.clone(), db.url.clone());
        tokio::spawn(async move {
            let store = aeolus_store::Store::connect(&url.parse().unwrap()).await?;
            let mut write = store.write().await?;
            write.keys().activate(&next, later(1)).await?;
            write.commit().await
        })
    });
    let mut activated = 0;
    for task in activating.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => activated += 1,
            Err(StoreError::Conflict) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(activated, 1);
    let mut read = db.store.read().await.unwrap();
    let signing = read.keys().active("access").await.unwrap().unwrap();
    assert_eq!(signing.id, next.id);
}

async fn a_key_is_needed_by_good_values_from_when_it_signed(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let token = db.token(&mut write, &fleet).await;
    let gone = db.token(&mut write, &fleet).await;
    write.tokens().delete(gone.id, NOW).await.unwrap();
    write.commit().await.unwrap();
    let organization = fleet.organization.id;
    let mut write = db.store.write().await.unwrap();
    let need = |values, until| {
        vec![KeyNeed {
            organization,
            values,
            until,
        }]
    };
    let mut needed = async |kind: &'static str, within, now| {
        write.keys().needed_by(kind, within, now).await.unwrap()
    };
    let around = (NOW.minus(Duration::from_secs(1)), later(1));
    assert_eq!(needed("standard", around, NOW).await, need(1, later(3600)));
    assert!(needed("direct", around, NOW).await.is_empty());
    let after = (later(1), Time::MAX);
    assert!(needed("standard", after, NOW).await.is_empty());
    assert!(needed("standard", around, later(3600)).await.is_empty());
    // A rotation with a grace: the old value is needed until the grace is over.
    let index = write
        .revocations()
        .allocate(organization, &db.rng)
        .await
        .unwrap();
    let value = TokenValue {
        jti: "second".to_owned(),
        index,
        issued_at: later(100),
        expires_at: later(7200),
    };
    write
        .tokens()
        .rotate(&token, &value, fleet.user.id)
        .await
        .unwrap();
    let grace = (later(100), later(160));
    write
        .tokens()
        .end_earlier(token.id, index, grace)
        .await
        .unwrap();
    let mut needed = async |within, now| {
        write
            .keys()
            .needed_by("standard", within, now)
            .await
            .unwrap()
    };
    assert_eq!(needed(around, later(100)).await, need(1, later(160)));
    assert!(needed(around, later(160)).await.is_empty());
    assert_eq!(
        needed((NOW, later(100)), later(100)).await,
        need(2, later(7200))
    );
}

async fn what_bounds_a_rotation_is_read_from_the_fleet(db: Database) {
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.keys().longest_hard_stale().await.unwrap(), None);
    assert_eq!(read.keys().live_sessions(NOW).await.unwrap(), 0);
    drop(read);
    let fleet = db.fleet().await;
    let session = db.session(&fleet.user);
    let mut write = db.store.write().await.unwrap();
    write.sessions().insert(&session).await.unwrap();
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let hard = fleet.deployment.staleness.hard();
    assert_eq!(read.keys().longest_hard_stale().await.unwrap(), Some(hard));
    assert_eq!(read.keys().live_sessions(NOW).await.unwrap(), 1);
    let end = session.absolute_end;
    assert_eq!(read.keys().live_sessions(end).await.unwrap(), 0);
}

async fn replicas_that_start_at_once_make_one_key(db: Database) {
    let tasks = (0..8).map(|n| {
        let new = key(&db, &format!("k{n}"), KeyStage::Active { since: NOW });
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await?;
            write.keys().insert(&new).await?;
            write.commit().await
        })
    });
    let mut made = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(StoreError::Taken(Taken::ActiveKey)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(made, 1);
}

async fn roots_are_kept_in_order(db: Database) {
    let root = |version: u64| RootDocument {
        version,
        document: format!("{{\"v\":{version}}}"),
        added_at: NOW,
    };
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.roots().newest().await.unwrap(), None);
    for version in 1..=3 {
        write.roots().insert(&root(version)).await.unwrap();
    }
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.roots().newest().await.unwrap(), Some(root(3)));
    assert_eq!(read.roots().after(1).await.unwrap(), [root(2), root(3)]);
    drop(read);
    let mut write = db.store.write().await.unwrap();
    let twice = write.roots().insert(&root(3)).await.unwrap_err();
    assert!(matches!(twice, StoreError::Taken(Taken::Record)), "{twice}");
}

on_every_engine! {
    one_key_of_a_kind_signs,
    an_announced_key_is_given_another_date_or_taken_back,
    a_compromised_key_is_replaced_at_once,
    a_private_part_goes_into_another_envelope_once,
    of_replicas_that_rotate_at_once_one_does,
    a_key_is_needed_by_good_values_from_when_it_signed,
    what_bounds_a_rotation_is_read_from_the_fleet,
    replicas_that_start_at_once_make_one_key,
    roots_are_kept_in_order,
}
