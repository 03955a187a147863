//! A plane with many people is told of a change, not of everything again.

use aeolus_model::{Grant, GrantId, Resource, Role, Slug, Subject, UserId};
use aeolus_snapshot::{SectionRef, Snapshot};
use aeolus_store::{GrantRecord, ManagedBy, Store, Unit as _, User};
use serde_json::json;

use crate::fixture::{Fixture, config};
use crate::publish::Reader;

const TOKENS: &str = "/v1/organizations/acme/tokens";
const PEOPLE: usize = 2_000;

/// People with a role in the organization.
async fn people(f: &Fixture) {
    let database = config(f.dir.path()).database;
    let store = Store::connect(&database.parse().unwrap()).await.unwrap();
    let mut write = store.write().await.unwrap();
    let acme = Slug::parse("acme").unwrap();
    let acme = write.organizations().by_name(&acme).await.unwrap().unwrap();
    for n in 0..PEOPLE {
        let user = User {
            id: UserId::new(&*f.clock, &*f.rng),
            email: format!("person-{n}@example.com").parse().unwrap(),
            name: format!("Person {n}"),
            password_hash: None,
            disabled_at: None,
            created_at: aeolus_model::Clock::now(&*f.clock),
            managed_by: ManagedBy::Api,
            revision: 1,
        };
        write.users().insert(&user).await.unwrap();
        let grant = GrantRecord {
            grant: Grant {
                id: GrantId::new(&*f.clock, &*f.rng),
                subject: Subject::User(user.id),
                role: Role::OrganizationMember.into(),
                resource: Resource::Organization(acme.id),
            },
            organization: Some(acme.id),
            managed_by: ManagedBy::Api,
        };
        write.grants().insert(&grant).await.unwrap();
    }
    write.commit().await.unwrap();
}

fn section(snapshot: &Snapshot, name: &str) -> SectionRef {
    snapshot.manifest().sections[name].clone()
}

#[tokio::test]
async fn a_change_among_many_travels_as_a_patch_with_the_manifest() {
    let f = Fixture::new("patches").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    people(&f).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let everybody = |s: &Snapshot| s.sections().subjects.subjects.len() > PEOPLE;
    let before = reader.until(&f, everybody).await;
    let owner = f.token_of("owner@example.com").await;
    let has = |s: &Snapshot| {
        let mut subjects = s.sections().subjects.subjects.iter();
        subjects.any(|s| s.name == "ci")
    };
    reader.fetched = 0;
    let mut ids = Vec::new();
    for round in 1..=3 {
        let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER"});
        let made = f.call("POST", TOKENS, &owner, Some(body)).await;
        ids.push(made.expect(201).json()["id"].as_str().unwrap().to_owned());
        let count = |s: &Snapshot| {
            let subjects = s.sections().subjects.subjects.iter();
            subjects.filter(|s| s.name == "ci").count() == round
        };
        let after = reader.until(&f, count).await;
        for name in ["subjects", "grants"] {
            let (old, new) = (section(&before, name), section(&after, name));
            assert_eq!(new.base, old.base, "{name}");
            assert_eq!(new.patches.len(), round, "{name}");
        }
        for name in ["deployments", "keys", "connections"] {
            assert_eq!(section(&after, name), section(&before, name), "{name}");
        }
    }
    for id in ids {
        let path = format!("{TOKENS}/{id}");
        f.call("DELETE", &path, &owner, None).await.expect(200);
    }
    let after = reader.until(&f, |s| !has(s)).await;
    assert!(section(&after, "subjects").patches.len() <= 8);
    assert_eq!(
        section(&after, "subjects").hash,
        section(&before, "subjects").hash
    );
    assert_eq!(reader.fetched, 0, "all of it travelled with the manifests");
}
