//! Introspection: what a token says, to those who may know; to all others nothing (O19).

use std::time::Duration;

use aeolus_api::oauth::{ASSERTION_TYPE, Metadata, TokenAnswer};
use aeolus_model::Clock as _;
use serde_json::{Value, json};

use crate::fixture::{ADMIN, Answer, Fixture, Gate, ISS};

const OWNER: &str = "owner@example.com";

async fn by_bearer(f: &Fixture, bearer: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {bearer}");
    let headers = [("authorization", bearer.as_str())];
    f.form("/oauth2/introspect", &[("token", token)], &headers)
        .await
}

async fn by_plane(f: &Fixture, gate: &Gate, token: &str) -> Answer {
    let client = format!("urn:aeolus:plane:{}", gate.plane);
    let assertion = f.assertion(gate);
    let fields = [
        ("token", token),
        ("client_id", client.as_str()),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    f.form("/oauth2/introspect", &fields, &[]).await
}

async fn by_cli(f: &Fixture, token: &str) -> Answer {
    let fields = [("token", token), ("client_id", "aeolus-cli")];
    f.form("/oauth2/introspect", &fields, &[]).await
}

/// Exactly what a stranger's guess is answered.
#[track_caller]
fn unknown(answer: Answer) {
    let answer = answer.expect(200);
    assert_eq!(answer.text(), r#"{"active":false}"#);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[track_caller]
fn active(answer: Answer) -> Value {
    let answer = answer.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let said = answer.json();
    assert_eq!(said["active"], true, "{said}");
    said
}

/// An API token's id and value.
async fn api_token(f: &Fixture, owner: &str, body: Value) -> (String, String) {
    let path = "/v1/organizations/acme/tokens";
    let made = f.call("POST", path, owner, Some(body)).await.expect(201);
    let made = made.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

async fn id_of(f: &Fixture, bearer: &str, list: &str) -> String {
    let path = format!("/v1/organizations/acme/{list}");
    let list = f.call("GET", &path, bearer, None).await.expect(200).json();
    list["items"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_api_token_learns_of_itself_and_of_those_it_may_see() {
    let f = Fixture::new("introspect-api").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of(OWNER).await;
    let all = json!({"name": "all", "role": "ORGANIZATION_OWNER"});
    let (all_id, all) = api_token(&f, &owner, all).await;
    let (weak_id, weak) = api_token(
        &f,
        &owner,
        json!({"name": "weak", "role": "ORGANIZATION_MEMBER"}),
    )
    .await;
    let said = active(by_bearer(&f, &weak, &weak).await);
    assert_eq!(said["sub"], json!(weak_id));
    assert_eq!(said["client_id"], json!(weak_id));
    assert_eq!(
        (&said["iss"], &said["token_type"]),
        (&json!(ISS), &json!("Bearer"))
    );
    let now = f.clock.now().secs();
    assert_eq!((&said["iat"], &said["nbf"]), (&json!(now), &json!(now)));
    assert!(said["exp"].as_i64().unwrap() > now);
    assert!(said["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    assert!(said["aud"].as_str().unwrap().starts_with("urn:aeolus:org:"));
    assert_eq!(said.get("scope"), None);
    active(by_bearer(&f, &all, &weak).await);
    unknown(by_bearer(&f, &weak, &all).await);
    // People see records of API tokens, not values.
    unknown(by_bearer(&f, &owner, &all).await);
    let path = format!("/v1/organizations/acme/tokens/{weak_id}");
    f.call("DELETE", &path, &owner, None).await.expect(200);
    unknown(by_bearer(&f, &all, &weak).await);
    by_bearer(&f, &weak, &all).await.expect(401);
    assert_ne!(all_id, weak_id);
}

#[tokio::test]
async fn an_access_token_is_its_persons_and_says_nothing_once_it_is_over() {
    let f = Fixture::new("introspect-access").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let cookie = f.login(OWNER).await;
    let owner = f.token_of_cookie(&cookie).await;
    let said = active(by_bearer(&f, &owner, &owner).await);
    assert_eq!(
        (&said["aud"], &said["client_id"]),
        (&json!(ISS), &json!("aeolus-cli"))
    );
    unknown(by_bearer(&f, &admin, &owner).await);
    unknown(by_bearer(&f, &owner, &admin).await);
    unknown(by_cli(&f, &owner).await);
    // Two sessions of one person: one asks about the other, and hears of its end.
    let other = f.token_of(OWNER).await;
    active(by_bearer(&f, &other, &owner).await);
    let headers = [("cookie", cookie.as_str()), ("origin", ISS)];
    f.form("/logout", &[], &headers).await.expect(303);
    unknown(by_bearer(&f, &other, &owner).await);
    f.clock.advance(Duration::from_secs(8 * 3600));
    let fresh = f.token_of(OWNER).await;
    unknown(by_bearer(&f, &fresh, &other).await);
}

#[tokio::test]
async fn a_plane_learns_of_tokens_of_organizations_it_hosts() {
    let f = Fixture::new("introspect-plane").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let stranger = f.join(&admin, "us-1").await;
    let owner = f.token_of(OWNER).await;
    let deployment = id_of(&f, &owner, "deployments").await;
    let cookie = f.login(OWNER).await;
    let here = f.gate_sign_in(&gate, &deployment, &cookie).await;
    let here: TokenAnswer = here.expect(200).of();
    let (_, api) = api_token(
        &f,
        &owner,
        json!({"name": "a", "role": "ORGANIZATION_MEMBER"}),
    )
    .await;
    let said = active(by_plane(&f, &gate, &here.access_token).await);
    assert_eq!(said["aud"], format!("urn:aeolus:deployment:{deployment}"));
    active(by_plane(&f, &gate, &api).await);
    unknown(by_plane(&f, &stranger, &here.access_token).await);
    unknown(by_plane(&f, &stranger, &api).await);
    // What is for control is none of a plane's business.
    unknown(by_plane(&f, &gate, &owner).await);
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_and_asking_is_no_use_of_it() {
    let f = Fixture::new("introspect-refresh").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let cookie = f.login(ADMIN).await;
    let url = Fixture::cli_authorize("").replace("scope=openid", "scope=openid%20offline_access");
    let code = f.visit(&url, &cookie).await.expect(303);
    let held = f.cli_exchange(&code.param("code").unwrap()).await;
    let held: TokenAnswer = held.expect(200).of();
    let one = held.refresh_token.unwrap();
    let said = active(by_cli(&f, &one).await);
    assert_eq!(said["scope"], "openid offline_access");
    assert_eq!(said["client_id"], "aeolus-cli");
    assert_eq!(said["exp"], held.aeolus.unwrap().absolute_end);
    unknown(by_plane(&f, &gate, &one).await);
    unknown(by_bearer(&f, &admin, &one).await);
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", one.as_str()),
        ("client_id", "aeolus-cli"),
    ];
    let next = f.form("/oauth2/token", &fields, &[]).await.expect(200);
    let next: TokenAnswer = next.of();
    f.clock.advance(Duration::from_secs(60));
    unknown(by_cli(&f, &one).await);
    active(by_cli(&f, &next.refresh_token.unwrap()).await);
}

#[tokio::test]
async fn nobody_asks_without_saying_who_they_are() {
    let f = Fixture::new("introspect-who").await;
    let admin = f.admin().await;
    let token = [("token", admin.as_str())];
    let path = "/oauth2/introspect";
    let none = f.form(path, &token, &[]).await.expect(401);
    assert_eq!(none.json()["error"], "invalid_client");
    by_bearer(&f, "x", &admin).await.expect(401);
    let bearer = format!("Bearer {admin}");
    let headers = [("authorization", bearer.as_str())];
    let none = f.form(path, &[("token", "")], &headers).await.expect(400);
    assert_eq!(none.json()["error"], "invalid_request");
    let both = [("token", "x"), ("client_id", "aeolus-cli")];
    f.form(path, &both, &headers).await.expect(400);
    for made_up in ["x", "xar_x", "a.b.c"] {
        unknown(by_bearer(&f, &admin, made_up).await);
        unknown(by_cli(&f, made_up).await);
    }
    let metadata: Metadata = f.get("/.well-known/oauth-authorization-server").await.of();
    assert_eq!(metadata.introspection_endpoint, format!("{ISS}{path}"));
}
