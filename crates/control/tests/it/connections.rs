//! Connections whose provider's tokens count: what is asked of a provider, and what planes are told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_keys::{Alg, SigningKey};
use aeolus_model::Clock as _;
use aeolus_snapshot::{Snapshot, section};
use aeolus_testkit::SeededRng;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fixture::{Fixture, Gate, fleet};
use crate::publish::Reader;

/// A provider on loopback whose answers a test writes.
pub(crate) struct Idp {
    pub(crate) url: String,
    said: Said,
}

#[derive(Clone, Default)]
struct Said {
    issuer: Arc<Mutex<Value>>,
    keys: Arc<Mutex<Option<Value>>>,
    asked: Arc<Mutex<usize>>,
}

impl Idp {
    pub(crate) async fn start() -> Self {
        let said = Said::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let document = {
            let url = url.clone();
            move |State(said): State<Said>| async move {
                let issuer = said.issuer.lock().unwrap().clone();
                axum::Json(json!({
                    "issuer": issuer, "jwks_uri": format!("{url}/jwks"),
                    "authorization_endpoint": format!("{url}/auth"),
                    "token_endpoint": format!("{url}/token"),
                    "authorization_response_iss_parameter_supported": true,
                }))
            }
        };
        let keys = |State(said): State<Said>| async move {
            let keys = said.keys.lock().unwrap().clone();
            *said.asked.lock().unwrap() += 1;
            keys.map(axum::Json).ok_or(StatusCode::SERVICE_UNAVAILABLE)
        };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/jwks", get(keys))
            .with_state(said.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        *said.issuer.lock().unwrap() = json!(format!("{url}/"));
        Self { url, said }
    }

    pub(crate) fn publish(&self, kids: &[&str]) {
        let keys: Vec<Value> = kids
            .iter()
            .map(|kid| {
                let key = SigningKey::generate(Alg::EdDsa, &SeededRng::new(kid)).unwrap();
                let mut jwk: Value =
                    serde_json::from_str(&key.public().to_jwk().to_json()).unwrap();
                jwk["kid"] = json!(kid);
                jwk
            })
            .collect();
        *self.said.keys.lock().unwrap() = Some(json!({"keys": keys}));
    }

    /// How often its keys were asked for.
    fn asked(&self) -> usize {
        *self.said.asked.lock().unwrap()
    }

    async fn asked_since(&self, before: usize) {
        let asked = async {
            while self.asked() == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asked)
            .await
            .unwrap();
    }

    /// The usual fleet with a connection to it, and EVE linked there.
    pub(crate) fn document(&self, life: &str) -> Value {
        let mut body = fleet();
        body["fleet"]["connections"] = json!([{
            "name": "idp", "type": "custom", "clientId": "spa", "discoveryUrl": self.url,
            "sessionTokens": {
                "audience": "api", "maxLife": life, "algorithms": ["EdDSA"], "clockTolerance": "5s",
            },
        }]);
        let identities = json!([{"connection": "idp", "subject": "idp|eve"}]);
        body["fleet"]["organizations"][0]["users"][2]["identities"] = identities;
        body
    }
}

pub(crate) async fn apply(f: &Fixture, admin: &str, query: &str, body: Value) -> Value {
    let path = format!("/v1/apply?{query}");
    let answer = f.call("POST", &path, admin, Some(body)).await;
    answer.expect(200).json()
}

fn terms(snapshot: &Snapshot) -> Option<&section::SessionTokens> {
    let connections = &snapshot.sections().connections.connections;
    let idp = connections
        .iter()
        .find(|connection| connection.name == "idp");
    idp?.session_tokens.as_ref()
}

fn kids(snapshot: &Snapshot) -> Vec<&str> {
    let keys = terms(snapshot).map(|terms| terms.keys.as_slice());
    let keys = keys.unwrap_or_default().iter();
    keys.filter_map(|key| key.kid.as_deref()).collect()
}

#[tokio::test]
async fn a_plane_is_told_the_terms_the_keys_and_who_is_linked_and_no_secret() {
    let f = Fixture::new("terms").await;
    let idp = Idp::start().await;
    idp.publish(&["a", "b"]);
    let admin = f.admin().await;
    let answer = apply(&f, &admin, "", idp.document("1h")).await;
    assert!(
        answer.to_string().contains("eve@example.com/idp/idp|eve"),
        "{answer}"
    );
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let snapshot = reader.until(&f, |s| kids(s) == ["a", "b"]).await;
    let told = terms(&snapshot).unwrap();
    assert_eq!(told.issuer, format!("{}/", idp.url));
    assert_eq!(told.identity_issuer, idp.url);
    assert_eq!(told.audience, "api");
    assert_eq!(told.client_ids, ["spa"]);
    assert_eq!(told.algorithms, ["EdDSA"]);
    assert_eq!((told.max_life, told.clock_tolerance), (3_600, 5));
    assert_eq!((told.subject.as_str(), told.typed_only), ("sub", false));
    let sections = snapshot.sections();
    let salt = &sections.connections.identity_salt;
    assert_eq!(salt.len(), 32);
    let linked: Vec<_> = sections
        .subjects
        .subjects
        .iter()
        .filter(|subject| !subject.identities.is_empty())
        .collect();
    let [eve] = linked.as_slice() else {
        panic!("{linked:?}");
    };
    assert_eq!(eve.email, "eve@example.com");
    let connections = &sections.connections.connections;
    let id = connections.iter().find(|c| c.name == "idp").unwrap();
    let id = aeolus_model::ConnectionId::from_slice(&id.id).unwrap();
    let subject = "idp|eve".parse().unwrap();
    let expected = aeolus_snapshot::identity(salt, id, &idp.url, &subject);
    assert_eq!(eve.identities, [expected.to_vec()]);
    let again = apply(&f, &admin, "", idp.document("1h")).await;
    assert_eq!(
        again["changes"],
        json!([]),
        "applying twice changes nothing"
    );
}

/// A fleet whose provider's one key is with a plane already.
struct Known {
    f: Fixture,
    idp: Idp,
    admin: String,
    reader: Reader,
}

async fn known(name: &str) -> Known {
    let f = Fixture::new(name).await;
    let idp = Idp::start().await;
    idp.publish(&["a"]);
    let admin = f.admin().await;
    apply(&f, &admin, "", idp.document("1h")).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.until(&f, |s| kids(s) == ["a"]).await;
    Known {
        f,
        idp,
        admin,
        reader,
    }
}

#[tokio::test]
async fn a_provider_that_is_away_or_talks_nonsense_takes_nothing_away() {
    let Known {
        f,
        idp,
        admin,
        mut reader,
    } = known("away").await;
    let life = |seconds| move |s: &Snapshot| terms(s).is_some_and(|t| t.max_life == seconds);
    // Each change of the connection asks again.
    *idp.said.keys.lock().unwrap() = None;
    apply(&f, &admin, "", idp.document("2h")).await;
    let kept = reader.until(&f, life(7_200)).await;
    assert_eq!(kids(&kept), ["a"]);
    *idp.said.keys.lock().unwrap() = Some(json!({"keys": [{"kty": "oct", "k": "AAAA"}]}));
    let before = idp.asked();
    apply(&f, &admin, "", idp.document("3h")).await;
    let kept = reader.until(&f, life(10_800)).await;
    assert_eq!(kids(&kept), ["a"]);
    // Whoever has read the right document still may ask for the keys: not after the next ones are there.
    idp.asked_since(before).await;
    // A document of another issuer is not this provider's.
    *idp.said.issuer.lock().unwrap() = json!("https://evil.test");
    idp.publish(&["evil"]);
    apply(&f, &admin, "", idp.document("4h")).await;
    let kept = reader.until(&f, life(14_400)).await;
    assert_eq!(kids(&kept), ["a"]);
    *idp.said.issuer.lock().unwrap() = json!(idp.url);
    idp.publish(&["b"]);
    apply(&f, &admin, "", idp.document("5h")).await;
    let told = reader.until(&f, |s| kids(s) == ["b"]).await;
    assert_eq!(terms(&told).unwrap().issuer, idp.url);
}

#[tokio::test]
async fn f32_a_gate_that_meets_an_unknown_key_makes_control_ask_once_a_minute() {
    let Known {
        f, idp, mut reader, ..
    } = known("demand").await;
    idp.publish(&["b"]);
    f.clock.advance(Duration::from_secs(61));
    report(&f, &reader.gate, "one", "idp_audience").await;
    report(&f, &reader.gate, "two", "idp_key_unknown").await;
    reader.until(&f, |s| kids(s) == ["b"]).await;
    assert_eq!(*idp.said.asked.lock().unwrap(), 2);
    // Within the minute nothing is asked; had it been, there were four by the time of the next.
    report(&f, &reader.gate, "three", "idp_key_unknown").await;
    idp.publish(&["c"]);
    f.clock.advance(Duration::from_secs(61));
    report(&f, &reader.gate, "four", "idp_key_unknown").await;
    reader.until(&f, |s| kids(s) == ["c"]).await;
    assert_eq!(*idp.said.asked.lock().unwrap(), 3);
}

#[tokio::test]
async fn keys_that_nobody_could_confirm_for_a_day_count_no_longer() {
    let Known {
        f, idp, mut reader, ..
    } = known("over").await;
    *idp.said.keys.lock().unwrap() = None;
    f.clock.advance(Duration::from_secs(23 * 3_600));
    report(&f, &reader.gate, "one", "idp_key_unknown").await;
    let age = "aeolus_control_provider_keys_age_seconds{connection=\"idp\"} 82800\n";
    until_measured(&f, age).await;
    assert!(reader.poll(&f, 0).await.manifest.is_none());
    f.clock.advance(Duration::from_secs(3_600));
    report(&f, &reader.gate, "two", "idp_key_unknown").await;
    let told = reader.until(&f, |s| terms(s).is_none()).await;
    assert!(told.sections().connections.identity_salt.is_empty());
    // The provider is asked on, and counts again when it answers.
    idp.publish(&["a"]);
    f.clock.advance(Duration::from_secs(61));
    report(&f, &reader.gate, "three", "idp_key_unknown").await;
    reader.until(&f, |s| kids(s) == ["a"]).await;
}

async fn until_measured(f: &Fixture, line: &str) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let request = http::Request::get("/metrics").body(axum::body::Body::empty());
        let answer = f.control.metrics_router().oneshot(request.unwrap()).await;
        let body = answer.unwrap().into_body().collect().await.unwrap();
        if String::from_utf8_lossy(&body.to_bytes()).contains(line) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "never: {line}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn report(f: &Fixture, gate: &Gate, batch: &str, reason: &str) {
    let event = json!({
        "type": "denied_count", "minute": f.clock.now().secs(), "deployment": null, "source": "192.0.2.1",
        "reason": reason, "count": 1,
    });
    let answer = f.events(gate, batch, event.to_string()).await.expect(200);
    assert_eq!(answer.json()["accepted"], 1);
}

