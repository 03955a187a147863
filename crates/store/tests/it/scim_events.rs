//! What receivers are to be told, in the order of commits, and who tells them.

use std::time::Duration;

use aeolus_model::{ConnectionId, ScimEventId};
use aeolus_store::{Connection, ManagedBy, ScimEvent, ScimHold, Unit};

use crate::fixture::{Database, NOW, event, slug};

const LEASE: Duration = Duration::from_secs(30);

async fn connection(db: &Database, name: &str) -> ConnectionId {
    let connection = Connection {
        id: ConnectionId::new(&db.clock, &db.rng),
        name: slug(name),
        kind: "okta".to_owned(),
        config: String::new(),
        managed_by: ManagedBy::Api,
        revision: 0,
    };
    let mut write = db.store.write().await.unwrap();
    write.connections().insert(&connection).await.unwrap();
    write.commit().await.unwrap();
    connection.id
}

fn happened(db: &Database, connection: ConnectionId, subject: &str) -> ScimEvent {
    ScimEvent {
        id: ScimEventId::new(&db.clock, &db.rng),
        connection,
        at: NOW,
        subject: subject.to_owned(),
        external_id: Some("x".to_owned()),
        events: "{}".to_owned(),
    }
}

/// One transaction that tells of these.
async fn tell(db: &Database, connection: ConnectionId, subjects: &[&str]) {
    let mut write = db.store.write().await.unwrap();
    for subject in subjects {
        write.tell(happened(db, connection, subject));
    }
    write.commit().await.unwrap();
}

async fn waiting(db: &Database, connection: ConnectionId) -> Vec<String> {
    let mut view = db.store.read().await.unwrap();
    let next = view.scim_events().next(connection, 100).await.unwrap();
    next.into_iter().map(|next| next.event.subject).collect()
}

async fn scim_events_come_in_the_order_of_commits(db: Database) {
    let (okta, entra) = (
        connection(&db, "okta").await,
        connection(&db, "entra").await,
    );
    tell(&db, okta, &["/Users/1", "/Users/2"]).await;
    // What is taken back was never told.
    let mut lost = db.store.write().await.unwrap();
    lost.tell(happened(&db, okta, "/Users/lost"));
    lost.rollback().await.unwrap();
    tell(&db, entra, &["/Users/9"]).await;
    tell(&db, okta, &["/Groups/3"]).await;
    assert_eq!(
        waiting(&db, okta).await,
        ["/Users/1", "/Users/2", "/Groups/3"]
    );
    assert_eq!(waiting(&db, entra).await, ["/Users/9"]);
    let mut view = db.store.read().await.unwrap();
    let next = view.scim_events().next(okta, 100).await.unwrap();
    // All of one transaction have one number.
    assert_eq!(next[0].txn, next[1].txn);
    assert_ne!(next[1].txn, next[2].txn);
    assert_eq!(view.scim_events().count(okta).await.unwrap(), 3);
    let mut all = view.scim_events().connections().await.unwrap();
    all.sort_unstable();
    let mut wanted = [okta, entra];
    wanted.sort_unstable();
    assert_eq!(all, wanted);
}

async fn scim_events_of_a_receiver_are_sent_by_one_process(db: Database) {
    let okta = connection(&db, "okta").await;
    tell(&db, okta, &["/Users/1", "/Users/2"]).await;
    let hold = |holder| ScimHold {
        connection: okta,
        holder,
        lasts: LEASE,
    };
    let mut write = db.store.write().await.unwrap();
    let next = write.scim_events().next(okta, 1).await.unwrap();
    let mut events = write.scim_events();
    assert!(events.hold(hold("one"), NOW).await.unwrap());
    assert!(!events.hold(hold("two"), NOW).await.unwrap());
    assert!(!events.delivered(hold("two"), &next[0], NOW).await.unwrap());
    let again = NOW.plus(Duration::from_secs(1));
    assert!(
        events
            .failed(hold("one"), ("no", again), NOW)
            .await
            .unwrap()
    );
    let sent = events.receiver(okta).await.unwrap().unwrap();
    assert_eq!(
        (sent.failures, sent.error.as_str(), sent.next_at),
        (1, "no", again)
    );
    assert!(events.delivered(hold("one"), &next[0], NOW).await.unwrap());
    let sent = events.receiver(okta).await.unwrap().unwrap();
    assert_eq!(
        (sent.failures, sent.delivered, sent.delivered_at),
        (0, 1, Some(NOW))
    );
    // Its lease is over: another goes on, and what it says counts no more.
    let later = NOW.plus(2 * LEASE);
    assert!(events.hold(hold("two"), later).await.unwrap());
    let next = events.next(okta, 1).await.unwrap();
    assert!(
        !events
            .delivered(hold("one"), &next[0], later)
            .await
            .unwrap()
    );
    assert!(
        events
            .refused(hold("two"), (&next[0], "bad"), later)
            .await
            .unwrap()
    );
    let sent = events.receiver(okta).await.unwrap().unwrap();
    assert_eq!((sent.dropped, sent.error.as_str()), (1, "bad"));
    events.release(hold("two")).await.unwrap();
    assert!(events.hold(hold("one"), later).await.unwrap());
    write.commit().await.unwrap();
    assert!(waiting(&db, okta).await.is_empty());
}

async fn scim_events_that_wait_too_long_or_are_too_many_go_first_come_first(db: Database) {
    let okta = connection(&db, "okta").await;
    for number in 0..6 {
        tell(&db, okta, &[&format!("/Users/{number}")]).await;
    }
    let mut write = db.store.write().await.unwrap();
    let mut events = write.scim_events();
    assert_eq!(events.drop_older(okta, NOW).await.unwrap(), None);
    assert_eq!(events.drop_beyond(okta, 6).await.unwrap(), None);
    assert_eq!(events.drop_beyond(okta, 4).await.unwrap(), Some((2, NOW)));
    write.commit().await.unwrap();
    let left = ["/Users/2", "/Users/3", "/Users/4", "/Users/5"];
    assert_eq!(waiting(&db, okta).await, left);
    let mut write = db.store.write().await.unwrap();
    let mut events = write.scim_events();
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(
        events.drop_older(okta, later).await.unwrap(),
        Some((4, NOW))
    );
    let sent = events.receiver(okta).await.unwrap().unwrap();
    assert_eq!(sent.dropped, 6);
    // They go with the audit line of whoever dropped them.
    write.audit(event("dropped"));
    write.commit().await.unwrap();
    assert!(waiting(&db, okta).await.is_empty());
}

on_every_engine! {
    scim_events_come_in_the_order_of_commits,
    scim_events_of_a_receiver_are_sent_by_one_process,
    scim_events_that_wait_too_long_or_are_too_many_go_first_come_first,
}
