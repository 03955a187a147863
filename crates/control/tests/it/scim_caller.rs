//! Who provisions: what the configuration names, and what is refused.

use aeolus_api::scim::ScimConnection;
use aeolus_control::{Provisioning, Reload, SignInConfig};
use aeolus_model::{Action, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::header::{AUTHORIZATION, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture};
use crate::scim_client::Client;

on_every_engine! {
    c6_c7_a_code_of_the_configuration_lets_its_provider_in,
    a_code_follows_the_configuration_and_leaves_with_it,
    scim_p18_a_connection_that_pauses_says_to_come_again_and_others_go_on,
}

pub(crate) const CODE: &str = "okta:correct horse battery staple";
pub(crate) const TOKEN: &str = "kL4tq9Zr2mX7vB1nC8sD5fG0hJ3wE6yU";

/// What a connection is told in the configuration.
pub(crate) fn provisioning(kind: &str, code: &str) -> Provisioning {
    Provisioning {
        name: kind.parse().unwrap(),
        kind: kind.to_owned(),
        code: Some(Secret::new(code.to_owned())),
        settings: ScimConnection::default(),
        events: None,
    }
}

pub(crate) fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

pub(crate) fn bearer(text: &str) -> String {
    format!("Bearer {text}")
}

/// With both providers that the seed has.
pub(crate) async fn fixture(name: &str, database: Option<String>) -> Fixture {
    Fixture::pair_configured(name, database, |config| {
        config.sign_in.provisioning =
            vec![provisioning("okta", CODE), provisioning("microsoft", TOKEN)];
    })
    .await
}

/// Asks what can be done, with a header as it is.
pub(crate) async fn ask(f: &Fixture, connection: &str, authorization: &str) -> Answer {
    let path = format!("/v1/scim/v2/{connection}/ServiceProviderConfig");
    ask_at(f, &path, authorization).await
}

pub(crate) async fn ask_at(f: &Fixture, path: &str, authorization: &str) -> Answer {
    let mut request = Request::get(path).header(HOST, "scim.example.com");
    if !authorization.is_empty() {
        request = request.header(AUTHORIZATION, authorization);
    }
    f.send(request.body(axum::body::Body::empty()).unwrap())
        .await
}

async fn c6_c7_a_code_of_the_configuration_lets_its_provider_in(database: Option<String>) {
    let f = fixture("scim-code", database).await;
    for (connection, good) in [
        ("okta", basic(CODE)),
        // As an administrator may have written it for "HTTP Header".
        ("microsoft", TOKEN.to_owned()),
        ("microsoft", bearer(TOKEN)),
        ("microsoft", format!("bearer {TOKEN}")),
    ] {
        let answer = ask(&f, connection, &good).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/scim+json");
        let location = answer.json()["meta"]["location"].clone();
        let at = format!("https://scim.example.com/v1/scim/v2/{connection}/ServiceProviderConfig");
        assert_eq!(location, json!(at));
    }
    // Unknown parameters are for others to know.
    let flagged = "/v1/scim/v2/microsoft/ServiceProviderConfig?aadOptscim062020&x=1";
    ask_at(&f, flagged, &bearer(TOKEN)).await.expect(200);
    let connections = f
        .call("GET", "/v1/connections", &f.admin().await, None)
        .await;
    let text = connections.expect(200).text();
    assert!(!text.contains("staple") && !text.contains(TOKEN), "{text}");
}

#[tokio::test]
async fn okta_spec_11_who_is_not_let_in_learns_nothing() {
    let f = fixture("scim-refused", None).await;
    let jwt = "Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL3N0cy53aW5kb3dzLm5ldC8ifQ.c2ln";
    let admin = f.admin().await;
    let mut details = Vec::new();
    for (connection, bad) in [
        ("okta", basic("okta:wrong")),
        ("okta", bearer(TOKEN)),
        ("microsoft", basic(CODE)),
        ("nobody", bearer(TOKEN)),
        ("local", bearer(TOKEN)),
        ("microsoft", "non-token".to_owned()),
        ("microsoft", bearer(&admin)),
        ("microsoft", jwt.to_owned()),
        ("microsoft", "Digest x".to_owned()),
        ("microsoft", String::new()),
        ("nobody", String::new()),
    ] {
        let answer = ask(&f, connection, &bad).await.expect(401);
        assert_eq!(answer.header("content-type"), "application/scim+json");
        let ways: Vec<_> = answer.headers.get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(ways.len(), 2, "{bad}");
        let body = answer.json();
        assert_eq!(body["status"], "401", "{bad}");
        assert_eq!(
            body["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
        );
        details.push(body["detail"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        details[0], details[3],
        "an unknown connection is told as a bad credential"
    );
    assert_eq!(details[9], details[10]);
    assert!(
        details[7].contains("paste a Secret Token"),
        "{}",
        details[7]
    );
    let two = Request::get("/v1/scim/v2/okta/ServiceProviderConfig")
        .header(AUTHORIZATION, basic(CODE))
        .header(AUTHORIZATION, basic(CODE));
    let two = f.send(two.body(axum::body::Body::empty()).unwrap()).await;
    two.expect(401);
}

#[tokio::test]
async fn a_flood_of_bad_credentials_slows_down_who_sends_them_and_never_the_good_client() {
    let f = Fixture::configured("scim-flood", |config| {
        config.sign_in.provisioning = vec![provisioning("okta", CODE)];
    })
    .await;
    for _ in 0..60 {
        ask(&f, "okta", &basic("okta:guess")).await.expect(401);
    }
    let slower = ask(&f, "okta", &basic("okta:guess")).await.expect(429);
    let seconds: u64 = slower.header(RETRY_AFTER).parse().unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(slower.json()["status"], "429");
    ask(&f, "okta", &basic(CODE)).await.expect(200);
    f.clock.advance(std::time::Duration::from_secs(60));
    ask(&f, "okta", &basic("okta:guess")).await.expect(401);
}

#[tokio::test]
async fn scim_credentials_of_a_connection_that_left_the_configuration_are_refused() {
    let f = crate::scim_client::fixture("scim left", None).await;
    let gone = json!({"clientId": "aeolus", "discoveryUrl": "https://okta.test", "absent": true});
    let idp = Client::with(&f, "okta", "okta", gone).await;
    let refused = idp.get("/ServiceProviderConfig").await.expect(401).json();
    let unknown = ask(&f, "nobody", &bearer(TOKEN)).await.expect(401).json();
    assert_eq!(refused, unknown);
    // Nobody signs in there any more, but it goes on to provision.
    let provisions = json!({"absent": true, "scim": {"organization": "acme"}});
    let idp = Client::with(&f, "entra", "microsoft", provisions).await;
    idp.get("/ServiceProviderConfig").await.expect(200);
}

#[tokio::test]
async fn an_unknown_path_below_the_base_is_refused_in_the_protocols_form() {
    let f = fixture("scim-paths", None).await;
    let answer = ask_at(&f, "/v1/scim/v2/okta/Nothing/here", &basic(CODE)).await;
    let answer = answer.expect(404);
    assert_eq!(answer.header("content-type"), "application/scim+json");
    assert_eq!(answer.json()["status"], "404");
}

async fn a_code_follows_the_configuration_and_leaves_with_it(database: Option<String>) {
    let f = Fixture::configured("scim-reload", |config| {
        config.database = database.unwrap_or_else(|| config.database.clone());
        config.sign_in.provisioning = vec![provisioning("okta", CODE)];
    })
    .await;
    let (reloads, reloaded) = mpsc::channel(1);
    let (control, stop) = (f.control.clone(), f.stop.clone());
    tokio::spawn(async move { control.follow(reloaded, stop).await });
    let follow = async |provisioning: Vec<Provisioning>| {
        let (taken, answer) = oneshot::channel();
        let sign_in = SignInConfig {
            provisioning,
            ..SignInConfig::default()
        };
        reloads
            .send(Reload::SignIn(sign_in, taken))
            .await
            .ok()
            .unwrap();
        answer.await.unwrap().unwrap();
    };
    ask(&f, "okta", &basic(CODE)).await.expect(200);
    follow(vec![provisioning("okta", "okta:another one")]).await;
    ask(&f, "okta", &basic(CODE)).await.expect(401);
    ask(&f, "okta", &basic("okta:another one"))
        .await
        .expect(200);
    // The same again changes nothing.
    follow(vec![provisioning("okta", "okta:another one")]).await;
    follow(Vec::new()).await;
    ask(&f, "okta", &basic("okta:another one"))
        .await
        .expect(401);
    let done = f.audited(Action::ConnectionConfigure).await;
    assert_eq!(done.len(), 3);
    for line in done {
        assert_eq!(line.reason, "provisioning");
        let text = serde_json::to_string(&line).unwrap();
        assert!(
            !text.contains("another one") && !text.contains("staple"),
            "{text}"
        );
    }
}

async fn scim_p18_a_connection_that_pauses_says_to_come_again_and_others_go_on(
    database: Option<String>,
) {
    let pauses = |paused| {
        let mut okta = provisioning("okta", CODE);
        okta.settings.paused = paused;
        vec![okta, provisioning("microsoft", TOKEN)]
    };
    let f = Fixture::pair_configured("scim-pause", database, |config| {
        config.sign_in.provisioning = pauses(true);
    })
    .await;
    let (admin, path) = (f.admin().await, "/v1/scim/v2/okta/Users");
    f.fleet(&admin).await;
    for at in ["/v1/scim/v2/okta/ServiceProviderConfig", path] {
        let paused = ask_at(&f, at, &basic(CODE)).await.expect(503);
        assert_eq!(paused.header(RETRY_AFTER), "300");
        assert_eq!(paused.header("content-type"), "application/scim+json");
        assert_eq!(paused.json()["status"], "503");
    }
    // Only who has a credential of the connection learns of it.
    ask(&f, "okta", &basic("okta:wrong")).await.expect(401);
    ask(&f, "microsoft", &bearer(TOKEN)).await.expect(200);
    f.control.tend().await.unwrap();
    let log = "/v1/connections/okta/scim/requests";
    let log = f.call("GET", log, &admin, None).await.expect(200).text();
    assert!(log.contains("503"), "{log}");
    let on = f
        .replica(|config| config.sign_in.provisioning = pauses(false))
        .await;
    ask_at(&on, path, &basic(CODE)).await.expect(200);
    ask_at(&f, path, &basic(CODE)).await.expect(200);
}
