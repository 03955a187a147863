//! What an organization hears of its API tokens.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::Fixture;

const TOKENS: &str = "/v1/organizations/acme/tokens";
const DAY: Duration = Duration::from_secs(86_400);

/// The actions about one token in the audit log, oldest first.
async fn said(f: &Fixture, id: &str) -> Vec<Value> {
    let owner = f.token_of("owner@example.com").await;
    let path = "/v1/organizations/acme/audit?limit=200";
    let lines = f.call("GET", path, &owner, None).await.expect(200).json();
    let lines = lines["items"].as_array().unwrap().clone();
    lines
        .into_iter()
        .filter(|line| line["target"] == id && line["action"] != "token.create")
        .collect()
}

/// Housekeeping says it at its first round.
async fn round(f: &Fixture, id: &str, actions: &[&str]) {
    f.control.tend().await.unwrap();
    f.control.tend().await.unwrap();
    let found = said(f, id).await;
    let found: Vec<_> = found
        .iter()
        .map(|l| l["action"].as_str().unwrap())
        .collect();
    assert_eq!(found, actions);
}

#[tokio::test]
async fn the_end_of_a_token_is_announced_a_month_a_week_and_a_day_before() {
    let f = Fixture::new("notices").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_MEMBER", "tokenExpiryPeriodInDays": 60});
    let made = f.call("POST", TOKENS, &owner, Some(body)).await.expect(201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let soon = "token.expires_soon";
    round(&f, &id, &[]).await;
    f.clock.advance(29 * DAY);
    round(&f, &id, &[]).await;
    f.clock.advance(DAY);
    round(&f, &id, &[soon]).await;
    let line = said(&f, &id).await.remove(0);
    assert_eq!(line["actor"]["type"], "system");
    assert_eq!(line["changes"][0], json!({"field": "name", "before": "ci"}));
    f.clock.advance(23 * DAY);
    round(&f, &id, &[soon, soon]).await;
    f.clock.advance(6 * DAY);
    round(&f, &id, &[soon, soon, soon]).await;
    f.clock.advance(2 * DAY);
    round(&f, &id, &[soon, soon, soon]).await;
}
