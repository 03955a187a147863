//! Who reaches which deployment, and why.

use serde_json::{Value, json};

use crate::fixture::Fixture;

const ACCESS: &str = "/v1/organizations/acme/access";

/// `(who, role, granted on, through)` of every way.
fn ways(page: &Value) -> Vec<(String, String, String, Option<String>)> {
    let items = page["items"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let way = |item: &Value| {
        let place = text(&item["grantedOn"]["type"]).unwrap();
        let (name, role) = (text(&item["name"]).unwrap(), text(&item["role"]).unwrap());
        (name, role, place, text(&item["throughTeam"]))
    };
    let mut all: Vec<_> = items.map(way).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn a_review_has_every_way_in_and_says_why() {
    let f = Fixture::new("access").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let token = json!({"name": "ci", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 1});
    let made = f.call("POST", "/v1/organizations/acme/tokens", &owner, Some(token));
    let made = made.await.expect(201).json();

    let page = f.call("GET", ACCESS, &owner, None).await.expect(200).json();
    let way = |who: &str, role: &str, place: &str, team: Option<&str>| {
        let text = str::to_owned;
        (text(who), text(role), text(place), team.map(str::to_owned))
    };
    let expected = [
        way("admin@example.com", "SYSTEM_ADMIN", "system", None),
        way("ci", "ORGANIZATION_OWNER", "organization", None),
        way("eve@example.com", "DEPLOYMENT_VIEWER", "deployment", None),
        way(
            "member@example.com",
            "WORKSPACE_OPERATOR",
            "workspace",
            Some("data"),
        ),
        way(
            "owner@example.com",
            "ORGANIZATION_OWNER",
            "organization",
            None,
        ),
    ];
    assert_eq!(ways(&page), expected);
    assert_eq!(page["items"][0]["deployment"], "sales/etl");
    let eve = page["items"].as_array().unwrap().iter();
    let eve = eve
        .into_iter()
        .find(|item| item["name"] == "eve@example.com");
    assert_eq!(eve.unwrap()["airflowRole"], "viewer");

    for (subject, found) in [
        ("member@example.com", 1),
        (made["id"].as_str().unwrap(), 1),
        ("owner@example.com", 1),
    ] {
        let path = format!("{ACCESS}?subject={subject}");
        let page = f.call("GET", &path, &owner, None).await.expect(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{subject}");
    }
    let id = page["items"][0]["deploymentId"].as_str().unwrap();
    let path = format!("{ACCESS}?deployment={id}");
    let of_one = f.call("GET", &path, &owner, None).await.expect(200).json();
    assert_eq!(of_one["items"], page["items"]);
    for (query, status) in [("?deployment=x", 404), ("?subject=nobody@example.com", 404)] {
        let path = format!("{ACCESS}{query}");
        f.call("GET", &path, &owner, None).await.expect(status);
    }
}
