use std::collections::BTreeSet;
use std::slice::from_ref;
use std::time::Duration;

use aeolus_model::{
    CustomScope, Grant, GrantId, GrantedRole, Permission, PermissionSet, Resource, RoleDefinition,
    RoleId, Subject,
};
use aeolus_store::{
    GrantRecord, ManagedBy, Organization, Page, RoleRecord, StoreError, Taken, Unit,
};

use crate::fixture::{Database, Fleet, NOW, slug};

const A_WHILE: Duration = Duration::from_millis(200);

fn definition(permissions: &[Permission]) -> RoleDefinition {
    let set: PermissionSet = permissions.iter().copied().collect();
    RoleDefinition::new(CustomScope::Deployment, set, BTreeSet::new()).unwrap()
}

fn role(db: &Database, organization: &Organization, name: &str) -> RoleRecord {
    RoleRecord {
        id: RoleId::new(&db.clock, &db.rng),
        organization: organization.id,
        name: slug(name),
        description: "those on call".to_owned(),
        definition: definition(&[
            Permission::DeploymentAirflowGet,
            Permission::DeploymentAirflowAdmin,
        ]),
        managed_by: ManagedBy::Apply,
        revision: 1,
    }
}

fn grant(db: &Database, fleet: &Fleet, role: GrantedRole) -> GrantRecord {
    GrantRecord {
        grant: Grant {
            id: GrantId::new(&db.clock, &db.rng),
            subject: Subject::User(fleet.user.id),
            role,
            resource: Resource::Deployment(fleet.deployment.id),
        },
        organization: Some(fleet.organization.id),
        managed_by: ManagedBy::Api,
    }
}

/// A fleet in which somebody has a role of the organization's own.
async fn given(db: &Database) -> (Fleet, RoleRecord, GrantRecord) {
    let fleet = db.fleet().await;
    let role = role(db, &fleet.organization, "on-call");
    let grant = grant(db, &fleet, role.granted());
    let mut write = db.store.write().await.unwrap();
    write.roles().insert(&role).await.unwrap();
    write.grants().insert(&grant).await.unwrap();
    write.commit().await.unwrap();
    (fleet, role, grant)
}

async fn a_role_is_found_by_name_and_id_and_a_name_is_taken_once(db: Database) {
    let (fleet, on_call, _) = given(&db).await;
    let organization = fleet.organization.id;
    let mut read = db.store.read().await.unwrap();
    let by_id = read.roles().get(on_call.id).await.unwrap();
    assert_eq!(by_id.as_ref(), Some(&on_call));
    let by_name = read.roles().by_name(organization, &on_call.name).await;
    assert_eq!(by_name.unwrap(), by_id);
    let all = read.roles().list(organization, Page::first(5)).await;
    assert_eq!(all.unwrap().items, from_ref(&on_call));
    drop(read);
    let mut write = db.store.write().await.unwrap();
    let again = role(&db, &fleet.organization, "on-call");
    let again = write.roles().insert(&again).await.unwrap_err();
    assert!(matches!(again, StoreError::Taken(Taken::Role)), "{again}");
}

/// Planes are made from grants: what a role allows is read with each of them.
async fn a_changed_role_is_what_every_grant_of_it_allows(db: Database) {
    let (fleet, on_call, grant) = given(&db).await;
    let mut read = db.store.read().await.unwrap();
    let before = read.settings().feed().await.unwrap();
    let reaching = read.grants().reaching(fleet.plane.id).await.unwrap();
    assert_eq!(reaching, [grant]);
    drop(read);
    let narrow = RoleRecord {
        name: slug("watcher"),
        definition: definition(&[Permission::DeploymentAirflowGet]),
        ..on_call.clone()
    };
    let mut write = db.store.write().await.unwrap();
    write.roles().update(&narrow).await.unwrap();
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let after = read.settings().feed().await.unwrap();
    assert!(after.records > before.records, "planes are told");
    let held = read.grants().effective(fleet.user.id).await.unwrap();
    assert_eq!(held[0].grant.role, narrow.granted());
    drop(read);
    let mut write = db.store.write().await.unwrap();
    let late = write.roles().update(&on_call).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict), "{late}");
}

async fn a_role_stays_while_somebody_has_it_and_goes_with_its_organization(db: Database) {
    let (fleet, on_call, given) = given(&db).await;
    let mut write = db.store.write().await.unwrap();
    let held = write.roles().delete(on_call.id).await.unwrap_err();
    assert!(matches!(held, StoreError::Reference), "{held}");
    write.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let of_role = write.grants().of_role(on_call.id).await.unwrap();
    assert_eq!(of_role, [given]);
    write.grants().delete(of_role[0].grant.id).await.unwrap();
    assert!(write.roles().delete(on_call.id).await.unwrap());
    write.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let organization = fleet.organization.id;
    let deployment = fleet.deployment.id;
    let others = grant(&db, &fleet, on_call.granted());
    let others = GrantRecord {
        grant: Grant {
            resource: Resource::Organization(organization),
            ..others.grant
        },
        ..others
    };
    write.grants().insert(&others).await.unwrap();
    assert!(write.deployments().delete(deployment, NOW).await.unwrap());
    assert!(write.organizations().delete(organization).await.unwrap());
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.roles().get(on_call.id).await.unwrap(), None);
}

/// Who grants a role reads it after the lock: what was taken out of it meanwhile isn't judged by, and
/// isn't handed out.
async fn p7_a_role_that_is_narrowed_while_it_is_granted_is_granted_narrow(db: Database) {
    let (fleet, on_call, _) = given(&db).await;
    let organization = fleet.organization.id;
    let store = db.again().await;
    let mut first = db.store.write().await.unwrap();
    first.organizations().lock(organization).await.unwrap();
    let id = on_call.id;
    let mut second = tokio::spawn(async move {
        let mut write = store.write().await.unwrap();
        write.organizations().lock(organization).await.unwrap();
        let seen = write.roles().get(id).await.unwrap();
        write.rollback().await.unwrap();
        seen
    });
    let waits = tokio::time::timeout(A_WHILE, &mut second).await.is_err();
    assert!(waits);
    let narrow = definition(&[Permission::DeploymentAirflowGet]);
    let narrow = RoleRecord {
        definition: narrow,
        ..on_call
    };
    first.roles().update(&narrow).await.unwrap();
    first.commit().await.unwrap();
    let seen = second.await.unwrap().unwrap();
    assert_eq!(seen.definition, narrow.definition);
}

on_every_engine! {
    a_role_is_found_by_name_and_id_and_a_name_is_taken_once,
    a_changed_role_is_what_every_grant_of_it_allows,
    a_role_stays_while_somebody_has_it_and_goes_with_its_organization,
    p7_a_role_that_is_narrowed_while_it_is_granted_is_granted_narrow,
}
