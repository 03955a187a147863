//! The description of the API against the routes.

use std::collections::BTreeSet;

use aeolus_control::{ROUTES, openapi};
use serde_json::Value;

use crate::fixture::Fixture;

/// Method, path and what is said of each operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .map(|(method, operation)| (method.clone(), path.clone(), operation.clone()))
    });
    each.collect()
}

/// What people see.
const PAGES: &[(&str, &str)] = &[
    ("get", "/"),
    ("get", "/assets/style.css"),
    ("get", "/assets/mark.svg"),
    ("get", "/login"),
    ("post", "/login"),
    ("get", "/login/code"),
    ("post", "/login/code"),
    ("get", "/second-factor"),
    ("post", "/second-factor/begin"),
    ("post", "/second-factor/codes"),
    ("post", "/second-factor/confirm"),
    ("post", "/second-factor/remove"),
    ("post", "/account/ways/remove"),
    ("get", "/invitation/{value}"),
    ("post", "/invitation/accept"),
    ("post", "/invitation/join"),
    ("get", "/password/forgot"),
    ("post", "/password/forgot"),
    ("get", "/password/reset/{value}"),
    ("post", "/password/reset"),
    ("get", "/setup"),
    ("post", "/setup"),
    ("post", "/setup/account"),
    ("get", "/logout"),
    ("post", "/logout"),
    ("get", "/device"),
    ("post", "/device"),
    ("post", "/device/decide"),
    ("get", "/token"),
    ("post", "/token/reveal"),
    ("get", "/v1/oauth/start"),
    ("post", "/v1/oauth/start"),
    ("get", "/v1/oauth/callback"),
    ("post", "/v1/oauth/callback"),
    ("get", "/v1/oauth/callback/"),
    ("post", "/v1/oauth/callback/"),
    ("get", "/v1/oauth/redirect"),
    ("post", "/v1/oauth/redirect"),
    ("get", "/v1/oauth/redirect/"),
    ("post", "/v1/oauth/redirect/"),
];

/// The test of credentials asks every route: so it asks every operation.
#[test]
fn each_route_of_the_api_is_described_and_nothing_else_is() {
    let described: BTreeSet<_> = operations(&openapi())
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .filter(|route| !PAGES.contains(route))
        .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    let silent: Vec<_> = routes.difference(&described).collect();
    let gone: Vec<_> = described.difference(&routes).collect();
    assert!(
        silent.is_empty(),
        "routes without a description: {silent:?}"
    );
    assert!(gone.is_empty(), "descriptions without a route: {gone:?}");
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                found.insert(target.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_description_holds_together() {
    let document = openapi();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(id.clone()), "{id} is there twice");
        let answers = operation["responses"].as_object().unwrap();
        let open = operation["security"].as_array().unwrap().is_empty();
        if !open {
            let both = answers.contains_key("401") && answers.contains_key("403");
            assert!(both, "{method} {path} refuses nobody");
        }
        for (status, answer) in answers {
            let refusal = status.starts_with(['4', '5']);
            let answer = match answer["$ref"].as_str() {
                Some(target) => document.pointer(&target[1..]).unwrap(),
                None => answer,
            };
            let content = &answer["content"];
            let media = match path.as_str() {
                "/oauth2/userinfo" => "application/problem+json",
                "/oauth2/authorize" | "/oauth2/logout" => "text/html",
                _ if path.starts_with("/oauth2/") || path.starts_with("/v1/registry/") => {
                    "application/json"
                }
                _ if path.starts_with("/v1/scim/") => "application/scim+json",
                _ => "application/problem+json",
            };
            let said = content[media].is_object();
            assert!(said || !refusal, "{method} {path} {status}");
            let problem = content["application/problem+json"].is_object();
            assert!(refusal || !problem, "{method} {path} {status}");
        }
        let parameters = operation["parameters"].as_array().unwrap();
        let once = parameters.iter().any(|p| p["name"] == "Idempotency-Key");
        let bearer = operation["security"][0]["bearer"].is_array();
        let reads = path == "/oauth2/userinfo";
        assert_eq!(
            once,
            method == "post" && bearer && !reads,
            "{method} {path}"
        );
    }
    let mut targets = BTreeSet::new();
    references(&document, &mut targets);
    for target in targets {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target} is nowhere");
    }
}

#[tokio::test]
async fn strangers_are_shown_the_description() {
    let f = Fixture::new("openapi").await;
    let shown = f.get("/v1/openapi.json").await.expect(200);
    assert_eq!(shown.json(), openapi());
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_as_everything_else_is() {
    let f = Fixture::new("openapi-path").await;
    let admin = f.admin().await;
    let path = "/v1/organizations/%ff%fe";
    let refused = f.call("GET", path, &admin, None).await.expect(400);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.json()["code"], "path");
}
