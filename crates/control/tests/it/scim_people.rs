//! What provisioning means for people's accounts: who is taken over, who is out, who is gone.

use aeolus_model::{Action, Resource, Role, Subject};
use aeolus_store::{ManagedBy, Unit as _};
use http::StatusCode;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{ADMIN, Fixture, PASSWORD};
use crate::scim_client::{Client, fixture, refused, user};

on_every_engine! {
    scim_who_is_inactive_is_out_at_once_and_stays_in_their_teams,
    scim_what_an_administrator_disabled_only_they_enable,
    scim_who_is_deleted_is_gone_and_can_come_again,
    scim_an_account_that_others_hold_stays,
    scim_an_account_that_is_there_is_taken_only_where_that_is_allowed,
    scim_the_last_owner_and_the_last_administrator_go_loudly,
    scim_who_is_provisioned_gets_what_the_connections_rule_gives,
    scim_who_was_removed_here_is_made_again,
    scim_users_without_an_address_are_users,
}

const MEMBER: &str = "member@example.com";

/// A connection that may take over accounts.
async fn matching(f: &Fixture, administrators: bool) -> Client<'_> {
    let config = json!({
        "clientId": "aeolus",
        "discoveryUrl": "https://okta.test",
        "trustedDomains": ["example.com"],
        "scim": {
            "organization": "acme",
            "matchExisting": true,
            "matchAdministrators": administrators,
        },
    });
    Client::with(f, "okta", "okta", config).await
}

/// As a provider writes somebody of this address.
fn of(email: &str) -> Value {
    let mut body = user("x");
    body["userName"] = json!(email);
    body["externalId"] = json!(email);
    body["emails"][0]["value"] = json!(email);
    body
}

async fn adopt(idp: &Client<'_>, email: &str) -> String {
    let made = idp.post("/Users", of(email)).await.expect(201).json();
    format!("/Users/{}", made["id"].as_str().unwrap())
}

async fn set_active(idp: &Client<'_>, path: &str, active: Value) -> Value {
    let operations = json!([{"op": "Replace", "path": "active", "value": active}]);
    idp.patch(path, operations).await.expect(200).json()
}

async fn scim_who_is_inactive_is_out_at_once_and_stays_in_their_teams(database: Option<String>) {
    let f = fixture("scim inactive", database).await;
    let idp = matching(&f, false).await;
    let cookie = f.login(MEMBER).await;
    let token = f.token_of_cookie(&cookie).await;
    let path = adopt(&idp, MEMBER).await;
    f.call("GET", "/v1/me", &token, None).await.expect(200);
    let off = set_active(&idp, &path, json!("False")).await;
    assert_eq!(off["active"], false);
    f.call("GET", "/v1/me", &token, None).await.expect(401);
    assert_eq!(f.visit("/", &cookie).await.status, StatusCode::SEE_OTHER);
    f.try_login(MEMBER, PASSWORD, "/").await.expect(401);
    let found = idp.found("active eq false").await;
    assert_eq!(found.len(), 1);
    let account = idp.account(&path).await.unwrap();
    let store = f.store().await;
    let mut read = store.read().await.unwrap();
    let acme = "acme".parse().unwrap();
    let acme = read.organizations().by_name(&acme).await.unwrap().unwrap();
    let teams = read.teams().of(account.id).await.unwrap();
    assert_eq!(teams.len(), 1);
    // Gates refuse what began before this, whichever plane it is on.
    let mut revocations = read.revocations();
    let subject = Subject::User(account.id);
    let marked = revocations.is_marked(acme.id, subject, f.clock_now());
    assert!(marked.await.unwrap());
    drop(read);
    let (done, by) = {
        let lines = f.audited(Action::UserDisable).await;
        (lines.len(), lines[0].actor.clone())
    };
    assert_eq!(
        (done, by),
        (1, aeolus_model::Actor::Scim("okta/test".to_owned()))
    );
    set_active(&idp, &path, json!(true)).await;
    // They come in again, and what had ended stays so.
    f.call("GET", "/v1/me", &token, None).await.expect(401);
    f.login(MEMBER).await;
}

