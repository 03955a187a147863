//! What a provider's word never does to accounts: let in whom an administrator disabled, be an administrator, reach into
//! another organization.

use aeolus_model::{Action, Grant, GrantId, Outcome, Resource, Role, Slug, Subject, UserId};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _};
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{ADMIN, Fixture};
use crate::scim_client::{Client, fixture, refused, user};

on_every_engine! {
    scim_deleting_does_not_undo_what_an_administrator_disabled,
    scim_the_address_of_an_administrator_does_not_follow,
    scim_no_account_of_another_organization_is_taken_over,
}

/// Settings of a connection; provisioned people are put into acme.
fn config(scim: &Value) -> Value {
    let mut config = json!({
        "clientId": "aeolus",
        "discoveryUrl": "https://okta.test",
        "provision": {"domains": ["corp.test"], "organization": "acme"},
        "scim": {"organization": "acme"},
    });
    for (key, value) in scim.as_object().unwrap() {
        config["scim"][key] = value.clone();
    }
    config
}

fn of(email: &str) -> Value {
    let mut body = user("x");
    body["userName"] = json!(email);
    body["externalId"] = json!(email);
    body["emails"][0]["value"] = json!(email);
    body
}

fn active(active: bool) -> Value {
    json!([{"op": "replace", "path": "active", "value": active}])
}

pub(crate) async fn grant(f: &Fixture, user: UserId, role: Role, organization: Option<&str>) {
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let organization = match organization {
        Some(name) => {
            let name = Slug::parse(name).unwrap();
            let found = write.organizations().by_name(&name).await.unwrap();
            Some(found.unwrap().id)
        }
        None => None,
    };
    let record = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*f.clock, &*f.rng),
            subject: Subject::User(user),
            role: role.into(),
            resource: organization.map_or(Resource::System, Resource::Organization),
        },
        organization,
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&record).await.unwrap();
    write.commit().await.unwrap();
}

async fn scim_deleting_does_not_undo_what_an_administrator_disabled(database: Option<String>) {
    let f = fixture("scim delete disabled", database).await;
    let admin = f.admin().await;
    let config = config(&json!({"matchExisting": true}));
    let idp = Client::with(&f, "okta", "okta", config).await;
    let path = idp.make("ada").await;
    let disable = "/v1/users/ada@corp.test/disable";
    f.call("POST", disable, &admin, None).await.expect(200);
    idp.delete(&path).await.expect(204);
    refused(idp.get(&path).await, 404, None);
    let disabled = async || idp.account(&path).await.unwrap().disabled_at.is_some();
    assert!(disabled().await);
    // With the same address they are the same account, out until an administrator lets them in.
    assert_eq!(idp.make("ada").await, path);
    idp.patch(&path, active(false)).await.expect(200);
    idp.patch(&path, active(true)).await.expect(200);
    assert!(disabled().await);
    // Nor is it undone by saying that they are inactive before.
    idp.patch(&path, active(false)).await.expect(200);
    f.call("POST", disable, &admin, None).await.expect(200);
    idp.delete(&path).await.expect(204);
    assert!(disabled().await);
    // Whom the provider alone calls inactive is gone with its word.
    let bob = idp.make("bob").await;
    idp.patch(&bob, active(false)).await.expect(200);
    idp.delete(&bob).await.expect(204);
    assert!(idp.account(&bob).await.is_none());
    // Without leave to take accounts over, nobody comes with the address.
    let strict = Client::new(&f, "entra", "microsoft").await;
    let again = strict.post("/Users", user("ada")).await;
    refused(again, 409, Some("uniqueness"));
}

async fn scim_the_address_of_an_administrator_does_not_follow(database: Option<String>) {
    let f = fixture("scim administrator address", database).await;
    let moves = |to: &str| {
        json!([
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": to},
            {"op": "replace", "path": "displayName", "value": "Ada again"},
        ])
    };
    for (name, may) in [("okta", false), ("second", true)] {
        let config = config(&json!({"matchAdministrators": may}));
        let idp = Client::with(&f, name, "okta", config).await;
        let path = idp.make(&format!("ada-{name}")).await;
        let before = idp.account(&path).await.unwrap();
        grant(&f, before.id, Role::SystemAdmin, None).await;
        let to = format!("eve-{name}@corp.test");
        idp.patch(&path, moves(&to)).await.expect(200);
        let account = idp.account(&path).await.unwrap();
        assert_eq!(account.email.as_str() == to, may);
        assert_eq!(account.name, "Ada again");
        let lines = f.audited(Action::ScimUserUpdate).await;
        let mut lines = lines
            .iter()
            .filter(|line| line.target == before.id.to_string());
        let denied = lines.find(|line| line.outcome == Outcome::Denied);
        assert_eq!(
            denied.map(|line| line.reason.as_str()),
            (!may).then_some("administrator")
        );
    }
}

async fn scim_no_account_of_another_organization_is_taken_over(database: Option<String>) {
    let f = fixture("scim other organization", database).await;
    let admin = f.admin().await;
    f.globex(&admin).await;
    let may = json!({"matchExisting": true, "matchAdministrators": true});
    let idp = Client::with(&f, "okta", "okta", config(&may)).await;
    idp.post("/Users", of("member@example.com"))
        .await
        .expect(201);
    // Eve is in both.
    let store = f.store().await;
    let mut read = store.read().await.unwrap();
    let eve = "eve@example.com".parse().unwrap();
    let eve = read.users().by_email(&eve).await.unwrap().unwrap();
    drop(read);
    grant(&f, eve.id, Role::OrganizationMember, Some("globex")).await;
    let others = ["gus@example.com", "eve@example.com", ADMIN];
    for email in others {
        let body = refused(idp.post("/Users", of(email)).await, 409, Some("uniqueness"));
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("trustedDomains"), "{detail}");
        // Whose they are is not this provider's to know.
        assert!(!detail.contains("globex"), "{detail}");
    }
    let mut trusting = config(&may);
    trusting["trustedDomains"] = json!(["example.com"]);
    let second = Client::with(&f, "second", "okta", trusting).await;
    for email in others {
        second.post("/Users", of(email)).await.expect(201);
    }
}
