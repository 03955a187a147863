//! An organization's own rules: who changes them, what they allow, and what a change ends.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};

const POLICY: &str = "/v1/organizations/acme/policy";
const TOKENS: &str = "/v1/organizations/acme/tokens";
const DAY: Duration = Duration::from_secs(86_400);

struct World {
    f: Fixture,
    admin: String,
    owner: String,
}

impl World {
    async fn new(name: &str) -> Self {
        let (f, admin, owner) = Fixture::new(name).await.peopled().await;
        Self { f, admin, owner }
    }

    async fn set(&self, query: &str, policy: Value) -> Answer {
        let path = format!("{POLICY}{query}");
        self.f.call("PUT", &path, &self.owner, Some(policy)).await
    }

    async fn shown(&self) -> Value {
        let shown = self.f.call("GET", POLICY, &self.owner, None).await;
        shown.expect(200).json()
    }

    async fn token(&self, days: Option<u32>) -> Answer {
        let mut body = json!({"name": "ci", "role": "ORGANIZATION_MEMBER"});
        if let Some(days) = days {
            body["tokenExpiryPeriodInDays"] = json!(days);
        }
        self.f.call("POST", TOKENS, &self.owner, Some(body)).await
    }

    /// A token's id and value.
    async fn made(&self, days: Option<u32>) -> (String, String) {
        let made = self.token(days).await.expect(201).json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    async fn me(&self, bearer: &str) -> u16 {
        let answer = self.f.call("GET", "/v1/me", bearer, None).await;
        answer.status.as_u16()
    }

    /// `GET` of the organization from an address.
    async fn from(&self, bearer: &str, address: &str) -> Answer {
        let request = http::Request::builder()
            .uri("/v1/organizations/acme")
            .header("host", "aeolus.example.com")
            .header("x-forwarded-for", address)
            .header("authorization", format!("Bearer {bearer}"));
        let body = axum::body::Body::empty();
        self.f.send(request.body(body).unwrap()).await
    }
}

#[tokio::test]
async fn x1_owners_change_the_policy_as_a_whole_and_nobody_else_does() {
    let w = World::new("x1-policy").await;
    assert_eq!(w.shown().await["policy"], json!({}));
    let policy = json!({
        "tokenMaxDays": {"organization": 90},
        "tokensMustExpire": true,
        "rotationGrace": "1d",
        "sessionLife": "aal2",
    });
    let member = w.f.token_of("member@example.com").await;
    let body = Some(policy.clone());
    w.f.call("PUT", POLICY, &member, body).await.expect(403);
    let changed = w.set("?wait=planes", policy.clone()).await.expect(200);
    let changed = changed.json();
    assert_eq!(changed["done"], true);
    assert_eq!(changed["planes"]["unconfirmed"], json!([]));
    let shown = w.shown().await;
    assert_eq!(
        (&shown["policy"], &shown["revision"]),
        (&policy, &changed["revision"])
    );
    let path = "/v1/organizations/acme/audit?limit=200";
    let lines = w.f.call("GET", path, &w.owner, None).await.json()["items"].clone();
    let lines = lines.as_array().unwrap().iter();
    let mut set = lines.filter(|line| line["action"] == "organization.policy_set");
    let change = &set.next().unwrap()["changes"][0];
    assert_eq!(
        (&change["field"], &change["before"]),
        (&json!("policy"), &json!("{}"))
    );

    // Nobody undoes what they have not seen.
    let stale = shown["revision"].as_u64().unwrap() - 1;
    for (tag, status) in [
        (format!("\"{stale}\""), 412),
        (format!("\"{}\"", stale + 1), 200),
    ] {
        let request = http::Request::builder()
            .method("PUT")
            .uri(POLICY)
            .header("host", "aeolus.example.com")
            .header("if-match", tag)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", w.owner));
        let body = axum::body::Body::from("{}");
        let answer = w.f.send(request.body(body).unwrap()).await;
        answer.expect(status);
    }
    for wrong in [
        json!({"tokenMaxDays": {"organization": 0}}),
        json!({"rotationGrace": "31d"}),
        json!({"maxTokens": 100_001}),
        json!({"sessionLife": {"unused": "1m", "absolute": "1d"}}),
        json!({"sessionLife": {"unused": "2h", "absolute": "1h"}}),
    ] {
        w.set("", wrong).await.expect(422);
    }
    for wrong in [
        json!({"allowedNetworks": ["x"]}),
        json!({"sessionLife": "aal3"}),
        json!({"unknown": 1}),
    ] {
        w.set("", wrong).await.expect(400);
    }
}

/// What a tighter rule ends is said before, and is exactly what ends.
#[tokio::test]
async fn x1_a_tighter_bound_ends_what_has_lived_too_long() {
    let w = World::new("x1-tighten").await;
    let (old, old_value) = w.made(Some(365)).await;
    w.f.clock.advance(10 * DAY);
    let w = World {
        owner: w.f.token_of("owner@example.com").await,
        ..w
    };
    let (long, long_value) = w.made(Some(365)).await;
    let (_, short_value) = w.made(Some(3)).await;
    let policy = json!({"tokenMaxDays": {"organization": 7}});
    let preview = w.set("?dry_run=true", policy.clone()).await.expect(200);
    let preview = preview.json();
    assert_eq!(
        (&preview["done"], &preview["tokensTotal"]),
        (&json!(false), &json!(2))
    );
    assert_eq!(w.shown().await["policy"], json!({}));
    assert_eq!(w.me(&old_value).await, 200);
    let changed = w.set("", policy).await.expect(200).json();
    assert_eq!(changed["tokens"], preview["tokens"]);
    let ends = |id: &str| {
        let tokens = changed["tokens"].as_array().unwrap().iter();
        let mut found = tokens.filter(|token| token["id"] == id);
        found.next().unwrap()["newEndAt"].as_i64().unwrap()
    };
    let start = 1_800_000_000;
    assert_eq!(ends(&old), start + 7 * 86_400);
    assert_eq!(ends(&long), start + 17 * 86_400);
    assert_eq!(w.me(&old_value).await, 401, "it had lived longer");
    assert_eq!(
        (w.me(&long_value).await, w.me(&short_value).await),
        (200, 200)
    );
    let path = format!("{TOKENS}/{long}");
    let shown =
        w.f.call("GET", &path, &w.owner, None)
            .await
            .expect(200)
            .json();
    assert_eq!(shown["endAt"], start + 17 * 86_400);
    assert_eq!(shown["expiryPeriodInDays"], 7);
    // A second time there is nothing left to end, and a looser rule gives nothing back.
    let again = w
        .set("", json!({"tokenMaxDays": {"organization": 7}}))
        .await;
    assert_eq!(again.expect(200).json()["tokensTotal"], 0);
    w.set("", json!({})).await.expect(200);
    w.f.clock.advance(7 * DAY);
    assert_eq!(w.me(&long_value).await, 401);
}

#[tokio::test]
async fn x1_a_fleet_document_tightens_just_so() {
    let w = World::new("x1-apply").await;
    let (_, value) = w.made(Some(365)).await;
    w.f.clock.advance(10 * DAY);
    let admin = w.f.admin().await;
    let mut body = crate::fixture::fleet();
    body["fleet"]["organizations"][0]["policy"] = json!({"tokenMaxDays": {"organization": 7}});
    let dry =
        w.f.call("POST", "/v1/apply?dry_run=true", &admin, Some(body.clone()))
            .await;
    let dry = dry.expect(200).text();
    assert!(dry.contains("1 token values end sooner"), "{dry}");
    assert_eq!(w.me(&value).await, 200);
    w.f.call("POST", "/v1/apply", &admin, Some(body))
        .await
        .expect(200);
    assert_eq!(w.me(&value).await, 401);
}

#[tokio::test]
async fn there_are_no_more_tokens_than_the_policy_allows() {
    let w = World::new("max-tokens").await;
    w.set("", json!({"maxTokens": 2})).await.expect(200);
    let (first, _) = w.made(Some(1)).await;
    w.made(Some(1)).await;
    let refused = w.token(Some(1)).await.expect(409);
    assert!(refused.text().contains("allows 2"), "{}", refused.text());
    let path = format!("{TOKENS}/{first}");
    w.f.call("DELETE", &path, &w.owner, None).await.expect(200);
    w.made(Some(1)).await;
    w.set("", json!({"maxTokens": 0})).await.expect(200);
    w.token(Some(1)).await.expect(409);
}

#[tokio::test]
async fn networks_bound_people_and_tokens_and_nobody_locks_themselves_out() {
    let w = World::new("networks").await;
    let (_, value) = w.made(Some(1)).await;
    // The fixture's requests come from no address that is known.
    let refused = w.set("", json!({"allowedNetworks": ["10.0.0.0/8"]})).await;
    let refused = refused.expect(422);
    assert!(
        refused.text().contains("lock yourself out"),
        "{}",
        refused.text()
    );
    let body = json!({"allowedNetworks": ["10.0.0.0/8", "fd00::/8"]});
    w.f.call("PUT", POLICY, &w.admin, Some(body))
        .await
        .expect(200);
    for (address, status) in [
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("fd00::1", 200),
        ("192.0.2.1", 403),
        ("", 403),
    ] {
        for bearer in [&w.owner, &value] {
            let answer = w.from(bearer, address).await;
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{address}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(
        w.from(&w.owner, "192.0.2.1").await.json()["code"],
        "network"
    );
    // Who administers the installation can always take it back.
    assert_eq!(w.from(&w.admin, "192.0.2.1").await.status.as_u16(), 200);
    w.f.call("PUT", POLICY, &w.admin, Some(json!({})))
        .await
        .expect(200);
    assert_eq!(w.from(&value, "192.0.2.1").await.status.as_u16(), 200);
}

#[tokio::test]
async fn x3_sessions_last_as_long_as_the_organization_says() {
    let w = World::new("x3-life").await;
    let gate = w.f.join(&w.admin, "eu-1").await;
    let deployment = w.f.first(&w.admin, "deployments").await;
    let cookie = w.f.login("member@example.com").await;
    w.f.gate_sign_in(&gate, &deployment, &cookie)
        .await
        .expect(200);
    let list = "/v1/sessions?organization=acme&user=member@example.com";
    let held =
        w.f.call("GET", list, &w.owner, None)
            .await
            .expect(200)
            .json();
    let session = held["items"][0]["id"].as_str().unwrap().to_owned();
    let renew = || async {
        let path = format!("/v1/planes/self/sessions/{session}/renew");
        let body = Some(json!({ "deployment": deployment }));
        w.f.call("POST", &path, &w.f.assertion(&gate), body).await
    };
    let start = 1_800_000_000;
    assert_eq!(
        renew().await.expect(200).json()["accessEnd"],
        start + 8 * 3600
    );
    w.set("", json!({"sessionLife": "aal2"})).await.expect(200);
    let renewed = renew().await.expect(200).json();
    assert_eq!(renewed["accessEnd"], start + 3600);
    assert_eq!(renewed["absoluteEnd"], start + 86_400);
    let fresh =
        w.f.gate_sign_in(&gate, &deployment, &cookie)
            .await
            .expect(200)
            .json();
    assert_eq!(fresh["expires_in"], 3600);
    assert_eq!(fresh["aeolus"]["absolute_end"], start + 86_400);

    // Past it the session is over there, also at once when the rule comes.
    w.f.clock.advance(Duration::from_secs(2 * 3600));
    let life = json!({"sessionLife": {"unused": "30m", "absolute": "1h"}});
    let owner = w.f.token_of("owner@example.com").await;
    let path = format!("{POLICY}?dry_run=true");
    let preview = w.f.call("PUT", &path, &owner, Some(life.clone())).await;
    assert_eq!(preview.expect(200).json()["sessions"], json!([session]));
    renew().await.expect(200);
    w.f.call("PUT", POLICY, &owner, Some(life))
        .await
        .expect(200);
    let over = renew().await.expect(410).json();
    assert_eq!(over["code"], "session-over-in-organization");
    let member = w.f.token_of_cookie(&cookie).await;
    assert_eq!(w.me(&member).await, 200, "elsewhere it goes on");
}

/// Whoever is sent back with a session that is too old would only be refused again.
#[tokio::test]
async fn x3_a_session_that_is_too_old_leads_to_a_new_sign_in() {
    let w = World::new("x3-again").await;
    let gate = w.f.join(&w.admin, "eu-1").await;
    let deployment = w.f.first(&w.admin, "deployments").await;
    w.set("", json!({"sessionLife": "aal2"})).await.expect(200);
    let old = w.f.login("owner@example.com").await;
    let bearer = w.f.token_of_cookie(&old).await;
    let organization = "/v1/organizations/acme";
    w.f.clock.advance(Duration::from_secs(86_399));
    let bearer_later = w.f.token_of_cookie(&old).await;
    let answer = w.f.call("GET", organization, &bearer_later, None).await;
    answer.expect(200);
    w.f.gate_sign_in(&gate, &deployment, &old).await.expect(200);
    w.f.clock.advance(Duration::from_secs(1));
    assert_eq!(w.me(&bearer).await, 401, "it was made a day ago");
    let refused = w.f.call("GET", organization, &bearer_later, None).await;
    assert_eq!(refused.expect(403).json()["code"], "sign-in-again");
    let sent =
        w.f.visit(&gate.authorize(&deployment), &old)
            .await
            .expect(303);
    assert!(
        sent.location().starts_with("/login?again=1&rd="),
        "{}",
        sent.location()
    );
    w.f.visit(sent.location(), &old).await.expect(200);
    let new = w.f.login("owner@example.com").await;
    w.f.gate_sign_in(&gate, &deployment, &new).await.expect(200);
    let bearer = w.f.token_of_cookie(&new).await;
    w.f.call("GET", organization, &bearer, None)
        .await
        .expect(200);
}
