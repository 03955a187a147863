//! Connections that are written in control's configuration.

use std::time::Duration;

use aeolus_control::{Reload, SignInConfig};
use aeolus_model::{Action, Amr, Secret, Session, SessionId};
use aeolus_oidc::{Connection, Kind, Settings};
use aeolus_snapshot::{Snapshot, section};
use aeolus_store::Unit as _;
use http::Request;
use http::header::{CONTENT_TYPE, ORIGIN};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::fixture::{Answer, Fixture, ISS, PASSWORD, fleet};
use crate::publish::Reader;

fn okta(more: &Value) -> Connection {
    let mut settings = json!({"clientId": "spa", "discoveryUrl": "https://acme.okta.com"});
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    let settings: Settings = serde_json::from_value(settings).unwrap();
    let secret = Some(Secret::new("hush".to_owned()));
    Connection::new("okta".parse().unwrap(), Kind::Okta, &settings, secret).unwrap()
}

fn told(connections: Vec<Connection>) -> SignInConfig {
    SignInConfig {
        connections,
        ..SignInConfig::default()
    }
}

/// A connection as the API shows it.
async fn shown(f: &Fixture, admin: &str, name: &str) -> Option<Value> {
    let listed = f.call("GET", "/v1/connections", admin, None).await;
    let text = listed.text();
    assert!(!text.contains("hush"), "{text}");
    let listed = listed.expect(200).json();
    let mut items = listed["items"].as_array().unwrap().iter();
    items.find(|item| item["name"] == name).cloned()
}

/// What was done to connections: name and reason.
async fn done(f: &Fixture) -> Vec<(String, String)> {
    let events = f.audited(Action::ConnectionConfigure).await;
    let mut done: Vec<_> = events
        .into_iter()
        .map(|event| (event.at, event.target, event.reason))
        .collect();
    done.sort();
    done.into_iter().map(|(_, name, why)| (name, why)).collect()
}

async fn apply(f: &Fixture, admin: &str, connections: Value) -> Answer {
    let mut body = fleet();
    body["fleet"]["connections"] = connections;
    f.call("POST", "/v1/apply", admin, Some(body)).await
}

/// Control follows what a test says of its configuration.
fn following(f: &Fixture) -> mpsc::Sender<Reload> {
    let (reloads, reloaded) = mpsc::channel(1);
    let (control, stop) = (f.control.clone(), f.stop.clone());
    tokio::spawn(async move { control.follow(reloaded, stop).await });
    reloads
}

async fn reload(reloads: &mpsc::Sender<Reload>, sign_in: SignInConfig) {
    let (taken, answer) = oneshot::channel();
    let sent = reloads.send(Reload::SignIn(sign_in, taken)).await;
    assert!(sent.is_ok());
    answer.await.unwrap().unwrap();
}

async fn sign_in(f: &Fixture) -> Answer {
    let form = format!(
        "email=admin%40example.com&password={}",
        PASSWORD.replace(' ', "+")
    );
    let request = Request::post("/login")
        .header(ORIGIN, ISS)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    f.send(request.body(form.into()).unwrap()).await
}

#[tokio::test]
async fn what_is_configured_is_in_the_table_and_replicas_write_it_once() {
    let f = Fixture::configured("configured", |config| {
        config.sign_in = told(vec![okta(&json!({"displayName": "Acme"}))]);
    })
    .await;
    let admin = f.admin().await;
    let found = shown(&f, &admin, "okta").await.unwrap();
    assert_eq!(
        (&found["origin"], &found["displayName"], &found["flow"]),
        (&json!("configuration"), &json!("Acme"), &json!("code"))
    );
    assert_eq!(found["hasClientSecret"], json!(true));
    assert_eq!(done(&f).await, [("okta".to_owned(), "new".to_owned())]);
    let more = okta(&json!({"displayName": "Acme"}));
    let replica = f.replica(|config| config.sign_in = told(vec![more])).await;
    assert_eq!(done(&f).await.len(), 1);
    assert_eq!(shown(&replica, &admin, "okta").await.unwrap(), found);
}

