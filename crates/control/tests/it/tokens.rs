//! API tokens.

use std::time::Duration;

use aeolus_keys::claims::Api;
use aeolus_keys::jws;
use serde_json::{Value, json};

use crate::fixture::Fixture;

const TOKENS: &str = "/v1/organizations/acme/tokens";

fn body(role: &str) -> Value {
    json!({"name": "ci", "role": role, "tokenExpiryPeriodInDays": 30})
}

#[tokio::test]
async fn a_token_works_until_it_is_deleted_and_its_value_is_shown_once() {
    let f = Fixture::new("tokens").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let made = f
        .call("POST", TOKENS, &owner, Some(body("ORGANIZATION_OWNER")))
        .await;
    let made = made.expect(201).json();
    let value = made["token"].as_str().unwrap();
    let id = made["id"].as_str().unwrap();
    let claims: Api = jws::parse(value.as_bytes())
        .unwrap()
        .unverified_claims()
        .unwrap();
    assert_eq!(claims.sub.to_string(), id);
    assert_eq!(claims.exp - claims.iat, 30 * 86_400);
    assert!(claims.jti.starts_with(made["shortToken"].as_str().unwrap()));
    assert_eq!(made["scope"], "ORGANIZATION");
    assert_eq!(made["roles"][0]["role"], "ORGANIZATION_OWNER");
    assert!(made["seq"].as_u64().unwrap() > 0);
    let me = f
        .call("GET", "/v1/me", value, None)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (me["actor"]["type"].as_str(), me["name"].as_str()),
        (Some("token"), Some("ci"))
    );
    let listed = f.call("GET", TOKENS, &owner, None).await.expect(200);
    assert!(!listed.text().contains(value));
    assert_eq!(listed.json()["items"][0]["id"], id);
    let path = format!("{TOKENS}/{id}");
    let one = f.call("GET", &path, value, None).await.expect(200);
    assert_eq!(one.json()["endAt"], claims.exp);
    f.call("DELETE", &path, &owner, None).await.expect(200);
    f.call("GET", "/v1/me", value, None).await.expect(401);
    f.call("DELETE", &path, &owner, None).await.expect(404);
    f.call("GET", &path, &owner, None).await.expect(404);
}

#[tokio::test]
async fn a9_nobody_gives_a_token_more_than_they_hold() {
    let f = Fixture::new("a9").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let member = f.token_of("member@example.com").await;
    f.call("POST", TOKENS, &member, Some(body("ORGANIZATION_MEMBER")))
        .await
        .expect(403);
    let list = f
        .call("GET", "/v1/organizations/acme/workspaces", &member, None)
        .await;
    let workspace = list.expect(200).json()["items"][0]["id"].clone();
    let at = |role: &str| json!({"name": "x", "scope": "WORKSPACE", "entityId": workspace, "role": role});
    f.call("POST", TOKENS, &member, Some(at("WORKSPACE_OPERATOR")))
        .await
        .expect(201);
    f.call("POST", TOKENS, &member, Some(at("WORKSPACE_OWNER")))
        .await
        .expect(403);
    f.call("POST", TOKENS, &member, Some(at("ORGANIZATION_OWNER")))
        .await
        .expect(422);
    let owner = f.token_of("owner@example.com").await;
    f.call("POST", TOKENS, &owner, Some(body("SYSTEM_ADMIN")))
        .await
        .expect(422);
}

#[tokio::test]
async fn a_token_of_another_organization_or_place_is_out_of_reach() {
    let f = Fixture::new("foreign").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let named = Some(json!({"name": "globex"}));
    f.call("POST", "/v1/organizations", &admin, named)
        .await
        .expect(201);
    let owner = f.token_of("owner@example.com").await;
    f.call("GET", "/v1/organizations/globex/tokens", &owner, None)
        .await
        .expect(404);
    f.call("GET", "/v1/organizations/globex", &owner, None)
        .await
        .expect(404);
    let made = f
        .call("POST", TOKENS, &owner, Some(body("ORGANIZATION_OWNER")))
        .await;
    let made = made.expect(201).json();
    let id = made["id"].as_str().unwrap();
    let path = format!("/v1/organizations/globex/tokens/{id}");
    f.call("DELETE", &path, &admin, None).await.expect(404);
    // Tokens don't make tokens.
    let value = made["token"].as_str().unwrap();
    f.call("POST", TOKENS, value, Some(body("ORGANIZATION_MEMBER")))
        .await
        .expect(403);
    let ghost = json!({"name": "x", "scope": "WORKSPACE", "role": "WORKSPACE_MEMBER",
        "entityId": "01890a5d-ac96-774b-bcce-b302099a8057"});
    f.call("POST", TOKENS, &owner, Some(ghost))
        .await
        .expect(404);
}

#[tokio::test]
async fn wrong_input_names_its_field_and_stores_nothing() {
    let f = Fixture::new("fields").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    for (at, value) in [
        ("name", json!("")),
        ("name", json!("a\nb")),
        ("description", json!("\u{7}")),
        ("tokenExpiryPeriodInDays", json!(0)),
        ("tokenExpiryPeriodInDays", json!(3651)),
    ] {
        let mut body = body("ORGANIZATION_MEMBER");
        body[at] = value;
        let refused = f
            .call("POST", TOKENS, &owner, Some(body))
            .await
            .expect(422)
            .json();
        assert_eq!(refused["errors"][0]["at"], at);
        assert_eq!(refused["type"], "urn:aeolus:error:invalid");
        assert!(!refused["requestId"].as_str().unwrap().is_empty());
    }
    let unknown = json!({"name": "x", "role": "ORGANIZATION_MEMBER", "nmae": 1});
    f.call("POST", TOKENS, &owner, Some(unknown))
        .await
        .expect(400);
    let list = f.call("GET", TOKENS, &owner, None).await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_value_ends_when_it_says_and_lists_go_by_pages() {
    let f = Fixture::new("ends").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let mut values = Vec::new();
    for _ in 0..3 {
        let made = f
            .call("POST", TOKENS, &owner, Some(body("ORGANIZATION_MEMBER")))
            .await;
        values.push(made.expect(201).json());
    }
    let first = f
        .call("GET", &format!("{TOKENS}?limit=2"), &owner, None)
        .await
        .expect(200);
    let first = first.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("{TOKENS}?limit=2&cursor={cursor}");
    let second = f.call("GET", &path, &owner, None).await.expect(200).json();
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert!(second.get("next_cursor").is_none());
    let value = values[0]["token"].as_str().unwrap();
    f.call("GET", "/v1/me", value, None).await.expect(200);
    f.clock.advance(Duration::from_secs(30 * 86_400 + 61));
    f.call("GET", "/v1/me", value, None).await.expect(401);
}
