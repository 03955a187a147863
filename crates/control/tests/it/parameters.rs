//! Parameters that an operation doesn't have: read as if they were not there, `?dryrun=true` would be the deed.

use aeolus_control::openapi;
use serde_json::Value;

use crate::coverage::World;

const REFUSED: (u16, &str) = (400, "parameter");

/// The parameters in the queries of what people and programs ask of the API: method, route and names.
fn operations() -> Vec<(String, String, Vec<String>)> {
    let document = openapi();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if path.starts_with("/v1/") && operation["security"][0]["bearer"].is_array() {
                let parameters = operation["parameters"].as_array().unwrap().iter();
                let names = parameters
                    .filter(|parameter| parameter["in"] == "query")
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned());
                all.push((method.clone(), path.clone(), names.collect()));
            }
        }
    }
    all
}

/// The answer to a request with these parameters, which would do something without.
async fn ask(w: &World, (method, route): (&str, &str), query: &str) -> (u16, Value) {
    let path = format!("{}?{query}", w.path_in(route, "acme"));
    let admin = &w.admin;
    let (verb, body) = (method.to_uppercase(), w.body(method, route));
    let answer = w.f.call(&verb, &path, admin, body).await;
    let said = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    (answer.status.as_u16(), said)
}

#[tokio::test]
async fn each_operation_refuses_parameters_that_it_does_not_have() {
    let w = World::new("parameters").await;
    let operations = operations();
    assert!(operations.len() > 50);
    let lines = w.f.audited(aeolus_model::Action::ApiDeny).await.len();
    for (method, route, names) in &operations {
        let at = (method.as_str(), route.as_str());
        let what = format!("{method} {route}");
        let (status, said) = ask(&w, at, "zzzzzz=true").await;
        assert_eq!((status, said["code"].as_str().unwrap()), REFUSED, "{what}");
        assert_eq!(said["errors"][0]["at"], "zzzzzz", "{what}");
        let message = said["errors"][0]["message"].as_str().unwrap();
        for name in names {
            assert!(message.contains(name.as_str()), "{what}: {message}");
            // All that it has are known: the first that isn't is refused.
            let others: Vec<_> = names.iter().map(|name| format!("{name}=1")).collect();
            let typo = format!("{}&{name}x=1", others.join("&"));
            let (status, said) = ask(&w, at, &typo).await;
            assert_eq!((status, said["code"].as_str().unwrap()), REFUSED, "{what}");
            assert_eq!(said["errors"][0]["at"], format!("{name}x"), "{what}");
            let help = format!("did you mean {name}?");
            assert_eq!(said["errors"][0]["message"], help, "{what}");
        }
    }
    assert_eq!(
        w.f.audited(aeolus_model::Action::ApiDeny).await.len(),
        lines
    );
    // None was done: everything that the world has is there.
    for (method, route, _) in operations {
        if method == "get" && route.starts_with("/v1/organizations/{o}") && route.ends_with("{id}")
        {
            let path = w.path_in(&route, "acme");
            w.f.call("GET", &path, &w.admin, None).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_misspelt_dry_run_changes_nothing() {
    let w = World::new("dryrun").await;
    let put = ("put", "/v1/organizations/{o}/policy");
    let (status, said) = ask(&w, put, "dryrun=true").await;
    assert_eq!(status, 400);
    let detail = said["detail"].as_str().unwrap();
    assert!(detail.contains("did you mean dry_run?"), "{detail}");
    assert!(detail.contains("Nothing was changed"), "{detail}");
    assert!(
        w.f.audited(aeolus_model::Action::PolicySet)
            .await
            .is_empty()
    );
    assert_eq!(ask(&w, put, "dry_run=true").await.0, 200);
    // Who isn't known isn't told what there is.
    let path = "/v1/organizations/acme/policy?dryrun=true";
    w.f.call("PUT", path, "", None).await.expect(401);
}

/// Newer gates may say more than this control knows, and OAuth2 clients must be let (RFC 6749 §3.1).
#[tokio::test]
async fn gates_oauth_clients_and_pages_may_say_more() {
    let w = World::new("more-parameters").await;
    let poll = "/v1/planes/self/manifest?wait=0&root=1&newer=1";
    let answer = w.f.call("GET", poll, &w.f.assertion(&w.gate), None).await;
    assert_ne!(answer.status.as_u16(), 400, "{}", answer.text());
    let cookie = w.f.login("owner@example.com").await;
    let authorize = crate::fixture::Fixture::cli_authorize("&newer=1");
    let answer = w.f.visit(&authorize, &cookie).await.expect(303);
    assert!(answer.param("code").is_some());
    for open in ["/v1/openapi.json", "/v1/healthz", "/login"] {
        w.f.get(&format!("{open}?newer=1")).await.expect(200);
    }
}
