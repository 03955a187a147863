use std::time::Duration;

use aeolus_model::{ConnectionId, Grant, GrantId, Resource, Role, Subject, Time, UserId};
use aeolus_store::{
    Connection, GrantRecord, Identity, ManagedBy, ProviderKey, ProviderKeys, StoreError, Taken,
    Unit, Write,
};

use crate::fixture::{Database, NOW, slug};

async fn connection(db: &Database, write: &mut Write) -> ConnectionId {
    let connection = Connection {
        id: ConnectionId::new(&db.clock, &db.rng),
        name: slug("auth0"),
        kind: "auth0".to_owned(),
        config: String::new(),
        managed_by: ManagedBy::Apply,
        revision: 0,
    };
    write.connections().insert(&connection).await.unwrap();
    connection.id
}

fn identity(connection: ConnectionId, subject: &str, user: UserId) -> Identity {
    Identity {
        connection,
        issuer: "https://acme.auth0.com".to_owned(),
        subject: subject.parse().unwrap(),
        user,
        linked_at: NOW,
        managed_by: ManagedBy::Apply,
    }
}

async fn a_subject_of_a_provider_is_one_person(db: Database) {
    let fleet = db.fleet().await;
    let (user, plane) = (fleet.user.id, fleet.plane.id);
    let mut write = db.store.write().await.unwrap();
    let at = connection(&db, &mut write).await;
    let link = identity(at, "auth0|eve", user);
    write.identities().insert(&link).await.unwrap();
    write.commit().await.unwrap();

    let mut view = db.store.read().await.unwrap();
    let find = view
        .identities()
        .find(at, &link.issuer, &link.subject)
        .await;
    assert_eq!(find.unwrap(), Some(link.clone()));
    // Another connection's, another issuer's, or in another spelling: somebody else, if anybody.
    let other = ConnectionId::new(&db.clock, &db.rng);
    let twins = [
        (other, "https://acme.auth0.com", "auth0|eve"),
        (at, "https://acme.auth0.com/", "auth0|eve"),
        (at, "https://acme.auth0.com", "auth0|Eve"),
    ];
    for (connection, issuer, subject) in twins {
        let subject = subject.parse().unwrap();
        let found = view.identities().find(connection, issuer, &subject).await;
        assert_eq!(found.unwrap(), None);
    }
    assert_eq!(
        view.identities().of_user(user).await.unwrap(),
        std::slice::from_ref(&link)
    );
    drop(view);

    let mut write = db.store.write().await.unwrap();
    let again = write.identities().insert(&link).await.unwrap_err();
    assert!(
        matches!(again, StoreError::Taken(Taken::Identity)),
        "{again}"
    );
    drop(write);

    // A plane is told of those who have a grant that reaches it.
    let mut write = db.store.write().await.unwrap();
    assert_eq!(write.identities().reaching(plane).await.unwrap(), []);
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&db.clock, &db.rng),
            subject: Subject::User(user),
            role: Role::OrganizationMember.into(),
            resource: Resource::Organization(fleet.organization.id),
        },
        organization: Some(fleet.organization.id),
        managed_by: ManagedBy::Apply,
    };
    write.grants().insert(&grant).await.unwrap();
    assert_eq!(
        write.identities().reaching(plane).await.unwrap(),
        std::slice::from_ref(&link)
    );
    let taken = write
        .identities()
        .delete(at, &link.issuer, &link.subject)
        .await;
    assert!(taken.unwrap());
    // Who is gone has no identity.
    write.identities().insert(&link).await.unwrap();
    write.users().delete(user).await.unwrap();
    let found = write
        .identities()
        .find(at, &link.issuer, &link.subject)
        .await;
    assert_eq!(found.unwrap(), None);
    write.commit().await.unwrap();
}

