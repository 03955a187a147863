//! Which events each request yields, and how receivers get them (RFC 9967, RFC 8935).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_control::ScimEventsTo;
use aeolus_keys::{Kind, jws};
use aeolus_model::{Action, Secret};
use aeolus_store::Unit as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture};
use crate::scim_client::{Client, fixture, user};
use crate::scim_groups::{group, id, pushed};

on_every_engine! {
    scim_every_request_that_changes_something_has_its_event,
    scim_every_operation_of_bulk_has_its_event,
    scim_a_user_who_goes_leaves_groups_in_the_same_transaction,
    scim_what_administrators_do_to_somebody_provisioned_is_told,
    scim_events_are_taken_in_order_by_one_replica_also_after_the_receiver_was_away,
    scim_what_a_receiver_refuses_is_dropped_or_waits,
    scim_events_that_wait_for_a_week_are_dropped_and_audited,
    scim_another_receiver_is_tried_at_once_and_its_header_outlives_the_master_key,
}

const TO: &str = "https://events.example.com/in";
const AUTHORIZATION: &str = "Bearer 5up3r-s3cr3t-0f-the-receiver";

/// A client of a connection that has a receiver.
async fn telling<'f>(f: &'f Fixture, endpoint: &str) -> Client<'f> {
    let config = json!({
        "clientId": "aeolus",
        "discoveryUrl": "https://okta.test/v2.0",
        "provision": {"domains": ["corp.test"], "organization": "acme"},
        "scim": {"organization": "acme"},
        "scimEvents": {"endpoint": endpoint},
    });
    Client::with(f, "okta", "okta", config).await
}

/// What waits: subject, its name at the provider, events.
async fn waiting(client: &Client<'_>) -> Vec<(String, Option<String>, Value)> {
    let store = client.f.store().await;
    let mut view = store.read().await.unwrap();
    let next = view.scim_events().next(client.connection, 1_000).await;
    let next = next.unwrap().into_iter().map(|next| next.event);
    next.map(|event| {
        let events = serde_json::from_str(&event.events).unwrap();
        (event.subject, event.external_id, events)
    })
    .collect()
}

/// What the last ones were, as short as it can be said: `patch(active)+deactivate`.
struct Seen(usize);

impl Seen {
    async fn more(&mut self, client: &Client<'_>) -> Vec<(String, String)> {
        let all = waiting(client).await;
        let new = all[self.0..].iter().map(|(subject, _, events)| {
            let events = events.as_object().unwrap().iter().map(|(uri, said)| {
                let short = uri
                    .strip_prefix("urn:ietf:params:scim:event:prov:")
                    .unwrap();
                let names = said["attributes"].as_array().cloned().unwrap_or_default();
                let names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
                if let Some(short) = short.strip_suffix(":notice") {
                    let version = said["version"].as_str().unwrap();
                    assert!(version.starts_with("W/"), "{said}");
                    format!("{short}({})", names.join(","))
                } else {
                    assert_eq!(*said, json!({}));
                    short.to_owned()
                }
            });
            let mut events: Vec<String> = events.collect();
            events.sort();
            events.reverse();
            (subject.clone(), events.join("+"))
        });
        let new = new.collect();
        self.0 = all.len();
        new
    }
}

fn of(subject: &str, what: &str) -> Vec<(String, String)> {
    vec![(subject.to_owned(), what.to_owned())]
}

const WHOLE: &str =
    "create(active,displayName,emails,externalId,name.familyName,name.givenName,userName)";