async fn scim_what_an_administrator_disabled_only_they_enable(database: Option<String>) {
    let f = fixture("scim disabled", database).await;
    let admin = f.admin().await;
    let idp = matching(&f, false).await;
    let path = adopt(&idp, MEMBER).await;
    let able = async |deed: &str, status: u16| {
        let path = format!("/v1/users/{MEMBER}/{deed}");
        f.call("POST", &path, &admin, None).await.expect(status);
    };
    let disabled = async || idp.account(&path).await.unwrap().disabled_at.is_some();
    able("disable", 200).await;
    // Nothing that says what was said before lets them in, nor does going out and in.
    set_active(&idp, &path, json!(true)).await;
    idp.put(&path, of(MEMBER)).await.expect(200);
    assert!(disabled().await);
    set_active(&idp, &path, json!(false)).await;
    set_active(&idp, &path, json!(true)).await;
    assert!(disabled().await);
    able("enable", 200).await;
    assert!(!disabled().await);
    // Who is inactive at the provider isn't let in beside it, unless an administrator makes it theirs.
    set_active(&idp, &path, json!(false)).await;
    able("enable", 409).await;
    able("disable", 200).await;
    set_active(&idp, &path, json!(true)).await;
    assert!(disabled().await);
    able("enable", 200).await;
    assert!(!disabled().await);
}

