use std::time::Duration;

use aeolus_store::{Claim, Unit};

use crate::fixture::{Database, NOW, event};

/// F46: a request that is sent again after a lost reply gets the first one's answer.
async fn f46_one_of_many_equal_requests_does_the_work(db: Database) {
    let tasks = (0..20).map(|n| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await.unwrap();
            let claim = write
                .idempotency_keys()
                .claim("ann", "k", &[1; 32], NOW)
                .await
                .unwrap();
            let new = claim == Claim::New;
            if new {
                write.audit(event("work"));
            }
            let mut end = write.end().await.unwrap();
            if new {
                let answer = format!("{{\"n\":{n},\"seq\":{}}}", end.position());
                end.answer("ann", "k", &answer).await.unwrap();
            }
            end.commit().await.unwrap();
            claim
        })
    });
    let mut answers = Vec::new();
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Claim::New => done += 1,
            Claim::Done(answer) => answers.push(answer),
            Claim::Begun | Claim::Mismatch => panic!(),
        }
    }
    answers.dedup();
    assert_eq!((done, answers.len()), (1, 1));
    let mut write = db.store.write().await.unwrap();
    let other = write
        .idempotency_keys()
        .claim("ann", "k", &[2; 32], NOW)
        .await
        .unwrap();
    assert_eq!(other, Claim::Mismatch);
    let other = write
        .idempotency_keys()
        .claim("bob", "k", &[2; 32], NOW)
        .await
        .unwrap();
    assert_eq!(other, Claim::New);
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(write.idempotency_keys().forget(later, 10).await.unwrap(), 2);
}

async fn keys_are_forgotten_some_at_a_time_and_the_oldest_first(db: Database) {
    let mut write = db.store.write().await.unwrap();
    for n in 0..7 {
        // Some share a name, some an actor: a key is both.
        let (actor, key) = (format!("actor {}", n % 2), format!("key {}", n / 2));
        let at = NOW.plus(Duration::from_secs(n));
        let mut keys = write.idempotency_keys();
        let claim = keys.claim(&actor, &key, &[1; 32], at).await;
        assert_eq!(claim.unwrap(), Claim::New);
    }
    write.commit().await.unwrap();
    let before = NOW.plus(Duration::from_secs(5));
    for forgotten in [3, 2, 0] {
        let mut write = db.store.write().await.unwrap();
        let count = write.idempotency_keys().forget(before, 3).await.unwrap();
        assert_eq!(count, forgotten);
        write.commit().await.unwrap();
        let mut view = db.store.read().await.unwrap();
        // What is left is claimed, though not answered.
        let mut keys = view.idempotency_keys();
        let kept = keys.find("actor 1", "key 2", &[1; 32]).await;
        assert_eq!(kept.unwrap(), Claim::Begun);
    }
}

async fn what_failed_may_be_tried_again(db: Database) {
    for _ in 0..2 {
        let mut write = db.store.write().await.unwrap();
        let claim = write
            .idempotency_keys()
            .claim("ann", "k", &[1; 32], NOW)
            .await
            .unwrap();
        assert_eq!(claim, Claim::New);
        write.rollback().await.unwrap();
    }
}

async fn what_was_begun_apart_says_so_until_it_is_answered_or_given_back(db: Database) {
    let claimed = async || {
        let mut write = db.store.write().await.unwrap();
        let mut keys = write.idempotency_keys();
        let claim = keys.claim("ann", "k", &[1; 32], NOW).await.unwrap();
        write.commit().await.unwrap();
        claim
    };
    assert_eq!(claimed().await, Claim::New);
    assert_eq!(claimed().await, Claim::Begun);
    let mut write = db.store.write().await.unwrap();
    write.idempotency_keys().release("ann", "k").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(claimed().await, Claim::New);
    let mut end = db.store.write().await.unwrap().end().await.unwrap();
    end.answer("ann", "k", "{}").await.unwrap();
    end.commit().await.unwrap();
    // What was answered is not given back.
    let mut write = db.store.write().await.unwrap();
    write.idempotency_keys().release("ann", "k").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(claimed().await, Claim::Done("{}".to_owned()));
}

on_every_engine! {
    what_was_begun_apart_says_so_until_it_is_answered_or_given_back,
    f46_one_of_many_equal_requests_does_the_work,
    keys_are_forgotten_some_at_a_time_and_the_oldest_first,
    what_failed_may_be_tried_again,
}
