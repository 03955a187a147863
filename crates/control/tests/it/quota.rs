//! What an organization may use of what all share, and what is left for the others when one floods.

use std::time::Duration;

use aeolus_api::quota::Quota;
use aeolus_model::Action;
use aeolus_store::Unit as _;
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};

const QUOTA: &str = "/v1/organizations/acme/quota";
const USERS: &str = "/v1/organizations/acme/users";

struct World {
    f: Fixture,
    admin: String,
    owner: String,
}

impl World {
    /// Where one caller may use all of it.
    async fn new(name: &str) -> Self {
        let usual = json!({"apiCallsPerMinute": 50, "signInsPerMinute": 3, "callerPercent": 100});
        Self::with(name, usual).await
    }

    async fn with(name: &str, usual: Value) -> Self {
        let usual: Quota = serde_json::from_value(usual).unwrap();
        let f = Fixture::configured(name, |config| config.quota = usual).await;
        let (f, admin, owner) = f.peopled().await;
        Self { f, admin, owner }
    }

    async fn set(&self, quota: Value) -> Answer {
        self.f.call("PUT", QUOTA, &self.admin, Some(quota)).await
    }

    /// How many of so many requests are answered before the quota is used up.
    async fn answered(&self, bearer: &str, path: &str, of: u32) -> u32 {
        let (answered, code) = self.until_refused(bearer, path, of).await;
        assert!(matches!(code.as_str(), "" | "quota"), "{code}");
        answered
    }

    /// And by which code the next one is refused.
    async fn until_refused(&self, bearer: &str, path: &str, of: u32) -> (u32, String) {
        for n in 0..of {
            let answer = self.f.call("GET", path, bearer, None).await;
            if answer.status.as_u16() == 429 {
                let wait: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                return (n, answer.json()["code"].as_str().unwrap().to_owned());
            }
            answer.expect(200);
        }
        (of, String::new())
    }

    /// An API token of the organization, made by its owner.
    async fn token(&self) -> String {
        let path = "/v1/organizations/acme/tokens";
        let body = json!({"name": "x", "role": "ORGANIZATION_MEMBER"});
        let made = self.f.call("POST", path, &self.owner, Some(body)).await;
        made.expect(201).json()["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

#[tokio::test]
async fn f73_one_organizations_flood_leaves_the_others_theirs() {
    let w = World::new("f73").await;
    let gus = w.f.globex(&w.admin).await;
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

/// One caller who floods, if with everything they may use, leaves the others theirs, and who has the installation's
/// word may use it all.
#[tokio::test]
async fn f73_one_members_flood_leaves_half_to_the_others() {
    let usual = json!({"apiCallsPerMinute": 50, "signInsPerMinute": 3});
    let w = World::with("f73-share", usual).await;
    let acme = "/v1/organizations/acme";
    let eve = w.f.token_of("eve@example.com").await;
    let used_up = |count, code: &str| (count, code.to_owned());
    let refused = w.until_refused(&eve, acme, 100).await;
    assert_eq!(refused, used_up(25, "quota-share"));
    // A token is a caller as a person is. Making it was one of its owner's requests.
    let token = w.token().await;
    let refused = w.until_refused(&token, acme, 100).await;
    assert_eq!(refused, used_up(24, "quota"));
    assert_eq!(
        w.until_refused(&w.owner, acme, 1).await,
        used_up(0, "quota")
    );

    let gate = w.f.join(&w.admin, "eu-1").await;
    let etl = w.f.first(&w.admin, "deployments").await;
    let eves = w.f.login("eve@example.com").await;
    for _ in 0..2 {
        w.f.visit(&gate.authorize(&etl), &eves).await.expect(303);
    }
    let page = w.f.visit(&gate.authorize(&etl), &eves).await.expect(429);
    assert!(page.text().contains("your share"), "{}", page.text());
    // Nor does another session help.
    let again = w.f.login("eve@example.com").await;
    w.f.visit(&gate.authorize(&etl), &again).await.expect(429);
    let member = w.f.login("member@example.com").await;
    w.f.visit(&gate.authorize(&etl), &member).await.expect(303);

    w.f.clock.advance(Duration::from_secs(60));
    let whole = w.set(json!({"callerPercent": 100})).await.expect(200);
    assert_eq!(whole.json()["effective"]["callerPercent"], 100);
    let refused = w.until_refused(&token, acme, 100).await;
    assert_eq!(refused, used_up(50, "quota"));
}

#[tokio::test]
async fn f71_a_quota_that_says_0_is_none() {
    let w = World::new("f71").await;
    for odd in [
        json!({"apiCallsPerMinute": 0}),
        json!({"apiCallsPerMinute": -1}),
        json!({"signInsPerMinute": 0}),
        json!({"tokens": 1.5}),
        json!({"callerPercent": 0}),
        json!({"callerPercent": 101}),
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
    let effective =
        json!({"apiCallsPerMinute": 1_000_000, "signInsPerMinute": 3, "callerPercent": 100});
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
    let etl = w.f.first(&w.admin, "deployments").await;
    let cookie = w.f.login("eve@example.com").await;
    for _ in 0..3 {
        w.f.visit(&gate.authorize(&etl), &cookie).await.expect(303);
    }
    let page = w.f.visit(&gate.authorize(&etl), &cookie).await.expect(429);
    assert!(page.text().contains("quota"), "{}", page.text());
    // Who has nothing there uses nothing of it up.
    w.f.clock.advance(Duration::from_secs(60));
    w.f.globex(&w.admin).await;
    let stranger = w.f.login("gus@example.com").await;
    for _ in 0..5 {
        w.f.visit(&gate.authorize(&etl), &stranger)
            .await
            .expect(303);
    }
    w.f.visit(&gate.authorize(&etl), &cookie).await.expect(303);
}
