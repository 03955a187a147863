//! What an organization may use of what all share, and what is left for the others when one floods.

use std::time::Duration;

use aeolus_api::quota::Quota;
use aeolus_model::Action;
use aeolus_store::Unit as _;
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, PASSWORD};

const QUOTA: &str = "/v1/organizations/acme/quota";
const USERS: &str = "/v1/organizations/acme/users";

struct World {
    f: Fixture,
    admin: String,
    owner: String,
}

impl World {
    async fn new(name: &str) -> Self {
        let usual = json!({"apiCallsPerMinute": 50, "signInsPerMinute": 3});
        let usual: Quota = serde_json::from_value(usual).unwrap();
        let f = Fixture::configured(name, |config| config.quota = usual).await;
        let admin = f.admin().await;
        f.fleet(&admin).await;
        let owner = f.token_of("owner@example.com").await;
        Self { f, admin, owner }
    }

    async fn set(&self, quota: Value) -> Answer {
        self.f.call("PUT", QUOTA, &self.admin, Some(quota)).await
    }

    /// How many of so many requests are answered before one isn't.
    async fn answered(&self, bearer: &str, path: &str, of: u32) -> u32 {
        for n in 0..of {
            let answer = self.f.call("GET", path, bearer, None).await;
            if answer.status.as_u16() == 429 {
                assert_eq!(answer.json()["code"], "quota");
                let wait: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                return n;
            }
            answer.expect(200);
        }
        of
    }

    /// Another organization, and its owner's token.
    async fn globex(&self) -> String {
        let document = json!({
            "fleet": {"version": 1, "planes": [], "organizations": [{"name": "globex",
                "users": [{"email": "gus@example.com", "role": "ORGANIZATION_OWNER",
                    "password": {"env": "P"}}]}]},
            "secrets": {"organizations[0].users[0].password": PASSWORD},
        });
        let applied = self
            .f
            .call("POST", "/v1/apply", &self.admin, Some(document));
        applied.await.expect(200);
        self.f.token_of("gus@example.com").await
    }
}