/// A session of somebody who came through a connection, and has been in the organization.
async fn came_through(f: &Fixture, connection: &Value) -> SessionId {
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let email = "owner@example.com".parse().unwrap();
    let user = write.users().by_email(&email).await.unwrap().unwrap();
    let acme = "acme".parse().unwrap();
    let organization = write.organizations().by_name(&acme).await.unwrap();
    let now = f.clock_now();
    let session = Session {
        id: SessionId::from_bytes([7; 16]),
        user: user.id,
        connection: connection.as_str().unwrap().parse().unwrap(),
        auth_time: now,
        amr: Amr::default(),
        absolute_end: now.plus(Duration::from_secs(86_400)),
        end: None,
    };
    write.sessions().insert(&session).await.unwrap();
    let organization = organization.unwrap().id;
    write
        .sessions()
        .enter(session.id, organization)
        .await
        .unwrap();
    write.commit().await.unwrap();
    session.id
}

#[tokio::test]
async fn what_leaves_the_configuration_signs_nobody_in_and_comes_back_as_it_was() {
    let f = Fixture::configured("left", |config| {
        config.sign_in = told(vec![okta(&json!({}))]);
    })
    .await;
    let admin = f.admin().await;
    let before = shown(&f, &admin, "okta").await.unwrap();
    let applied = f.call("POST", "/v1/apply", &admin, Some(fleet())).await;
    applied.expect(200);
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let told_of = |snapshot: &Snapshot| {
        let mut all = snapshot.sections().connections.connections.iter();
        all.any(|connection| connection.name == "okta")
    };
    reader.until(&f, told_of).await;
    let session = came_through(&f, &before["id"]).await;
    let reloads = following(&f);
    f.clock.advance(Duration::from_secs(1));
    reload(&reloads, told(Vec::new())).await;
    // A gate refuses the sessions of a connection that it isn't told of; and they are over.
    let over = |snapshot: &Snapshot| {
        let mut lists = snapshot.sections().revocations.values();
        let is = |list: &section::Revocations| {
            list.sessions
                .iter()
                .any(|ended| ended.id == session.as_bytes())
        };
        lists.any(is)
    };
    reader.until(&f, |s| !told_of(s) && over(s)).await;
    let left = shown(&f, &admin, "okta").await.unwrap();
    assert_eq!(
        (&left["origin"], &left["id"]),
        (&json!("left"), &before["id"])
    );
    assert_eq!(left.get("flow"), None);
    f.clock.advance(Duration::from_secs(1));
    reload(&reloads, told(vec![okta(&json!({}))])).await;
    assert_eq!(shown(&f, &admin, "okta").await.unwrap(), before);
    // What ended stays so.
    reader.until(&f, |s| told_of(s) && over(s)).await;
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let held = view.sessions().get(session).await.unwrap().unwrap();
    assert!(held.end.is_some());
    let reasons: Vec<_> = done(&f).await.into_iter().map(|(_, why)| why).collect();
    assert_eq!(
        reasons,
        ["new", "left_the_configuration", "back_in_the_configuration"]
    );
}

#[tokio::test]
async fn what_the_configuration_has_no_document_says_but_its_terms() {
    let f = Fixture::configured("owned", |config| {
        config.sign_in = told(vec![okta(&json!({}))]);
    })
    .await;
    let admin = f.admin().await;
    let whole = json!([{"name": "okta", "type": "okta", "clientId": "x", "discoveryUrl": "https://x.okta.com"}]);
    let refused = apply(&f, &admin, whole.clone()).await.expect(422);
    assert!(
        refused.text().contains("auth.openidConnect.okta"),
        "{}",
        refused.text()
    );
    let terms = json!([{"name": "okta", "type": "okta", "configured": true,
        "sessionTokens": {"audience": "api"}}]);
    apply(&f, &admin, terms.clone()).await.expect(200);
    let found = shown(&f, &admin, "okta").await.unwrap();
    assert_eq!(
        (&found["clientId"], &found["sessionTokens"]),
        (&json!("spa"), &json!(true))
    );
    // The audience is judged by the client that the configuration has.
    let wrong = json!([{"name": "okta", "type": "okta", "configured": true,
        "sessionTokens": {"audience": "spa"}}]);
    apply(&f, &admin, wrong).await.expect(422);
    let both = json!([{"name": "okta", "type": "okta", "configured": true, "clientId": "x"}]);
    apply(&f, &admin, both).await.expect(422);
    // A configuration that says the same again leaves the terms.
    let reloads = following(&f);
    reload(&reloads, told(vec![okta(&json!({"displayName": "Acme"}))])).await;
    let found = shown(&f, &admin, "okta").await.unwrap();
    assert_eq!(found["sessionTokens"], json!(true));
    // Once it has left, the document may say it all.
    reload(&reloads, told(Vec::new())).await;
    apply(&f, &admin, terms).await.expect(422);
    apply(&f, &admin, whole).await.expect(200);
    let found = shown(&f, &admin, "okta").await.unwrap();
    assert_eq!(
        (&found["origin"], &found["clientId"]),
        (&json!("document"), &json!("x"))
    );
}

