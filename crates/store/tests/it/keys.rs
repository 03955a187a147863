use aeolus_model::KeyId;
use aeolus_store::{KeyStage, RootDocument, SigningKey, StoreError, Taken, Unit};

use crate::fixture::{Database, NOW};

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
    let next = key(&db, "b", KeyStage::Announced);
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
    assert_eq!(retired.stage, KeyStage::Retired { since: NOW });
    assert_eq!(read.keys().list().await.unwrap().len(), 2);
    drop(read);
    let mut write = db.store.write().await.unwrap();
    assert!(
        !write.keys().delete(next.id).await.unwrap(),
        "only retired keys go"
    );
    assert!(write.keys().delete(first.id).await.unwrap());
    assert!(write.keys().retire(next.id, NOW).await.unwrap());
    assert!(!write.keys().retire(next.id, NOW).await.unwrap());
    assert_eq!(write.keys().active("access").await.unwrap(), None);
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
    replicas_that_start_at_once_make_one_key,
    roots_are_kept_in_order,
}