#[tokio::test]
async fn f73_one_organizations_flood_leaves_the_others_theirs() {
    let w = World::new("f73").await;
    let gus = w.globex().await;
    assert_eq!(w.answered(&w.owner, USERS, 100).await, 50);
    let other = "/v1/organizations/globex/users";
    assert_eq!(w.answered(&gus, other, 20).await, 20);
    // Who administers the installation is not kept from looking into it, and nobody from themselves.
    assert_eq!(w.answered(&w.admin, USERS, 60).await, 60);
    w.f.call("GET", "/v1/me", &w.owner, None).await.expect(200);
    // What strangers ask about it is not counted: they can't use up what is not theirs.
    w.f.clock.advance(Duration::from_secs(60));
    for _ in 0..60 {
        w.f.call("GET", USERS, &gus, None).await.expect(404);
        w.f.call("GET", USERS, "", None).await.expect(401);
    }
    let path = "/v1/organizations/acme/tokens";
    let body = json!({"name": "x", "role": "ORGANIZATION_MEMBER"});
    let made =
        w.f.call("POST", path, &w.owner, Some(body))
            .await
            .expect(201);
    let token = format!("{path}/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(w.answered(&w.owner, USERS, 100).await, 49);
    // Whoever used it up, nobody is kept from taking something away.
    w.f.call("DELETE", &token, &w.owner, None).await.expect(200);
    let all = Some(json!({"issuedBefore": 1}));
    let revoke = format!("{path}:revoke");
    w.f.call("POST", &revoke, &w.owner, all).await.expect(200);
    w.set(json!({"apiCallsPerMinute": 70})).await.expect(200);
    assert_eq!(w.answered(&w.owner, USERS, 100).await, 20, "at once");
}

#[tokio::test]
async fn f71_a_quota_that_says_0_is_none() {
    let w = World::new("f71").await;
    for odd in [
        json!({"apiCallsPerMinute": 0}),
        json!({"apiCallsPerMinute": -1}),
        json!({"signInsPerMinute": 0}),
        json!({"tokens": 1.5}),
        json!({"calls": 1}),
    ] {
        w.set(odd).await.expect(400);
    }
    w.set(json!({"apiCallsPerMinute": 7})).await.expect(200);
    assert_eq!(w.answered(&w.owner, USERS, 1).await, 1);
    let shown = w.f.call("GET", QUOTA, &w.owner, None).await.expect(200);
    let id =
        w.f.call("GET", "/v1/organizations/acme", &w.admin, None)
            .await;
    let id = id.json()["id"].as_str().unwrap().parse().unwrap();
    // Whatever writes into the database.
    let store = w.f.store().await;
    let mut write = store.write().await.unwrap();
    let zero = r#"{"apiCallsPerMinute": 0, "signInsPerMinute": 0}"#;
    write.organizations().set_quota(id, zero).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(
        w.answered(&w.owner, USERS, 100).await,
        5,
        "the last good one"
    );
    w.f.token_of("owner@example.com").await;
    let again = w.f.call("GET", QUOTA, &w.admin, None).await.expect(200);
    assert_eq!(again.json()["effective"], shown.json()["effective"]);
}

#[tokio::test]
async fn only_who_administers_the_installation_sets_it() {
    let w = World::new("quota-who").await;
    let more = json!({"apiCallsPerMinute": 1_000_000});
    let refused = w.f.call("PUT", QUOTA, &w.owner, Some(more.clone())).await;
    assert!(refused.expect(403).text().contains("system.quotas.update"));
    let set = w.set(more).await.expect(200).json();
    let effective = json!({"apiCallsPerMinute": 1_000_000, "signInsPerMinute": 3});
    assert_eq!(set["effective"], effective);
    let [line] = &w.f.audited(Action::QuotaSet).await[..] else {
        panic!("one line");
    };
    let after = line.changes[0].after.as_deref();
    assert_eq!(after, Some(r#"{"apiCallsPerMinute":1000000}"#));
    assert!(line.organization.is_some());
    w.set(json!({})).await.expect(200);
    let member = w.f.token_of("member@example.com").await;
    let shown = w.f.call("GET", QUOTA, &member, None).await.expect(200);
    assert_eq!(shown.json()["quota"], json!({}));
}

#[tokio::test]
async fn tokens_are_bounded_by_the_lower_of_policy_and_quota() {
    let w = World::new("quota-tokens").await;
    let path = "/v1/organizations/acme/tokens";
    let make = async || {
        let body = json!({"name": "x", "role": "ORGANIZATION_MEMBER"});
        w.f.call("POST", path, &w.owner, Some(body)).await
    };
    w.set(json!({"tokens": 2})).await.expect(200);
    make().await.expect(201);
    make().await.expect(201);
    assert!(make().await.expect(409).text().contains("quota allows 2"));
    w.set(json!({"tokens": 5})).await.expect(200);
    let policy = Some(json!({"maxTokens": 2}));
    let at = "/v1/organizations/acme/policy";
    w.f.call("PUT", at, &w.owner, policy).await.expect(200);
    assert!(make().await.expect(409).text().contains("policy allows 2"));
}

#[tokio::test]
async fn sign_ins_to_an_organizations_deployments_are_bounded() {
    let w = World::new("quota-signin").await;
    let gate = w.f.join(&w.admin, "eu-1").await;
    let deployments = "/v1/organizations/acme/deployments";
    let list = w.f.call("GET", deployments, &w.owner, None).await.json();
    let etl = list["items"][0]["id"].as_str().unwrap();
    let cookie = w.f.login("eve@example.com").await;
    for _ in 0..3 {
        w.f.visit(&gate.authorize(etl), &cookie).await.expect(303);
    }
    let page = w.f.visit(&gate.authorize(etl), &cookie).await.expect(429);
    assert!(page.text().contains("quota"), "{}", page.text());
    // Who has nothing there uses nothing of it up.
    w.f.clock.advance(Duration::from_secs(60));
    w.globex().await;
    let stranger = w.f.login("gus@example.com").await;
    for _ in 0..5 {
        w.f.visit(&gate.authorize(etl), &stranger).await.expect(303);
    }
    w.f.visit(&gate.authorize(etl), &cookie).await.expect(303);
}
