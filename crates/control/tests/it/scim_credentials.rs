//! Credentials that are made over the API: several, rotated with overlap, ended, expiring.

use std::time::Duration;

use aeolus_model::Action;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture};
use crate::scim_caller::{ask, basic, bearer, fixture};

on_every_engine! {
    x9_a_credential_is_made_used_and_ended_at_once,
    x9_rotation_has_an_overlap,
    a_secret_expires_and_is_told_of_before,
}

const DAY: u64 = 86_400;

pub(crate) fn path(connection: &str) -> String {
    format!("/v1/connections/{connection}/scim/credentials")
}

pub(crate) async fn make(f: &Fixture, admin: &str, connection: &str, body: Value) -> Value {
    let made = f.call("POST", &path(connection), admin, Some(body)).await;
    made.expect(201).json()
}

async fn one(f: &Fixture, admin: &str, name: &str) -> Value {
    let listed = f.call("GET", &path("microsoft"), admin, None).await;
    let listed = listed.expect(200);
    assert!(!listed.text().contains("xsc_"), "{}", listed.text());
    let mut items = listed.json()["items"]
        .as_array()
        .unwrap()
        .clone()
        .into_iter();
    items.find(|item| item["name"] == name).unwrap()
}

async fn rotate(f: &Fixture, admin: &str, name: &str, body: Value) -> Answer {
    let path = format!("{}/{name}/rotate", path("microsoft"));
    f.call("POST", &path, admin, Some(body)).await
}

fn secret(made: &Value) -> String {
    bearer(made["secret"].as_str().unwrap())
}

async fn x9_a_credential_is_made_used_and_ended_at_once(database: Option<String>) {
    let f = fixture("scim-credential", database).await;
    let admin = f.admin().await;
    let first = make(&f, &admin, "microsoft", json!({"name": "entra-1"})).await;
    let second = make(&f, &admin, "microsoft", json!({"name": "entra-2"})).await;
    assert_eq!(first["kind"], "bearer");
    let base = "https://aeolus.example.com/v1/scim/v2/microsoft";
    assert_eq!(first["baseUrl"], base);
    for made in [&first, &second] {
        // At either replica.
        for _ in 0..2 {
            ask(&f, "microsoft", &secret(made)).await.expect(200);
        }
        ask(&f, "okta", &secret(made)).await.expect(401);
    }
    let okta = make(&f, &admin, "okta", json!({"name": "okta-1"})).await;
    assert_eq!(okta["kind"], "basic");
    let pair = format!(
        "{}:{}",
        okta["user"].as_str().unwrap(),
        okta["secret"].as_str().unwrap()
    );
    ask(&f, "okta", &basic(&pair)).await.expect(200);
    ask(&f, "okta", &secret(&okta)).await.expect(401);
    f.control.tend().await.unwrap();
    let shown = one(&f, &admin, "entra-1").await;
    assert_eq!(
        (shown["lastUsedAt"].is_i64(), shown.get("expiresAt")),
        (true, None)
    );
    let gone = format!("{}/{}", path("microsoft"), first["id"].as_str().unwrap());
    f.call("DELETE", &gone, &admin, None).await.expect(200);
    ask(&f, "microsoft", &secret(&first)).await.expect(401);
    ask(&f, "microsoft", &secret(&second)).await.expect(200);
    f.call("DELETE", &gone, &admin, None).await.expect(404);
    for (action, count) in [
        (Action::ScimCredentialCreate, 3),
        (Action::ScimCredentialDelete, 1),
    ] {
        let lines = f.audited(action).await;
        assert_eq!(lines.len(), count);
        assert!(!serde_json::to_string(&lines).unwrap().contains("xsc_"));
    }
    let taken = Some(json!({"name": "entra-2"}));
    let taken = f.call("POST", &path("microsoft"), &admin, taken).await;
    taken.expect(409);
}