async fn scim_every_request_that_changes_something_has_its_event(database: Option<String>) {
    let f = fixture("scim_events_each", database).await;
    let okta = telling(&f, TO).await;
    let mut seen = Seen(0);
    let ada = okta.make("ada").await;
    assert_eq!(seen.more(&okta).await, of(&ada, WHOLE));
    // What is the same is no change, and what is refused isn't either.
    okta.put(&ada, user("ada")).await.expect(200);
    let same = json!([{"op": "replace", "path": "displayName", "value": "ada"}]);
    okta.patch(&ada, same.clone()).await.expect(200);
    let version = okta.get(&ada).await.header("etag").to_owned();
    let body = json!({"schemas": [crate::scim_client::PATCH], "Operations": same}).to_string();
    let matched = [("if-match", version.as_str())];
    let done = okta.send(("PATCH", &ada), &matched, Some(body.clone()));
    done.await.expect(200);
    let stale = [("if-match", "W/\"99\"")];
    let refused = okta.send(("PATCH", &ada), &stale, Some(body));
    refused.await.expect(412);
    okta.post("/Users", user("ada")).await.expect(409);
    let bad = json!([{"op": "replace", "path": "nothing", "value": "x"}]);
    okta.patch(&ada, bad).await.expect(400);
    assert_eq!(seen.more(&okta).await, []);

    let mut changed = user("ada");
    changed["name"]["familyName"] = json!("Lovelace");
    changed["title"] = json!("Countess");
    okta.put(&ada, changed).await.expect(200);
    assert_eq!(
        seen.more(&okta).await,
        of(&ada, "put(name.familyName,title)")
    );
    for (value, what) in [
        (false, "patch(active)+deactivate"),
        (true, "patch(active)+activate"),
    ] {
        let operations = json!([{"op": "replace", "path": "active", "value": value}]);
        okta.patch(&ada, operations).await.expect(200);
        assert_eq!(seen.more(&okta).await, of(&ada, what));
    }

    let team = pushed(&okta, "Data", &[id(&ada)]).await;
    let made = of(&team, "create(displayName,externalId,members)");
    assert_eq!(seen.more(&okta).await, made);
    let out = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", id(&ada))}]);
    okta.patch(&team, out.clone()).await;
    assert_eq!(seen.more(&okta).await, of(&team, "patch(members)"));
    // Nobody was in any more; and Okta names a group again with each change of members.
    okta.patch(&team, out).await;
    let rename = json!({"op": "replace", "value": {"displayName": "Data"}});
    okta.patch(&team, json!([rename])).await;
    assert_eq!(seen.more(&okta).await, []);
    let both = json!([{"op": "replace", "value": {"displayName": "Ops"}},
        {"op": "add", "path": "members", "value": [{"value": id(&ada)}]}]);
    okta.patch(&team, both).await;
    assert_eq!(
        seen.more(&okta).await,
        of(&team, "patch(displayName,members)")
    );
    let put = okta.put(&team, group("Ops", &[])).await;
    put.expect(200);
    assert_eq!(seen.more(&okta).await, of(&team, "put(externalId,members)"));
    okta.delete(&team).await.expect(204);
    assert_eq!(seen.more(&okta).await, of(&team, "delete"));
    okta.delete(&team).await.expect(404);
    okta.delete(&ada).await.expect(204);
    assert_eq!(seen.more(&okta).await, of(&ada, "delete"));

    // Names of attributes, never their values.
    for (subject, external_id, events) in waiting(&okta).await {
        let text = events.to_string();
        for value in ["ada", "corp.test", "Lovelace", "Countess", "Data", "Ops"] {
            assert!(!text.contains(value), "{text}");
        }
        if subject == ada {
            assert_eq!(external_id.as_deref(), Some("00u-ada"));
        }
    }
    // Whoever has no receiver keeps nothing, and says nothing of events.
    let quiet = Client::new(&f, "microsoft", "microsoft").await;
    quiet.make("bob").await;
    assert_eq!(waiting(&quiet).await, []);
    let config = quiet.get("/ServiceProviderConfig").await.expect(200).json();
    assert_eq!(config["securityEvents"], Value::Null);
    let config = okta.get("/ServiceProviderConfig").await.expect(200).json();
    assert_eq!(config["securityEvents"]["asyncRequest"], "none");
    let uris = config["securityEvents"]["eventUris"].as_array().unwrap();
    assert_eq!(uris.len(), 6);
    assert!(uris.contains(&json!("urn:ietf:params:scim:event:prov:patch:notice")));
}