async fn scim_who_is_deleted_is_gone_and_can_come_again(database: Option<String>) {
    let f = fixture("scim deleted", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let path = idp.make("ada").await;
    let first = idp.account(&path).await.unwrap();
    idp.delete(&path).await.expect(204);
    refused(idp.delete(&path).await, 404, None);
    refused(idp.get(&path).await, 404, None);
    assert_eq!(idp.found("userName eq \"ada@corp.test\"").await.len(), 0);
    assert!(idp.account(&path).await.is_none());
    let store = f.store().await;
    let mut read = store.read().await.unwrap();
    let held = read.grants().of(Subject::User(first.id)).await.unwrap();
    assert!(held.is_empty());
    drop(read);
    let again = idp.make("ada").await;
    assert_ne!(again, path);
    let lines = f.audited(Action::ScimUserDelete).await;
    assert_eq!((lines.len(), lines[0].reason.as_str()), (1, ""));
}

async fn scim_an_account_that_others_hold_stays(database: Option<String>) {
    let f = fixture("scim kept", database).await;
    let idp = matching(&f, false).await;
    let path = adopt(&idp, MEMBER).await;
    let token = f.token_of(MEMBER).await;
    idp.delete(&path).await.expect(204);
    refused(idp.get(&path).await, 404, None);
    // It was here before: it is still, without anything in the organization.
    let kept = idp.account(&path).await.unwrap();
    assert!(kept.disabled_at.is_none());
    let store = f.store().await;
    let mut read = store.read().await.unwrap();
    assert!(read.teams().of(kept.id).await.unwrap().is_empty());
    assert!(
        read.grants()
            .of(Subject::User(kept.id))
            .await
            .unwrap()
            .is_empty()
    );
    drop(read);
    let list = "/v1/organizations/acme/teams";
    f.call("GET", list, &token, None).await.expect(404);
    let lines = f.audited(Action::ScimUserDelete).await;
    assert_eq!(lines[0].reason, "account_kept");
    assert_eq!(adopt(&idp, MEMBER).await, path);
}

async fn scim_an_account_that_is_there_is_taken_only_where_that_is_allowed(
    database: Option<String>,
) {
    let f = fixture("scim adopted", database).await;
    let strict = Client::new(&f, "entra", "microsoft").await;
    refused(
        strict.post("/Users", of(MEMBER)).await,
        409,
        Some("uniqueness"),
    );
    let off = json!({"op": "replace", "path": "active", "value": false});
    let mut inactive = of(MEMBER);
    inactive["active"] = json!(false);
    refused(
        strict.post("/Users", inactive).await,
        409,
        Some("uniqueness"),
    );
    f.login(MEMBER).await;
    // Nor by an address that somebody takes later.
    let path = strict.make("ada").await;
    let moves = json!([
        off,
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": MEMBER},
    ]);
    refused(strict.patch(&path, moves).await, 409, Some("uniqueness"));
    assert!(strict.account(&path).await.unwrap().disabled_at.is_none());
    let idp = matching(&f, false).await;
    adopt(&idp, MEMBER).await;
    let lines = f.audited(Action::ScimUserCreate).await;
    assert_eq!(lines.last().unwrap().reason, "adopted");
    // Whoever administers the installation takes another word.
    refused(idp.post("/Users", of(ADMIN)).await, 409, Some("uniqueness"));
    // Two providers never share an account.
    let config = json!({
        "clientId": "aeolus",
        "discoveryUrl": "https://second.test",
        "trustedDomains": ["example.com"],
        "scim": {"matchExisting": true, "matchAdministrators": true},
    });
    let second = Client::with(&f, "second", "custom", config).await;
    refused(
        second.post("/Users", of(MEMBER)).await,
        409,
        Some("uniqueness"),
    );
    second.post("/Users", of(ADMIN)).await.expect(201);
}

async fn scim_the_last_owner_and_the_last_administrator_go_loudly(database: Option<String>) {
    let f = fixture("scim last", database).await;
    let idp = matching(&f, true).await;
    for (email, reason) in [
        ("owner@example.com", "last_owner"),
        (ADMIN, "last_administrator"),
    ] {
        let path = adopt(&idp, email).await;
        set_active(&idp, &path, json!(false)).await;
        assert!(idp.account(&path).await.unwrap().disabled_at.is_some());
        let lines = f.audited(Action::NobodyLeft).await;
        let last = lines.iter().filter(|line| line.reason == reason);
        assert_eq!(last.count(), 1, "{email}: {lines:?}");
    }
}

async fn scim_who_is_provisioned_gets_what_the_connections_rule_gives(database: Option<String>) {
    let f = fixture("scim rule", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let inside = idp.make("ada").await;
    let outside = adopt(&idp, "bob@elsewhere.test").await;
    let store = f.store().await;
    let mut read = store.read().await.unwrap();
    for (path, roles) in [(&inside, 1), (&outside, 0)] {
        let account = idp.account(path).await.unwrap();
        let held = read.grants().of(Subject::User(account.id)).await.unwrap();
        assert_eq!(held.len(), roles, "{path}");
        for record in held {
            assert_eq!(record.grant.role, Role::OrganizationMember.into());
            assert!(matches!(record.grant.resource, Resource::Organization(_)));
            assert_eq!(record.managed_by, ManagedBy::Api);
        }
        // An address is theirs by the word of who may speak for its domain.
        let mut users = read.users();
        let unproved = users.has_unproved_address(account.id).await.unwrap();
        assert_eq!(unproved, roles == 0, "{path}");
    }
}

async fn scim_who_was_removed_here_is_made_again(database: Option<String>) {
    let f = fixture("scim removed", database).await;
    let idp = Client::new(&f, "entra", "microsoft").await;
    let path = idp.make("ada").await;
    let account = idp.account(&path).await.unwrap();
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    write.users().delete(account.id).await.unwrap();
    write.commit().await.unwrap();
    refused(idp.get(&path).await, 404, None);
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    refused(idp.patch(&path, off).await, 404, None);
    assert_eq!(idp.found("userName eq \"ada@corp.test\"").await.len(), 0);
    idp.make("ada").await;
}

async fn scim_users_without_an_address_are_users(database: Option<String>) {
    let f = fixture("scim no address", database).await;
    let idp = Client::new(&f, "strict", "custom").await;
    for name in ["ada", "bob"] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
        });
        let made = idp.post("/Users", body).await.expect(201).json();
        assert_eq!(made.get("emails"), None);
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        let account = idp.account(&path).await.unwrap();
        assert!(account.email.as_str().ends_with("@no-address.invalid"));
        let emails = json!([{"op": "add", "path": "emails", "value": [{"value": format!("{name}@corp.test")}]}]);
        idp.patch(&path, emails).await.expect(200);
        let account = idp.account(&path).await.unwrap();
        assert_eq!(account.email.as_str(), format!("{name}@corp.test"));
        // Without an address again, they keep the last.
        idp.patch(&path, json!([{"op": "remove", "path": "emails"}]))
            .await
            .expect(200);
        let account = idp.account(&path).await.unwrap();
        assert_eq!(account.email.as_str(), format!("{name}@corp.test"));
    }
}
