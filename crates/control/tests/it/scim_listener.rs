//! From where, and at which listener, is provisioned.

use aeolus_control::{Reload, ScimConfig};
use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::fixture::Fixture;
use crate::scim_caller::{CODE, basic, provisioning};

const CONFIG: &str = "/v1/scim/v2/okta/ServiceProviderConfig";

async fn fixture(name: &str, scim: ScimConfig) -> Fixture {
    Fixture::configured(name, |config| {
        config.scim = scim;
        config.sign_in.provisioning = vec![provisioning("okta", CODE)];
    })
    .await
}

async fn ask(router: &Router, path: &str, from: &str) -> (u16, Value) {
    let request = Request::get(path)
        .header(AUTHORIZATION, basic(CODE))
        .header("x-forwarded-for", from);
    let answer = router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn c2_a_listener_of_its_own_answers_provisioning_and_nothing_else() {
    let f = fixture("scim-own", ScimConfig::default()).await;
    let own = f.control.scim_router();
    assert_eq!(ask(&own, CONFIG, "203.0.113.7").await.0, 200);
    assert_eq!(ask(&own, "/livez", "203.0.113.7").await.0, 200);
    for (method, route) in aeolus_control::ROUTES {
        let path = route.replace(['{', '}'], "");
        if path.starts_with("/v1/scim/v2/") || matches!(path.as_str(), "/livez" | "/oauth2/token") {
            continue;
        }
        let request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(&path);
        let answer = own
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.unwrap().status(), 404, "{method} {path}");
    }
    // The token endpoint gives nothing there but tokens for provisioning.
    for (grant, status) in [("client_credentials", 401), ("refresh_token", 400)] {
        let request = Request::post("/oauth2/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!(
                "grant_type={grant}&client_id=aeolus-cli&refresh_token=x&client_secret=x"
            )));
        let answer = own.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), status, "{grant}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let error = if status == 401 {
            "invalid_client"
        } else {
            "unsupported_grant_type"
        };
        assert_eq!(body["error"], error);
    }
    assert_eq!(
        ask(&f.router, CONFIG, "203.0.113.7").await.0,
        200,
        "it stays at the main one"
    );
}

#[tokio::test]
async fn c2_with_only_the_main_listener_provisions_no_more() {
    let scim = ScimConfig {
        only: true,
        ..ScimConfig::default()
    };
    let f = fixture("scim-only", scim).await;
    assert_eq!(ask(&f.router, CONFIG, "203.0.113.7").await.0, 404);
    assert_eq!(
        ask(&f.control.scim_router(), CONFIG, "203.0.113.7").await.0,
        200
    );
}

/// Asks for an access token.
async fn token(router: &Router, from: &str) -> (u16, Value) {
    let request = Request::post("/oauth2/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("x-forwarded-for", from)
        .body(Body::from(
            "grant_type=client_credentials&client_id=x&client_secret=x",
        ));
    let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn scim_tokens_are_given_only_where_and_to_whom_provisioning_is_allowed() {
    let only = ScimConfig {
        only: true,
        ..ScimConfig::default()
    };
    let f = fixture("scim-token-only", only).await;
    let (status, body) = token(&f.router, "203.0.113.7").await;
    assert_eq!((status, &body["error"]), (400, &"invalid_request".into()));
    assert_eq!(token(&f.control.scim_router(), "203.0.113.7").await.0, 401);
    let networks = ScimConfig {
        allowed_networks: vec!["203.0.113.0/24".parse().unwrap()],
        ..ScimConfig::default()
    };
    let f = fixture("scim-token-networks", networks).await;
    assert_eq!(token(&f.router, "198.51.100.1").await.0, 400);
    assert_eq!(token(&f.control.scim_router(), "198.51.100.1").await.0, 403);
    assert_eq!(token(&f.router, "203.0.113.7").await.0, 401);
}

#[tokio::test]
async fn c2_who_comes_from_elsewhere_is_refused_by_the_address_that_the_proxies_tell() {
    let scim = ScimConfig {
        allowed_networks: vec!["203.0.113.0/24".parse().unwrap()],
        ..ScimConfig::default()
    };
    let f = fixture("scim-networks", scim).await;
    for router in [&f.router, &f.control.scim_router()] {
        assert_eq!(ask(router, CONFIG, "203.0.113.7").await.0, 200);
        let (status, body) = ask(router, CONFIG, "198.51.100.1").await;
        assert_eq!((status, body["status"].as_str()), (403, Some("403")));
        // Whatever a stranger wrote before it.
        assert_eq!(
            ask(router, CONFIG, "203.0.113.7, 198.51.100.1").await.0,
            403
        );
    }
    assert_eq!(ask(&f.router, "/livez", "198.51.100.1").await.0, 200);
}

#[tokio::test]
async fn scim_from_where_is_provisioned_follows_the_configuration() {
    let f = fixture("scim-follows", ScimConfig::default()).await;
    let (reloads, receiver) = tokio::sync::mpsc::channel(1);
    let stop = tokio_util::sync::CancellationToken::new();
    let (control, ended) = (f.control.clone(), stop.clone());
    let following = tokio::spawn(async move { control.follow(receiver, ended).await });
    assert_eq!(ask(&f.router, CONFIG, "198.51.100.1").await.0, 200);
    let networks = ScimConfig {
        allowed_networks: vec!["203.0.113.0/24".parse().unwrap()],
        // The listener that is to be the only one is opened at the next start.
        only: true,
        listen: Some("127.0.0.1:1".parse().unwrap()),
        ..ScimConfig::default()
    };
    reloads.send(Reload::Scim(networks)).await.unwrap();
    // Each is taken before the next.
    reloads.send(Reload::Sound).await.unwrap();
    reloads.send(Reload::Sound).await.unwrap();
    assert_eq!(ask(&f.router, CONFIG, "198.51.100.1").await.0, 403);
    assert_eq!(ask(&f.router, CONFIG, "203.0.113.7").await.0, 200);
    stop.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn scim_a_client_that_runs_wild_is_told_to_wait_and_others_are_not() {
    let f = Fixture::configured("scim-pace", |config| {
        config.scim.requests_per_minute = 100;
        config.sign_in.provisioning = vec![
            provisioning("okta", CODE),
            provisioning("microsoft", crate::scim_caller::TOKEN),
        ];
    })
    .await;
    // 25 a second for as long as a clock's second lasts, and what is beyond.
    for _ in 0..100 {
        crate::scim_caller::ask(&f, "okta", &basic(CODE))
            .await
            .expect(200);
    }
    let late = crate::scim_caller::ask(&f, "okta", &basic(CODE)).await;
    let wait: u64 = late.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let body = crate::scim_client::refused(late, 429, None);
    assert!(body["detail"].as_str().unwrap().contains("100 requests"));
    let other = crate::scim_caller::bearer(crate::scim_caller::TOKEN);
    crate::scim_caller::ask(&f, "microsoft", &other)
        .await
        .expect(200);
    f.clock.advance(std::time::Duration::from_secs(wait));
    crate::scim_caller::ask(&f, "okta", &basic(CODE))
        .await
        .expect(200);
    // Each operation of a bulk request is one. What begins before the minute is full goes through whole.
    let operation = serde_json::json!({"method": "DELETE", "path": "/Users/none"});
    let bulk = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": vec![operation; 60],
    });
    for status in [200, 200, 429] {
        let request = Request::post("/v1/scim/v2/okta/Bulk")
            .header(AUTHORIZATION, basic(CODE))
            .header(CONTENT_TYPE, "application/scim+json")
            .body(Body::from(bulk.to_string()));
        f.send(request.unwrap()).await.expect(status);
    }
}