async fn scim_every_operation_of_bulk_has_its_event(database: Option<String>) {
    let f = fixture("scim_events_bulk", database).await;
    let okta = telling(&f, TO).await;
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Groups", "bulkId": "g",
                "data": group("Data", &["bulkId:u"])},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": user("ada")},
            {"method": "POST", "path": "/Users", "bulkId": "twice", "data": user("ada")},
        ],
    });
    let done = okta.post("/Bulk", bulk).await.expect(200).json();
    let place = |at: usize| {
        let location = done["Operations"][at]["location"].as_str();
        let location = location.unwrap_or_else(|| panic!("{done}"));
        location.split_once("/okta").unwrap().1.to_owned()
    };
    let wanted = [
        (place(1), WHOLE.to_owned()),
        (
            place(0),
            "create(displayName,externalId,members)".to_owned(),
        ),
    ];
    assert_eq!(Seen(0).more(&okta).await, wanted);
}

async fn scim_a_user_who_goes_leaves_groups_in_the_same_transaction(database: Option<String>) {
    let f = fixture("scim_events_leave", database).await;
    let okta = telling(&f, TO).await;
    let ada = okta.make("ada").await;
    let team = pushed(&okta, "Data", &[id(&ada)]).await;
    let mut seen = Seen(2);
    okta.delete(&ada).await.expect(204);
    let wanted = [
        (team, "patch(members)".to_owned()),
        (ada, "delete".to_owned()),
    ];
    assert_eq!(seen.more(&okta).await, wanted);
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let next = view.scim_events().next(okta.connection, 9).await.unwrap();
    assert_eq!(next[2].txn, next[3].txn);
    assert_ne!(next[1].txn, next[2].txn);
    assert_ne!(next[2].event.id, next[3].event.id);
}

async fn scim_what_administrators_do_to_somebody_provisioned_is_told(database: Option<String>) {
    let f = fixture("scim_events_admin", database).await;
    let okta = telling(&f, TO).await;
    let admin = f.admin().await;
    let ada = okta.make("ada").await;
    let team = pushed(&okta, "Data", &[id(&ada)]).await;
    let mut seen = Seen(2);
    let call = async |path: String| f.call("POST", &path, &admin, None).await;
    let path = |verb: &str| format!("/v1/users/{}/{verb}", id(&ada));
    call(path("disable")).await.expect(200);
    call(path("disable")).await.expect(200);
    assert_eq!(seen.more(&okta).await, of(&ada, "deactivate"));
    // The provider's word changes the resource, and not whether they may sign in.
    for value in [false, true] {
        let operations = json!([{"op": "replace", "path": "active", "value": value}]);
        okta.patch(&ada, operations).await.expect(200);
        assert_eq!(seen.more(&okta).await, of(&ada, "patch(active)"));
    }
    call(path("enable")).await.expect(200);
    assert_eq!(seen.more(&okta).await, of(&ada, "activate"));
    let out = format!("/v1/organizations/acme/users/{}/offboard", id(&ada));
    let done = f.call("POST", &out, &admin, Some(json!({}))).await;
    done.expect(200);
    assert_eq!(seen.more(&okta).await, of(&team, "patch(members)"));
}

/// A receiver that answers as it is told, first come first; then 202.
#[derive(Clone, Default)]
struct Receiver {
    answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    tried: Arc<Mutex<usize>>,
}

