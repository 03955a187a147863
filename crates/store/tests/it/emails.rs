use std::time::Duration;

use aeolus_model::{Email, EmailId};
use aeolus_store::{OutgoingEmail, Unit};

use crate::fixture::{Database, NOW};

const MINUTE: Duration = Duration::from_secs(60);

fn message(db: &Database) -> OutgoingEmail {
    OutgoingEmail {
        id: EmailId::new(&db.clock, &db.rng),
        recipient: Email::parse("ann@example.com").unwrap(),
        subject: "News".to_owned(),
        body: "Something.\n".to_owned(),
        created_at: NOW,
        next_at: NOW,
        attempts: 0,
    }
}

async fn of_many_takers_at_once_one_gets_a_message(db: Database) {
    let email = message(&db);
    let mut write = db.store.write().await.unwrap();
    write.emails().insert(&email).await.unwrap();
    let position = write.commit().await.unwrap();
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, email) = (db.again().await, email.clone());
        takers.spawn(async move {
            let mut write = store.write().await.unwrap();
            let until = NOW.plus(MINUTE);
            let taken = write.emails().claim(&email, NOW, until).await;
            // Whoever was too late may have to be told so by the engine.
            let taken = taken.unwrap_or(false);
            taken && write.commit().await.is_ok()
        });
    }
    let taken = takers.join_all().await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    // It is due again only after that time, with one more attempt behind it.
    let mut view = db.store.read().await.unwrap();
    assert_eq!(view.emails().due(NOW, 10).await.unwrap(), []);
    let later = NOW.plus(MINUTE);
    let [again] = view
        .emails()
        .due(later, 10)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(
        again,
        OutgoingEmail {
            attempts: 1,
            next_at: later,
            ..email.clone()
        }
    );
    // E-mails are nothing that planes are told.
    assert_eq!(view.settings().feed().await.unwrap().position, position);
    drop(view);
    let mut write = db.store.write().await.unwrap();
    assert!(
        !write
            .emails()
            .claim(&email, later, later.plus(MINUTE))
            .await
            .unwrap()
    );
    assert_eq!(write.emails().waiting().await.unwrap(), 1);
    assert!(write.emails().delete(email.id).await.unwrap());
    assert!(!write.emails().delete(email.id).await.unwrap());
    write.commit().await.unwrap();
}

async fn what_somebody_is_to_be_told_is_collected_once_and_in_order(db: Database) {
    let (ann, ben) = (db.user("ann@example.com"), db.user("ben@example.com"));
    let mut write = db.store.write().await.unwrap();
    for user in [&ann, &ben] {
        write.users().insert(user).await.unwrap();
    }
    for (content, recipient, after) in [("1", &ann, 0), ("2", &ben, 30), ("3", &ann, 90)] {
        db.clock.advance(Duration::from_secs(1));
        let id = EmailId::new(&db.clock, &db.rng);
        let at = NOW.plus(Duration::from_secs(after));
        let whose = (id, recipient.id);
        write.emails().note(whose, content, at).await.unwrap();
    }
    write.commit().await.unwrap();
    let mut view = db.store.read().await.unwrap();
    let mut emails = view.emails();
    assert_eq!(emails.ripe(NOW.minus(MINUTE), 10).await.unwrap(), []);
    assert_eq!(emails.ripe(NOW, 10).await.unwrap(), [ann.id]);
    let later = NOW.plus(MINUTE);
    assert_eq!(emails.ripe(later, 10).await.unwrap(), [ann.id, ben.id]);
    assert_eq!(emails.ripe(later, 1).await.unwrap(), [ann.id]);
    assert_eq!(emails.noted().await.unwrap(), 3);
    drop(view);
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.emails().collect(ann.id).await.unwrap(), ["1", "3"]);
    assert!(write.emails().collect(ann.id).await.unwrap().is_empty());
    // Whoever is no more is told nothing.
    write.users().delete(ben.id).await.unwrap();
    assert_eq!(write.emails().noted().await.unwrap(), 0);
    write.commit().await.unwrap();
}

on_every_engine! {
    of_many_takers_at_once_one_gets_a_message,
    what_somebody_is_to_be_told_is_collected_once_and_in_order,
}
