//! Second factors: of any number of uses of one code at once, one counts.

use std::time::Duration;

use aeolus_model::{Time, UserId};
use aeolus_store::{Tries, Unit as _, Write};

use crate::fixture::{Database, NOW};

const CODE: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];

/// A person whose second factor counts, with two recovery codes, stored.
async fn stored(db: &Database) -> UserId {
    let user = db.fleet().await.user.id;
    let mut write = db.store.write().await.unwrap();
    let mut factors = write.second_factors();
    assert!(factors.begin(user, b"sealed", NOW).await.unwrap());
    assert!(factors.confirm(user, 10, NOW).await.unwrap());
    factors.set_codes(user, &[CODE, OTHER]).await.unwrap();
    write.commit().await.unwrap();
    user
}

async fn one_counts_only_once_it_is_proved(db: Database) {
    let user = db.fleet().await.user.id;
    let mut write = db.store.write().await.unwrap();
    let mut factors = write.second_factors();
    assert_eq!(factors.get(user).await.unwrap(), None);
    assert!(!factors.confirm(user, 10, NOW).await.unwrap());
    assert!(factors.begin(user, b"one", NOW).await.unwrap());
    assert!(factors.begin(user, b"two", NOW).await.unwrap());
    assert!(!factors.use_step(user, 10).await.unwrap());
    assert!(factors.confirm(user, 10, NOW).await.unwrap());
    assert!(!factors.confirm(user, 11, NOW).await.unwrap());
    // What counts is not put aside by a new beginning.
    assert!(!factors.begin(user, b"three", NOW).await.unwrap());
    let found = factors.get(user).await.unwrap().unwrap();
    assert_eq!(
        (found.sealed.as_slice(), found.last_step),
        (&b"two"[..], 10)
    );
    assert_eq!(found.confirmed_at, Some(NOW));
    assert!(factors.remove(user).await.unwrap());
    assert!(!factors.remove(user).await.unwrap());
}