impl Receiver {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let router = Router::new().route("/in", post(take));
        let service = router.with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        url
    }

    fn answers(&self, answers: &[(u16, &'static str)]) {
        *self.answers.lock().unwrap() = answers.iter().rev().copied().collect();
    }

    fn tried(&self) -> usize {
        *self.tried.lock().unwrap()
    }

    fn tokens(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        let tokens = got
            .iter()
            .map(|(_, body)| String::from_utf8(body.to_vec()).unwrap());
        tokens.collect()
    }
}

async fn take(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    *receiver.tried.lock().unwrap() += 1;
    let answer = receiver.answers.lock().unwrap().pop();
    let (status, text) = answer.unwrap_or((202, ""));
    if status == 202 {
        receiver.got.lock().unwrap().push((headers, body));
    }
    (StatusCode::from_u16(status).unwrap(), text.to_owned())
}

/// Lets replicas of control work until something is so, and ends them in order. Their clock goes on by itself.
async fn work_until(all: &[&Fixture], done: impl AsyncFn() -> bool) {
    work(all, Duration::from_millis(200), done).await;
}

/// The same with a clock of which it is said how far it goes on between looks.
async fn work(all: &[&Fixture], step: Duration, done: impl AsyncFn() -> bool) {
    let stop = CancellationToken::new();
    let work = all.iter().map(|f| {
        let (control, token) = (Arc::clone(&f.control), stop.clone());
        tokio::spawn(async move { Box::pin(control.work(token)).await })
    });
    let work: Vec<_> = work.collect();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    while !done().await {
        assert!(tokio::time::Instant::now() < deadline, "never");
        tokio::time::sleep(Duration::from_millis(50)).await;
        all[0].clock.advance(step);
    }
    stop.cancel();
    for each in work {
        each.await.unwrap();
    }
}

async fn status(f: &Fixture, admin: &str) -> Value {
    let path = "/v1/connections/okta/scim/events";
    f.call("GET", path, admin, None).await.expect(200).json()
}

async fn claims(f: &Fixture, token: &str) -> Value {
    let key = f.signing_key(Kind::SecurityEvent).await;
    let verified = jws::parse(token.as_bytes()).unwrap();
    let verified = verified.verify(Kind::SecurityEvent, key.public()).unwrap();
    verified.claims().unwrap()
}

async fn scim_events_are_taken_in_order_by_one_replica_also_after_the_receiver_was_away(
    database: Option<String>,
) {
    let receiver = Receiver::default();
    let endpoint = receiver.start().await;
    let to = ScimEventsTo {
        endpoint: endpoint.clone(),
        audience: Some("https://tickets.example.com".to_owned()),
        authorization: Some(Secret::new(AUTHORIZATION.to_owned())),
    };
    let configure = |config: &mut aeolus_control::ControlConfig| {
        config.sign_in.provisioning = vec![aeolus_control::Provisioning {
            events: Some(to.clone()),
            ..crate::scim_templates::provisioning()
        }];
    };
    let f = Fixture::pair_configured("scim_events_sent", database, configure).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let beside = f.replica(configure).await;
    let okta = Client::of(&f, "okta").await;
    receiver.answers(&[(503, ""), (302, ""), (200, "<html>"), (202, ""), (500, "")]);
    let mut subjects = Vec::new();
    for number in 0..12 {
        subjects.push(okta.make(&format!("user-{number}")).await);
    }
    assert_eq!(status(&f, &admin).await["waiting"], 12);
    let all = async || receiver.tokens().len() >= 12 && status(&f, &admin).await["waiting"] == 0;
    work_until(&[&f, &beside], all).await;
    // Those that failed were sent again, and each was taken once, in order.
    assert_eq!((receiver.tokens().len(), receiver.tried()), (12, 16));
    let mut told = Vec::new();
    for token in receiver.tokens() {
        let claims = claims(&f, &token).await;
        assert_eq!(claims["iss"], crate::fixture::ISS);
        assert_eq!(claims["aud"], "https://tickets.example.com");
        assert_eq!(claims["sub_id"]["format"], "scim");
        assert!(claims.get("sub").is_none() && claims.get("exp").is_none());
        told.push(claims["sub_id"]["uri"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, subjects);
    for (headers, _) in receiver.got.lock().unwrap().iter() {
        assert_eq!(headers["content-type"], "application/secevent+jwt");
        assert_eq!(headers["authorization"], AUTHORIZATION);
        assert_eq!(headers["accept"], "application/json");
    }
    // The key is published, and gates aren't told of it.
    let jwks = f.get("/.well-known/jwks.json").await.expect(200).text();
    let kid = f.signing_key(Kind::SecurityEvent).await.public().kid();
    assert!(jwks.contains(&kid.to_string()), "{jwks}");
    let shown = status(&f, &admin).await;
    assert_eq!(
        (&shown["endpoint"], &shown["delivered"]),
        (&json!(endpoint), &json!(12))
    );
    assert_eq!(
        (&shown["authorization"], &shown["failures"]),
        (&json!(true), &json!(0))
    );
    assert!(shown["error"].as_str().unwrap().contains("500"), "{shown}");
    let metrics = [f.metrics().await, beside.metrics().await].concat();
    assert!(
        metrics
            .contains("aeolus_control_scim_events_total{connection=\"okta\",result=\"delivered\"}"),
        "{metrics}"
    );
    assert!(metrics.contains("aeolus_control_scim_events_waiting{connection=\"okta\"} 0"));
    // The header is kept sealed, and said nowhere.
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    for row in view.connections().list().await.unwrap() {
        assert!(!row.config.contains("5up3r"), "{}", row.config);
    }
    let audit = f.call("GET", "/v1/audit?limit=200", &admin, None).await;
    let audit = audit.expect(200).text();
    assert!(audit.contains("scimEvents") && !audit.contains("5up3r"));
}

async fn scim_what_a_receiver_refuses_is_dropped_or_waits(database: Option<String>) {
    let receiver = Receiver::default();
    let endpoint = receiver.start().await;
    let f = fixture("scim_events_refused", database).await;
    let admin = f.admin().await;
    let okta = telling(&f, &endpoint).await;
    receiver.answers(&[
        (
            400,
            r#"{"err":"authentication_failed","description":"expired"}"#,
        ),
        (
            400,
            r#"{"err":"invalid_request","description":"what is this?"}"#,
        ),
    ]);
    okta.make("ada").await;
    let bob = okta.make("bob").await;
    let failed = async || status(&f, &admin).await["failures"] == 1;
    work(&[&f], Duration::ZERO, failed).await;
    // Until its time has come nothing is tried: the clock stands still.
    let looked = tokio::time::Instant::now() + Duration::from_millis(2_500);
    let over = async || tokio::time::Instant::now() >= looked;
    work(&[&f], Duration::ZERO, over).await;
    assert_eq!(receiver.tried(), 1);
    let shown = status(&f, &admin).await;
    assert_eq!(shown["error"], "it refuses: authentication_failed: expired");
    assert_eq!(
        (&shown["waiting"], &shown["dropped"]),
        (&json!(2), &json!(0))
    );

    f.clock.advance(Duration::from_secs(31));
    let all = async || status(&f, &admin).await["waiting"] == 0;
    work_until(&[&f], all).await;
    assert_eq!(receiver.tokens().len(), 1);
    let only = claims(&f, &receiver.tokens()[0]).await;
    assert_eq!(only["sub_id"]["uri"], json!(bob));
    let shown = status(&f, &admin).await;
    assert_eq!(
        (&shown["delivered"], &shown["dropped"]),
        (&json!(1), &json!(1))
    );
    let dropped = f.audited(Action::ScimEventsDrop).await;
    assert_eq!((dropped.len(), dropped[0].reason.as_str()), (1, "refused"));
    assert_eq!(dropped[0].target, "okta");
}

async fn scim_events_that_wait_for_a_week_are_dropped_and_audited(database: Option<String>) {
    let f = fixture("scim_events_old", database).await;
    let okta = telling(&f, TO).await;
    okta.make("ada").await;
    f.clock.advance(Duration::from_secs(7 * 86_400));
    okta.make("bob").await;
    f.control.tend().await.unwrap();
    assert_eq!(waiting(&okta).await.len(), 2, "a week is not over");
    f.clock.advance(Duration::from_secs(1));
    f.control.tend().await.unwrap();
    assert_eq!(waiting(&okta).await.len(), 1);
    let dropped = f.audited(Action::ScimEventsDrop).await;
    assert_eq!((dropped.len(), dropped[0].reason.as_str()), (1, "expired"));

    // Nobody gets what waits for a receiver that has left.
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let row = write.connections().get(okta.connection).await.unwrap();
    let mut row = row.unwrap();
    let mut config: Value = serde_json::from_str(&row.config).unwrap();
    config.as_object_mut().unwrap().remove("scimEvents");
    row.config = config.to_string();
    write.connections().update(&row).await.unwrap();
    write.commit().await.unwrap();
    f.control.tend().await.unwrap();
    assert_eq!(waiting(&okta).await, []);
    let dropped = f.audited(Action::ScimEventsDrop).await;
    let reasons: Vec<&str> = dropped.iter().map(|line| line.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.contains(&"no_receiver"), "{reasons:?}");
}

async fn scim_another_receiver_is_tried_at_once_and_its_header_outlives_the_master_key(
    database: Option<String>,
) {
    let (one, other) = (Receiver::default(), Receiver::default());
    let to = |endpoint: String, authorization: &str| ScimEventsTo {
        endpoint,
        audience: None,
        authorization: Some(Secret::new(authorization.to_owned())),
    };
    let (to_one, to_other) = (
        to(one.start().await, "Bearer one"),
        to(other.start().await, AUTHORIZATION),
    );
    let configure = |to: &ScimEventsTo, config: &mut aeolus_control::ControlConfig| {
        config.sign_in.provisioning = vec![aeolus_control::Provisioning {
            events: Some(to.clone()),
            ..crate::scim_templates::provisioning()
        }];
    };
    let first = |config: &mut aeolus_control::ControlConfig| configure(&to_one, config);
    let f = Fixture::pair_configured("scim_events_moved", database, first).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let okta = Client::of(&f, "okta").await;
    one.answers(&[(503, "")]);
    okta.make("ada").await;
    let failed = async || status(&f, &admin).await["failures"] == 1;
    work(&[&f], Duration::ZERO, failed).await;

    // What the first one wanted, or was given time for, is nothing to the second.
    let moved = f.replica(|config| configure(&to_other, config)).await;
    let taken = async || other.tokens().len() == 1;
    work(&[&moved], Duration::ZERO, taken).await;
    assert_eq!((one.tried(), one.tokens().len()), (1, 0));

    okta.make("bob").await;
    let (old, new) = (Secret::new([42; 32]), Secret::new([43; 32]));
    let parts = (&*f.clock as _, &*f.rng as _);
    let resealed = aeolus_control::reseal(&f.database, (&old, &new), parts).await;
    assert_eq!(resealed.unwrap().connections, 1);
    let later = |config: &mut aeolus_control::ControlConfig| {
        configure(&to_other, config);
        config.master_key = new.clone();
    };
    let later = f.replica(later).await;
    let taken = async || other.tokens().len() == 2;
    work(&[&later], Duration::ZERO, taken).await;
    for (headers, _) in other.got.lock().unwrap().iter() {
        assert_eq!(headers["authorization"], AUTHORIZATION);
    }
}

/// Who may see how it goes.
#[tokio::test]
async fn scim_only_who_looks_after_connections_sees_how_telling_goes() {
    let f = fixture("scim_events_status", None).await;
    telling(&f, TO).await;
    let admin = f.admin().await;
    let shown = status(&f, &admin).await;
    assert_eq!(
        (&shown["endpoint"], &shown["waiting"]),
        (&json!(TO), &json!(0))
    );
    let refused: Answer = f.get("/v1/connections/okta/scim/events").await;
    assert_eq!(refused.status, 401);
}