async fn keys_that_are_the_same_make_no_news(db: Database) {
    let mut write = db.store.write().await.unwrap();
    let connection = connection(&db, &mut write).await;
    let first = write.commit().await.unwrap();
    let key = |kid: &str| ProviderKey {
        kid: Some(kid.to_owned()),
        jwk: "{}".to_owned(),
    };
    let keys = ProviderKeys {
        connection,
        revision: 1,
        issuer: "https://acme.auth0.com/".to_owned(),
        keys: vec![key("a")],
        fetched_at: NOW,
        endpoints: None,
    };
    let mut write = db.store.write().await.unwrap();
    write.provider_keys().put(&keys, NOW).await.unwrap();
    let second = write.commit().await.unwrap();
    assert!(second > first);

    let later = ProviderKeys {
        revision: 2,
        fetched_at: NOW.plus(Duration::from_secs(600)),
        endpoints: None,
        ..keys.clone()
    };
    let mut write = db.store.write().await.unwrap();
    write
        .provider_keys()
        .put(&later, later.fetched_at)
        .await
        .unwrap();
    assert_eq!(write.commit().await.unwrap(), second);
    let mut view = db.store.read().await.unwrap();
    assert_eq!(
        view.provider_keys().list().await.unwrap(),
        std::slice::from_ref(&later)
    );
    drop(view);

    let mut write = db.store.write().await.unwrap();
    let rotated = ProviderKeys {
        keys: vec![key("b")],
        ..later
    };
    write
        .provider_keys()
        .put(&rotated, rotated.fetched_at)
        .await
        .unwrap();
    assert!(write.commit().await.unwrap() > second);
    let mut write = db.store.write().await.unwrap();
    write.connections().delete(connection).await.unwrap();
    assert_eq!(write.provider_keys().list().await.unwrap(), []);
    write.commit().await.unwrap();
}

/// What `put` keeps of two answers for one connection, the second under `revision` and from `at`, at
/// `now`.
async fn second_answer(db: &Database, revision: u64, at: Time, now: Time) -> bool {
    let mut write = db.store.write().await.unwrap();
    let connection = connection(db, &mut write).await;
    let first = ProviderKeys {
        connection,
        revision: 1,
        issuer: "https://acme.auth0.com/".to_owned(),
        keys: Vec::new(),
        fetched_at: NOW,
        endpoints: None,
    };
    let second = ProviderKeys {
        revision,
        issuer: "https://acme.auth0.com".to_owned(),
        fetched_at: at,
        endpoints: None,
        ..first.clone()
    };
    write.provider_keys().put(&first, NOW).await.unwrap();
    write.provider_keys().put(&second, now).await.unwrap();
    let held = write.provider_keys().list().await.unwrap();
    write.rollback().await.unwrap();
    held == [second]
}

async fn an_answer_that_was_asked_for_earlier_never_replaces_a_later_one(db: Database) {
    let (before, after) = (
        NOW.minus(Duration::from_secs(1)),
        NOW.plus(Duration::from_secs(1)),
    );
    assert!(second_answer(&db, 1, after, after).await);
    assert!(second_answer(&db, 1, NOW, NOW).await);
    assert!(!second_answer(&db, 1, before, NOW).await);
    // Of other settings nothing is worth keeping.
    assert!(second_answer(&db, 2, before, NOW).await);
    // The first is from a clock that was ahead.
    assert!(second_answer(&db, 1, before, before).await);
}

async fn old_keys_are_dropped_once_and_that_is_news(db: Database) {
    let mut write = db.store.write().await.unwrap();
    let connection = connection(&db, &mut write).await;
    let keys = ProviderKeys {
        connection,
        revision: 1,
        issuer: "https://acme.auth0.com/".to_owned(),
        keys: vec![ProviderKey {
            kid: None,
            jwk: "{}".to_owned(),
        }],
        fetched_at: NOW,
        endpoints: None,
    };
    write.provider_keys().put(&keys, NOW).await.unwrap();
    let first = write.commit().await.unwrap();
    let drop = async |until| {
        let mut write = db.store.write().await.unwrap();
        let dropped = write.provider_keys().drop_old(connection, until).await;
        (dropped.unwrap(), write.commit().await.unwrap())
    };
    let newer = NOW.minus(Duration::from_millis(1));
    assert_eq!(drop(newer).await, (false, first));
    let (dropped, second) = drop(NOW).await;
    assert!(dropped && second > first);
    assert_eq!(drop(NOW).await, (false, second));
    let mut view = db.store.read().await.unwrap();
    let held = view.provider_keys().list().await.unwrap();
    let keys = Vec::new();
    assert_eq!(
        held,
        [ProviderKeys {
            keys,
            ..held[0].clone()
        }]
    );
    assert_eq!(held[0].fetched_at, NOW);
}

on_every_engine! {
    an_answer_that_was_asked_for_earlier_never_replaces_a_later_one,
    old_keys_are_dropped_once_and_that_is_news,
    a_subject_of_a_provider_is_one_person,
    keys_that_are_the_same_make_no_news,
}
