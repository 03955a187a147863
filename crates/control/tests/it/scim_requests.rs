//! The log of a connection's requests.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::Fixture;
use crate::scim_caller::{CODE, TOKEN, ask, ask_at, basic, bearer};
use crate::scim_client::{Client, refused, user};

on_every_engine! {
    each_request_is_kept_with_how_it_was_answered,
}

async fn logged(f: &Fixture, admin: &str, query: &str) -> Vec<Value> {
    f.control.tend().await.unwrap();
    let path = format!("/v1/connections/okta/scim/requests{query}");
    let list = f.call("GET", &path, admin, None).await.expect(200);
    list.json()["items"].as_array().unwrap().clone()
}

async fn each_request_is_kept_with_how_it_was_answered(database: Option<String>) {
    let f = Fixture::configured("scim-log", |config| {
        config.database = database.unwrap_or_else(|| config.database.clone());
        config.sign_in.provisioning = vec![crate::scim_caller::provisioning("okta", CODE)];
    })
    .await;
    let admin = f.admin().await;
    let step = || f.clock.advance(Duration::from_millis(5));
    let good = basic(CODE);
    ask_at(
        &f,
        "/v1/scim/v2/okta/ServiceProviderConfig?filter=userName+eq+%22ada%40example.com%22",
        &good,
    )
    .await
    .expect(200);
    step();
    ask(&f, "okta", &basic("okta:guess")).await.expect(401);
    // Of another connection, and of none.
    ask(&f, "microsoft", &bearer(TOKEN)).await.expect(401);
    ask(&f, "nobody", &bearer(TOKEN)).await.expect(401);
    step();
    let found = logged(&f, &admin, "").await;
    assert_eq!(found.len(), 2);
    let (refused, read) = (&found[0], &found[1]);
    assert_eq!(read["path"], "/ServiceProviderConfig");
    assert_eq!(read["query"], "filter=userName eq \"…(15)\"");
    assert_eq!(
        (&read["status"], &read["credential"]),
        (&json!(200), &json!("configuration"))
    );
    assert_eq!(
        (refused["status"].clone(), refused.get("credential")),
        (json!(401), None)
    );
    assert!(refused["detail"].as_str().unwrap().contains("not good"));
    let text = serde_json::to_string(&found).unwrap();
    assert!(!text.contains("guess") && !text.contains("ada@"), "{text}");
    // What comes later, in its order.
    ask(&f, "okta", &good).await.expect(200);
    let after = format!("?after={}", refused["id"].as_str().unwrap());
    assert_eq!(logged(&f, &admin, &after).await.len(), 1);
    assert_eq!(logged(&f, &admin, "?limit=1").await.len(), 1);
    f.clock.advance(Duration::from_secs(8 * 86_400));
    let admin = f.admin().await;
    assert!(
        logged(&f, &admin, "").await.is_empty(),
        "after a week nothing is kept"
    );
}

#[tokio::test]
async fn strangers_do_not_push_out_what_the_client_asked() {
    let f = Fixture::configured("scim-log-strangers", |config| {
        config.sign_in.provisioning = vec![crate::scim_caller::provisioning("okta", CODE)];
    })
    .await;
    let admin = f.admin().await;
    ask(&f, "okta", &basic(CODE)).await.expect(200);
    for _ in 0..40 {
        ask(&f, "okta", "guess").await;
    }
    let found = logged(&f, &admin, "?limit=200").await;
    let good = found.iter().filter(|each| each["status"] == 200).count();
    assert_eq!(good, 1);
    assert_eq!(found.len(), 1 + 20);
}

#[tokio::test]
async fn a_body_is_kept_masked_and_a_password_never() {
    let f = Fixture::configured("scim-log-body", |config| {
        config.sign_in.provisioning = vec![crate::scim_caller::provisioning("okta", CODE)];
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let body = json!({"userName": "ada@example.com", "password": "hunter2hunter2", "active": true});
    let request = Request::post("/v1/scim/v2/okta/Users")
        .header(AUTHORIZATION, basic(CODE))
        .header(CONTENT_TYPE, "application/scim+json")
        .body(Body::from(body.to_string()));
    f.send(request.unwrap()).await.expect(201);
    let found = logged(&f, &admin, "").await;
    let text = serde_json::to_string(&found).unwrap();
    assert!(
        !text.contains("hunter2") && !text.contains("ada@"),
        "{text}"
    );
    let kept: Value = serde_json::from_str(found[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(kept["userName"], "…(15)");
}

#[tokio::test]
async fn scim_log_names_nobody_who_is_in_a_refusal_an_external_id_or_a_cursor() {
    let f = Fixture::configured("scim-log-names", |_| {}).await;
    f.fleet(&f.admin().await).await;
    let idp = Client::new(&f, "okta", "okta").await;
    idp.make("zoe").await;
    let mut again = user("zoe");
    again["externalId"] = json!("zoe.nickname");
    refused(idp.post("/Users", again).await, 409, Some("uniqueness"));
    idp.get("/Users/zoe@corp.test").await.expect(404);
    idp.get("/Users/zoe/zoe@corp.test").await.expect(404);
    let path = json!([{"op": "replace", "path": "nickName[x eq \"zoe\"]", "value": "x"}]);
    let bad = idp.patch(&idp.make("bob").await, path).await;
    assert!((400..500).contains(&bad.status.as_u16()), "{}", bad.status);
    let page = idp.get("/Users?count=1&cursor=").await.expect(200).json();
    let cursor = page["nextCursor"].as_str().unwrap().to_owned();
    idp.get(&format!("/Users?count=1&cursor={cursor}"))
        .await
        .expect(200);
    let found = logged(&f, &f.admin().await, "?limit=200").await;
    let text = serde_json::to_string(&found).unwrap();
    assert!(found.len() >= 8, "{text}");
    for leak in ["zoe", "00u-", &cursor] {
        assert!(!text.contains(leak), "{leak}: {text}");
    }
    let taken = found.iter().find(|each| each["status"] == 409).unwrap();
    assert_eq!(taken["scimType"], "uniqueness");
    assert!(taken["detail"].as_str().unwrap().contains("somebody else"));
}
