//! Connections of fleet documents: who comes in by their rules.

use serde_json::{Value, json};

use super::{SESSION, Scene};
use crate::fixture::fleet;

/// A scene with one more connection to the same provider, by a document that says this of it.
async fn declared(name: &str, rules: &Value) -> (Scene, String) {
    let s = Scene::new(name, json!({})).await;
    let admin = s.f.admin().await;
    let mut connection = json!({
        "name": "staff", "type": "custom", "clientId": "client", "discoveryUrl": s.idp.url,
        "fetchUserInfo": false,
    });
    for (key, value) in rules.as_object().unwrap() {
        connection[key] = value.clone();
    }
    let mut body = fleet();
    body["fleet"]["connections"] = json!([connection]);
    let applied = s.f.call("POST", "/v1/apply", &admin, Some(body)).await;
    applied.expect(200);
    (s, admin)
}

/// What comes of somebody's sign-in with this address.
async fn comes(s: &Scene, subject: &str, email: &str) -> (u16, Option<String>) {
    let claims = json!({"email": email});
    s.idp.lies(|lie| lie.claims = claims);
    let mut browser = s.browser();
    let sent = browser.start("provider=staff").await;
    let back = browser.back(&s.idp.code(&sent, subject)).await;
    (back.status.as_u16(), browser.who().await)
}

#[tokio::test]
async fn a_rule_of_a_document_gives_people_of_a_domain_an_account() {
    let rule = json!({"provision": {"domains": ["example.com"], "organization": "acme"}});
    let (s, admin) = declared("fed-rule", &rule).await;
    let nora = "nora@example.com";
    let (status, who) = comes(&s, "nora-2", nora).await;
    assert_eq!((status, who.as_deref()), (303, Some(nora)));
    let path = "/v1/organizations/acme/users";
    let users = s.f.call("GET", path, &admin, None).await.expect(200).json();
    let mut users = users["items"].as_array().unwrap().iter();
    assert!(users.any(|user| user["email"] == nora));
    assert_eq!(comes(&s, "kim-2", "kim@elsewhere.com").await, (403, None));
    // Nobody's account is theirs without the word that the provider may speak for its domain.
    let owner = "owner@example.com";
    assert_eq!(comes(&s, "owner-2", owner).await, (403, None));
}

#[tokio::test]
async fn a_document_says_for_which_domains_a_provider_speaks() {
    let (s, _) = declared("fed-trusted", &json!({"trustedDomains": ["example.com"]})).await;
    let owner = "owner@example.com";
    let (status, who) = comes(&s, "owner-2", owner).await;
    assert_eq!((status, who.as_deref()), (303, Some(owner)));
    assert_eq!(comes(&s, "nora-2", "nora@example.com").await, (403, None));
}

#[tokio::test]
async fn a_rule_that_gives_more_than_membership_is_refused_where_it_stands() {
    let s = Scene::new("fed-more", json!({})).await;
    let admin = s.f.admin().await;
    let mut body = fleet();
    body["fleet"]["connections"] = json!([{
        "name": "staff", "type": "custom", "clientId": "client", "discoveryUrl": s.idp.url,
        "provision": {"domains": ["example.com"], "organization": "acme", "role": "ORGANIZATION_OWNER"},
    }]);
    let applied = s.f.call("POST", "/v1/apply", &admin, Some(body)).await;
    let refused = applied.expect(422).json();
    assert_eq!(refused["errors"][0]["at"], "connections[0].provision");
}

/// Nora comes with these groups: whether she may then see the installation's connections.
async fn sees(s: &Scene, groups: Value) -> bool {
    s.idp
        .lies(|lie| lie.claims = json!({"email": "nora@example.com", "groups": groups}));
    let mut browser = s.browser();
    let sent = browser.start("provider=staff").await;
    let back = browser.back(&s.idp.code(&sent, "nora-2")).await;
    back.expect(303);
    let cookie = format!("{SESSION}={}", browser.session().unwrap());
    let nora = s.f.token_of_cookie(&cookie).await;
    let asked = s.f.call("GET", "/v1/connections", &nora, None).await;
    asked.status == 200
}

/// What a document says of teams, beside who gets an account.
fn teams(rules: &Value) -> Value {
    json!({"provision": {"domains": ["example.com"], "organization": "acme"}, "teams": rules})
}

#[tokio::test]
async fn d2_d3_a_document_makes_teams_of_groups_and_says_what_they_may() {
    let roles = json!({"SYSTEM_VIEWER": ["auditors"]});
    let rules = json!({"filter": "^tmp-", "systemRoles": roles});
    let (s, admin) = declared("fed-teams", &teams(&rules)).await;
    assert!(sees(&s, json!(["auditors", "tmp-x", "etl"])).await);
    let path = "/v1/organizations/acme/teams";
    let listed = s.f.call("GET", path, &admin, None).await.expect(200).json();
    let made = listed["items"].as_array().unwrap().iter();
    let made = made.filter(|team| team["group"]["connection"] == "staff");
    let mut names: Vec<_> = made.map(|team| team["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["auditors", "etl"]);
    assert!(!sees(&s, json!(["etl"])).await);
    assert!(sees(&s, json!(["auditors"])).await);
    // The same again is no change, and one without the list takes the role from all who are in the group.
    let apply = async |rules: &Value| {
        let mut body = fleet();
        let mut connection = teams(rules);
        connection["name"] = json!("staff");
        connection["type"] = json!("custom");
        connection["clientId"] = json!("client");
        connection["discoveryUrl"] = json!(s.idp.url);
        connection["fetchUserInfo"] = json!(false);
        body["fleet"]["connections"] = json!([connection]);
        s.f.call("POST", "/v1/apply", &admin, Some(body)).await
    };
    assert_eq!(apply(&rules).await.expect(200).json()["changes"], json!([]));
    apply(&json!({"filter": "^tmp-"})).await.expect(200);
    assert!(!sees(&s, json!(["auditors"])).await);
    let refused = apply(&json!({"filter": "(?=look)"})).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["at"], "connections[0].teams");
}

/// An organization can't say whose mail a domain is, nor put its people's sign-in into its own hands: there is no claim
/// that a proof could be missing of.
#[tokio::test]
async fn o24_which_domains_are_whose_is_said_by_the_installation_alone() {
    let s = Scene::new("fed-claims", json!({})).await;
    let owner = s.f.token_of("owner@example.com").await;
    for claim in [
        json!({"trustedDomains": ["elsewhere.com"]}),
        json!({"provision": {"domains": ["elsewhere.com"], "organization": "acme"}}),
    ] {
        let mut connection = json!({
            "name": "staff", "type": "custom", "clientId": "client", "discoveryUrl": s.idp.url,
        });
        for (key, value) in claim.as_object().unwrap() {
            connection[key] = value.clone();
        }
        let mut body = fleet();
        body["fleet"]["connections"] = json!([connection]);
        let applied = s.f.call("POST", "/v1/apply", &owner, Some(body)).await;
        applied.expect(403);
    }
}