#[tokio::test]
async fn a_document_carries_everything_that_a_connection_is() {
    let f = Fixture::new("documented").await;
    let admin = f.admin().await;
    let whole = json!({
        "name": "entra", "type": "microsoft", "clientId": "c", "displayName": "Acme",
        "discoveryUrl": "https://login.microsoftonline.com/organizations/v2.0",
        "baseDomain": "login.microsoftonline.com", "flow": "code", "clockTolerance": 5,
        "authUrlParams": {"domain_hint": "acme.test"}, "scopes": ["openid", "email"],
        "claimsMapping": {"email": "upn", "groups": "roles"}, "requireMfa": true,
        "allowedTenants": ["11111111-2222-3333-4444-555555555555"],
    });
    apply(&f, &admin, json!([whole])).await.expect(200);
    let found = shown(&f, &admin, "entra").await.unwrap();
    assert_eq!(
        (&found["displayName"], &found["origin"], &found["scopes"]),
        (
            &json!("Acme"),
            &json!("document"),
            &json!(["openid", "email"])
        )
    );
    assert_eq!(found.get("problem"), None);
    let mut wrong = whole;
    wrong["allowedTenants"] = json!([]);
    wrong["clockTolerance"] = json!(301);
    let refused = apply(&f, &admin, json!([wrong])).await.expect(422).text();
    assert!(
        refused.contains("connections[0].allowedTenants"),
        "{refused}"
    );
    assert!(
        refused.contains("connections[0].clockTolerance"),
        "{refused}"
    );
}

#[tokio::test]
async fn without_local_accounts_no_password_opens_anything() {
    let f = Fixture::configured("no-local", |config| config.sign_in.local = false).await;
    let page = f.get("/login").await.expect(200);
    assert!(!page.text().contains("password\""), "{}", page.text());
    let refused = sign_in(&f).await.expect(403);
    assert!(refused.header("set-cookie").is_empty());
    let reloads = following(&f);
    reload(&reloads, SignInConfig::default()).await;
    assert!(f.get("/login").await.text().contains("type=\"password\""));
    sign_in(&f).await.expect(303);
    let off = SignInConfig {
        local: false,
        ..SignInConfig::default()
    };
    reload(&reloads, off).await;
    sign_in(&f).await.expect(403);
}

#[tokio::test]
async fn a_configuration_that_can_not_be_used_is_measured_until_it_can() {
    let f = Fixture::new("refused").await;
    let reloads = following(&f);
    let refused = "\naeolus_control_configuration_refused 1\n";
    assert!(!f.metrics().await.contains(refused));
    assert!(reloads.send(Reload::Refused).await.is_ok());
    let (taken, answer) = oneshot::channel();
    // The channel holds one: when the next is taken, the first is done.
    assert!(reloads.send(Reload::Sound).await.is_ok());
    let again = reloads.send(Reload::SignIn(SignInConfig::default(), taken));
    assert!(again.await.is_ok());
    answer.await.unwrap().unwrap();
    let metrics = f.metrics().await;
    assert!(
        metrics.contains("aeolus_control_configuration_errors_total 1"),
        "{metrics}"
    );
    assert!(!metrics.contains(refused));
}

#[tokio::test]
async fn a_connection_that_can_not_be_read_hides_no_other() {
    let f = Fixture::configured("broken", |config| {
        config.sign_in = told(vec![okta(&json!({}))]);
    })
    .await;
    let admin = f.admin().await;
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let name = "okta".parse().unwrap();
    let found = aeolus_store::Unit::connections(&mut write)
        .by_name(&name)
        .await;
    let broken = aeolus_store::Connection {
        id: aeolus_model::ConnectionId::new(&*f.clock, &*f.rng),
        name: "broken".parse().unwrap(),
        config: r#"{"clientId":"c","discoveryUrl":"http://idp.test"}"#.to_owned(),
        ..found.unwrap().unwrap()
    };
    write.connections().insert(&broken).await.unwrap();
    write.commit().await.unwrap();
    let found = shown(&f, &admin, "broken").await.unwrap();
    assert!(
        found["problem"].as_str().unwrap().contains("https"),
        "{found}"
    );
    assert!(
        shown(&f, &admin, "okta")
            .await
            .unwrap()
            .get("problem")
            .is_none()
    );
}
