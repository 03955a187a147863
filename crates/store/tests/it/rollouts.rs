use aeolus_store::{ManagedBy, Rollout, RolloutStage, StoreError, Taken, Unit};

use crate::fixture::{Database, slug};

fn rollout(name: &str) -> Rollout {
    Rollout {
        name: slug(name),
        stage: RolloutStage::Running,
        settings: "{}".to_owned(),
        managed_by: ManagedBy::Api,
        revision: 1,
    }
}

async fn o4_rollouts_are_kept_in_the_order_of_their_names(db: Database) {
    let mut write = db.store.write().await.unwrap();
    for name in ["b", "a", "c"] {
        write.rollouts().insert(&rollout(name)).await.unwrap();
    }
    let first = write.commit().await.unwrap();
    let mut view = db.store.read().await.unwrap();
    let all = view.rollouts().list().await.unwrap();
    assert_eq!(all, [rollout("a"), rollout("b"), rollout("c")]);
    drop(view);

    let mut write = db.store.write().await.unwrap();
    let aborted = Rollout {
        stage: RolloutStage::Aborted,
        ..rollout("a")
    };
    write.rollouts().update(&aborted).await.unwrap();
    assert!(write.rollouts().delete(&slug("b")).await.unwrap());
    assert!(!write.rollouts().delete(&slug("b")).await.unwrap());
    assert!(write.commit().await.unwrap() > first, "planes hear of it");
    let mut view = db.store.read().await.unwrap();
    let held = view.rollouts().get(&slug("a")).await.unwrap().unwrap();
    assert_eq!((held.stage, held.revision), (RolloutStage::Aborted, 2));
    assert_eq!(view.rollouts().get(&slug("b")).await.unwrap(), None);
}

async fn a_name_is_taken_and_a_change_between_is_noticed(db: Database) {
    let mut write = db.store.write().await.unwrap();
    write.rollouts().insert(&rollout("a")).await.unwrap();
    write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let again = write.rollouts().insert(&rollout("a")).await;
    assert!(matches!(again, Err(StoreError::Taken(Taken::Rollout))));
    drop(write);
    let mut write = db.store.write().await.unwrap();
    let old = Rollout {
        revision: 7,
        ..rollout("a")
    };
    let late = write.rollouts().update(&old).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
}

on_every_engine! {
    o4_rollouts_are_kept_in_the_order_of_their_names,
    a_name_is_taken_and_a_change_between_is_noticed,
}