async fn wrong_tries_are_counted_until_one_is_right(db: Database) {
    let user = stored(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mut factors = write.second_factors();
    let later = NOW.plus(Duration::from_secs(9));
    factors.missed(user, "a", NOW).await.unwrap();
    factors.missed(user, "a", later).await.unwrap();
    factors.missed(user, "b", NOW).await.unwrap();
    let tries = |failures, tried_at, proved_at| Tries {
        failures,
        tried_at,
        proved_at,
    };
    assert_eq!(
        factors.tries(user, "a").await.unwrap(),
        tries(2, later, None)
    );
    factors.proved(user, "a", later).await.unwrap();
    let proved = tries(0, later, Some(later));
    assert_eq!(factors.tries(user, "a").await.unwrap(), proved);
    factors.missed(user, "a", later).await.unwrap();
    let missed = tries(1, later, Some(later));
    assert_eq!(factors.tries(user, "a").await.unwrap(), missed);
    assert_eq!(factors.tries(user, "b").await.unwrap(), tries(1, NOW, None));
    assert_eq!(factors.tries(user, "c").await.unwrap().failures, 0);
    assert_eq!(factors.forget_tries(later).await.unwrap(), 1);
    assert_eq!(factors.tries(user, "b").await.unwrap().failures, 0);

    // Those of strangers, in windows.
    let window = Duration::from_secs(60);
    let mut missed = async |secs| {
        let at = NOW.plus(Duration::from_secs(secs));
        let counted = factors.missed_by_strangers(user, (window, at));
        counted.await.unwrap();
        let locked = factors.lock(user).await.unwrap().unwrap();
        (locked.failures, locked.counted_from.since(NOW).as_secs())
    };
    assert_eq!(missed(0).await, (1, 0));
    assert_eq!(missed(59).await, (2, 0));
    assert_eq!(missed(60).await, (1, 60));

    // A code of the last step, or of an earlier one, is no success.
    assert!(!factors.use_step(user, 10).await.unwrap());
    assert!(factors.use_step(user, 11).await.unwrap());
    assert!(!factors.use_code(user, &[9; 32]).await.unwrap());
    assert!(factors.use_code(user, &CODE).await.unwrap());
    assert_eq!(factors.codes_left(user).await.unwrap(), 1);
    factors.set_codes(user, &[[3; 32]]).await.unwrap();
    assert!(!factors.use_code(user, &OTHER).await.unwrap());
}

async fn a13_of_fifty_uses_at_once_of_a_code_a_recovery_code_and_a_step_one_counts(db: Database) {
    let user = stored(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mut factors = write.second_factors();
    factors.begin_step(&CODE, user, NOW).await.unwrap();
    write.commit().await.unwrap();
    let code = many(&db, move |mut write: Write| async move {
        let mut factors = write.second_factors();
        factors.lock(user).await.unwrap();
        let used = factors.use_step(user, 11).await.unwrap();
        write.commit().await.unwrap();
        used
    });
    assert_eq!(code.await, 1);
    let recovery = many(&db, move |mut write: Write| async move {
        let used = write.second_factors().use_code(user, &CODE).await.unwrap();
        write.commit().await.unwrap();
        used
    });
    assert_eq!(recovery.await, 1);
    let step = many(&db, move |mut write: Write| async move {
        let used = write.second_factors().take_step(&CODE).await.unwrap();
        write.commit().await.unwrap();
        used
    });
    assert_eq!(step.await, 1);
}

/// How many of fifty units of work at once say yes.
async fn many<F: Future<Output = bool> + Send + 'static>(
    db: &Database,
    work: impl Fn(Write) -> F + Clone + Send + 'static,
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

async fn a_step_is_good_for_its_life_and_goes_with_the_factor(db: Database) {
    let user = stored(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mut factors = write.second_factors();
    factors.begin_step(&CODE, user, NOW).await.unwrap();
    factors.begin_step(&OTHER, user, NOW).await.unwrap();
    let life = Duration::from_secs(300);
    let at = |secs| (life, NOW.plus(Duration::from_secs(secs)));
    assert_eq!(factors.step(&CODE, at(299)).await.unwrap(), Some(user));
    assert_eq!(factors.step(&CODE, at(300)).await.unwrap(), None);
    assert_eq!(factors.step(&[9; 32], at(0)).await.unwrap(), None);
    assert!(factors.take_step(&CODE).await.unwrap());
    assert_eq!(factors.step(&CODE, at(0)).await.unwrap(), None);
    assert!(factors.remove(user).await.unwrap());
    assert_eq!(factors.step(&OTHER, at(0)).await.unwrap(), None);
    factors.begin_step(&OTHER, user, NOW).await.unwrap();
    factors.end_steps(user).await.unwrap();
    assert_eq!(factors.step(&OTHER, at(0)).await.unwrap(), None);
    factors.begin_step(&OTHER, user, NOW).await.unwrap();
    assert_eq!(factors.forget_steps(NOW).await.unwrap(), 0);
    let later: Time = NOW.plus(life);
    assert_eq!(factors.forget_steps(later).await.unwrap(), 1);
}

async fn every_secret_is_sealed_anew_from_what_was_read(db: Database) {
    let user = stored(&db).await;
    let mut write = db.store.write().await.unwrap();
    let mut factors = write.second_factors();
    let all = factors.list().await.unwrap();
    assert_eq!(all.iter().map(|f| f.user).collect::<Vec<_>>(), [user]);
    factors.reseal(&all[0], b"anew").await.unwrap();
    let found = factors.get(user).await.unwrap().unwrap();
    assert_eq!(found.sealed, b"anew");
    assert!(factors.reseal(&all[0], b"again").await.is_err());
}

on_every_engine! {
    one_counts_only_once_it_is_proved,
    wrong_tries_are_counted_until_one_is_right,
    a13_of_fifty_uses_at_once_of_a_code_a_recovery_code_and_a_step_one_counts,
    a_step_is_good_for_its_life_and_goes_with_the_factor,
    every_secret_is_sealed_anew_from_what_was_read,
}