#[tokio::test]
async fn what_an_apply_linked_goes_when_it_is_no_longer_mentioned_and_pruned() {
    let f = Fixture::new("unlink").await;
    let idp = Idp::start().await;
    let admin = f.admin().await;
    apply(&f, &admin, "", idp.document("1h")).await;
    let mut without = idp.document("1h");
    without["fleet"]["organizations"][0]["users"][2]["identities"] = json!([]);
    let kept = apply(&f, &admin, "", without.clone()).await;
    let path = "eve@example.com/idp/idp|eve";
    let line = |op: &str| json!([{"op": op, "kind": "identity", "path": path}]);
    assert_eq!(kept["changes"], line("keep"));
    let gone = apply(&f, &admin, "prune=true", without.clone()).await;
    assert_eq!(gone["changes"], line("delete"));
    // Now it can be another person's; taken from somebody it can't.
    let mut moved = without;
    let identities = json!([{"connection": "idp", "subject": "idp|eve"}]);
    moved["fleet"]["organizations"][0]["users"][1]["identities"] = identities;
    apply(&f, &admin, "", moved).await;
    let answer = f
        .call("POST", "/v1/apply", &admin, Some(idp.document("1h")))
        .await;
    assert!(answer.expect(422).text().contains("somebody else"));
}
