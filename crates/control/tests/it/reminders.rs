//! What an organization may say of age: that values are to be replaced, and that some will last.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::Fixture;

on_every_engine! {
    x18_an_organization_hears_of_values_that_are_old_again_and_again,
    x1_tokens_that_never_expire_are_counted_where_new_ones_may_not,
}

const POLICY: &str = "/v1/organizations/acme/policy";
const TOKENS: &str = "/v1/organizations/acme/tokens";
const DAY: Duration = Duration::from_secs(86_400);

async fn fleet(name: &str, database: Option<String>) -> Fixture {
    let f = Fixture::configured(name, |config| {
        if let Some(database) = database {
            config.database = database;
        }
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f
}

async fn set(f: &Fixture, query: &str, policy: Value) -> Value {
    let owner = f.token_of("owner@example.com").await;
    let path = format!("{POLICY}{query}");
    let answer = f.call("PUT", &path, &owner, Some(policy)).await;
    answer.expect(200).json()
}

async fn made(f: &Fixture, name: &str, days: Option<u32>) -> String {
    let owner = f.token_of("owner@example.com").await;
    let mut body = json!({"name": name, "role": "ORGANIZATION_MEMBER"});
    if let Some(days) = days {
        body["tokenExpiryPeriodInDays"] = json!(days);
    }
    let made = f.call("POST", TOKENS, &owner, Some(body)).await.expect(201);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// How often it was said of a token that its value is old.
async fn said(f: &Fixture, id: &str) -> usize {
    f.control.tend().await.unwrap();
    let owner = f.token_of("owner@example.com").await;
    let path = "/v1/organizations/acme/audit?limit=200";
    let lines = f.call("GET", path, &owner, None).await.expect(200).json();
    let lines = lines["items"].as_array().unwrap().clone();
    let of_it = |line: &&Value| line["target"] == id && line["action"] == "token.rotation_due";
    lines.iter().filter(of_it).count()
}

async fn x18_an_organization_hears_of_values_that_are_old_again_and_again(
    database: Option<String>,
) {
    let f = fleet("x18-old", database).await;
    let lasting = made(&f, "lasting", None).await;
    f.clock.advance(40 * DAY);
    assert_eq!(said(&f, &lasting).await, 0, "nobody wants to hear of it");
    let owner = f.token_of("owner@example.com").await;
    let wrong = json!({"notices": {"rotateAfterDays": 6}});
    let answer = f.call("PUT", POLICY, &owner, Some(wrong)).await.expect(422);
    assert!(answer.text().contains("notices.rotateAfterDays"));
    set(&f, "", json!({"notices": {"rotateAfterDays": 30}})).await;
    let young = made(&f, "young", None).await;
    assert_eq!(said(&f, &lasting).await, 1);
    assert_eq!(said(&f, &lasting).await, 1, "once");
    f.clock.advance(19 * DAY);
    assert_eq!((said(&f, &lasting).await, said(&f, &young).await), (1, 0));
    f.clock.advance(DAY);
    assert_eq!(said(&f, &lasting).await, 2, "twice as old");
    let rotate = format!("{TOKENS}/{lasting}/rotate");
    let owner = f.token_of("owner@example.com").await;
    f.call("POST", &rotate, &owner, None).await.expect(200);
    f.clock.advance(29 * DAY);
    assert_eq!((said(&f, &lasting).await, said(&f, &young).await), (2, 1));
    f.clock.advance(DAY);
    assert_eq!(said(&f, &lasting).await, 3);
}

async fn x1_tokens_that_never_expire_are_counted_where_new_ones_may_not(database: Option<String>) {
    let f = fleet("x1-lasting", database).await;
    for name in ["a", "b"] {
        made(&f, name, None).await;
    }
    made(&f, "c", Some(3000)).await;
    let must = json!({"tokensMustExpire": true});
    let told = set(&f, "?dry_run=true", must.clone()).await;
    assert_eq!(
        (&told["lastingTotal"], &told["done"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(set(&f, "", must).await["lastingTotal"], 2);
    let none = set(&f, "", json!({})).await;
    assert_eq!(none.get("lastingTotal"), None);
}
