//! Who waits for whom, where an engine lets writers run side by side.

use std::time::Duration;

use aeolus_model::{Grant, GrantId, Resource, Role, Subject};
use aeolus_store::{GrantRecord, ManagedBy, Unit};

use crate::fixture::{Database, NOW};

const A_WHILE: Duration = Duration::from_millis(200);

/// Authority is read after the lock, so it is what the one before has left.
async fn whoever_locks_an_organization_sees_what_was_changed_under_the_lock(db: Database) {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&db.clock, &db.rng),
            subject: Subject::User(fleet.user.id),
            role: Role::OrganizationOwner.into(),
            resource: Resource::Organization(organization),
        },
        organization: Some(organization),
        managed_by: ManagedBy::Api,
    };
    let mut write = db.store.write().await.unwrap();
    write.grants().insert(&grant).await.unwrap();
    write.commit().await.unwrap();

    let store = db.again().await;
    let mut first = db.store.write().await.unwrap();
    first.organizations().lock(organization).await.unwrap();
    let user = fleet.user.id;
    let mut second = tokio::spawn(async move {
        let mut write = store.write().await.unwrap();
        write.organizations().lock(organization).await.unwrap();
        let held = write.grants().effective(user).await.unwrap();
        write.rollback().await.unwrap();
        held
    });
    let waits = tokio::time::timeout(A_WHILE, &mut second).await.is_err();
    assert!(waits);
    first.grants().delete(grant.grant.id).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), []);
}

/// Else its end would not be told to the organization that it has just entered.
async fn a_session_ends_after_whoever_holds_it_has_said_where_it_is_used(db: Database) {
    let fleet = db.fleet().await;
    let session = db.session(&fleet.user);
    let (id, organization) = (session.id, fleet.organization.id);
    let mut write = db.store.write().await.unwrap();
    write.sessions().insert(&session).await.unwrap();
    write.commit().await.unwrap();

    let store = db.again().await;
    let mut holder = db.store.write().await.unwrap();
    assert!(holder.sessions().hold(id, NOW).await.unwrap());
    let mut end = tokio::spawn(async move {
        let mut write = store.write().await.unwrap();
        assert!(write.sessions().end(id, NOW).await.unwrap());
        let entered = write.sessions().entered(id).await.unwrap();
        write.commit().await.unwrap();
        entered
    });
    let waits = tokio::time::timeout(A_WHILE, &mut end).await.is_err();
    assert!(waits);
    holder.sessions().enter(id, organization).await.unwrap();
    holder.commit().await.unwrap();
    assert_eq!(end.await.unwrap(), [organization]);
    let mut late = db.store.write().await.unwrap();
    assert!(!late.sessions().hold(id, NOW).await.unwrap());
}

on_every_engine! {
    whoever_locks_an_organization_sees_what_was_changed_under_the_lock,
    a_session_ends_after_whoever_holds_it_has_said_where_it_is_used,
}