async fn x9_rotation_has_an_overlap(database: Option<String>) {
    let f = fixture("scim-rotation", database).await;
    let admin = f.admin().await;
    let before = make(
        &f,
        &admin,
        "microsoft",
        json!({"name": "entra", "expiresInDays": 90}),
    )
    .await;
    let after = rotate(&f, &admin, "entra", json!({"grace": "2d"})).await;
    let after = after.expect(200).json();
    for made in [&before, &after] {
        ask(&f, "microsoft", &secret(made)).await.expect(200);
    }
    let shown = one(&f, &admin, "entra").await;
    assert_eq!(shown["earlierEndAt"].as_array().unwrap().len(), 1);
    f.clock.advance(Duration::from_secs(2 * DAY));
    let admin = f.admin().await;
    ask(&f, "microsoft", &secret(&before)).await.expect(401);
    ask(&f, "microsoft", &secret(&after)).await.expect(200);
    let expires = one(&f, &admin, "entra").await["expiresAt"]
        .as_i64()
        .unwrap();
    assert_eq!(expires, after["expiresAt"].as_i64().unwrap());
    assert_eq!(
        expires,
        1_800_000_000 + 90 * 86_400,
        "as many days as before"
    );
    // Without a grace what was before ends now.
    let last = rotate(&f, &admin, "entra", json!({}))
        .await
        .expect(200)
        .json();
    ask(&f, "microsoft", &secret(&after)).await.expect(401);
    ask(&f, "microsoft", &secret(&last)).await.expect(200);
    assert!(one(&f, &admin, "entra").await.get("earlierEndAt").is_none());
    rotate(&f, &admin, "entra", json!({"grace": "31d"}))
        .await
        .expect(422);
    rotate(&f, &admin, "nothing", json!({})).await.expect(404);
    assert_eq!(f.audited(Action::ScimCredentialRotate).await.len(), 2);
}

async fn a_secret_expires_and_is_told_of_before(database: Option<String>) {
    let f = fixture("scim-expiry", database).await;
    let admin = f.admin().await;
    let made = make(
        &f,
        &admin,
        "microsoft",
        json!({"name": "entra", "expiresInDays": 30}),
    )
    .await;
    // A grace is nothing to be told of.
    make(&f, &admin, "microsoft", json!({"name": "other"})).await;
    rotate(&f, &admin, "other", json!({"grace": "3d"}))
        .await
        .expect(200);
    f.control.tend().await.unwrap();
    assert!(
        f.audited(Action::ScimCredentialExpiresSoon)
            .await
            .is_empty()
    );
    f.clock.advance(Duration::from_secs(16 * DAY));
    for _ in 0..2 {
        f.control.tend().await.unwrap();
        let lines = f.audited(Action::ScimCredentialExpiresSoon).await;
        let targets: Vec<_> = lines.iter().map(|line| line.target.as_str()).collect();
        assert_eq!(targets, ["microsoft/entra"]);
    }
    ask(&f, "microsoft", &secret(&made)).await.expect(200);
    f.clock.advance(Duration::from_secs(14 * DAY));
    ask(&f, "microsoft", &secret(&made)).await.expect(401);
}

#[tokio::test]
async fn only_who_administers_the_installation_makes_and_sees_credentials() {
    let f = fixture("scim-who", None).await;
    let (f, admin, owner) = f.peopled().await;
    let body = || Some(json!({"name": "n"}));
    f.call("POST", &path("okta"), &owner, body())
        .await
        .expect(403);
    f.call("GET", &path("okta"), &owner, None).await.expect(403);
    for bad in [
        json!({"name": ""}),
        json!({"name": "a b"}),
        json!({"name": "-a"}),
        json!({"name": "0190a3b4-1111-7222-8333-444455556666"}),
        json!({"name": "n", "expiresInDays": 0}),
        json!({"name": "n", "expiresInDays": 4_000}),
    ] {
        f.call("POST", &path("okta"), &admin, Some(bad))
            .await
            .expect(422);
    }
    f.call("POST", &path("nobody"), &admin, body())
        .await
        .expect(404);
    f.call("POST", &path("local"), &admin, body())
        .await
        .expect(409);
}
