//! Planes: joining and what gates ask.

use std::time::Duration;

use aeolus_api::JoinToken;
use aeolus_keys::{Alg, SigningKey};
use aeolus_model::Clock as _;
use serde_json::json;

use crate::fixture::{Answer, Fixture, Gate, ISS, enroll_request};
use crate::provider::deployment;

async fn invite(f: &Fixture, admin: &str) -> JoinToken {
    let body = Some(json!({"name": "eu-1"}));
    let answer = f
        .call("POST", "/v1/planes", admin, body)
        .await
        .expect(201)
        .json();
    JoinToken::parse(answer["joinToken"].as_str().unwrap()).unwrap()
}

async fn enroll(f: &Fixture, token: &JoinToken, change: impl Fn(&mut serde_json::Value)) -> Answer {
    let identity = SigningKey::generate(Alg::EdDsa, &*f.rng).unwrap();
    let mut body = serde_json::to_value(enroll_request(token, &identity)).unwrap();
    change(&mut body);
    f.call("POST", "/v1/planes/enroll", "", Some(body)).await
}

#[tokio::test]
async fn a_join_token_is_good_once_within_its_hour_for_its_own_secret() {
    let f = Fixture::new("join").await;
    let admin = f.admin().await;
    let token = invite(&f, &admin).await;
    assert_eq!(token.url, ISS);
    let wrong = |body: &mut serde_json::Value| body["proof"] = json!("AAAA");
    enroll(&f, &token, wrong).await.expect(401);
    let swapped = |body: &mut serde_json::Value| body["nonce"] = json!("A".repeat(43));
    enroll(&f, &token, swapped).await.expect(401);
    let nobody = |body: &mut serde_json::Value| {
        body["plane"] = json!("01890a5d-ac96-774b-bcce-b302099a8057");
    };
    enroll(&f, &token, nobody).await.expect(401);
    enroll(&f, &token, |body| body["nonce"] = json!("AA"))
        .await
        .expect(422);
    enroll(&f, &token, |body| {
        body["identityJwk"] = json!({"kty": "oct"});
    })
    .await
    .expect(422);
    let answer = enroll(&f, &token, |_| {}).await.expect(200).json();
    assert_eq!(answer["issuer"], ISS);
    let root = answer["root"].as_str().unwrap();
    let digest = aeolus_snapshot::Digest::of(root.as_bytes());
    assert_eq!(digest.to_string(), token.root_sha256);
    enroll(&f, &token, |_| {}).await.expect(401);
    let body = Some(json!({"name": "eu-1"}));
    f.call("POST", "/v1/planes", &admin, body).await.expect(409);
}

#[tokio::test]
async fn a_join_token_ends_after_an_hour_and_a_new_one_replaces_it() {
    let f = Fixture::new("join-late").await;
    let admin = f.admin().await;
    let old = invite(&f, &admin).await;
    let new = invite(&f, &admin).await;
    assert_eq!(old.plane, new.plane);
    enroll(&f, &old, |_| {}).await.expect(401);
    f.clock.advance(Duration::from_secs(3601));
    enroll(&f, &new, |_| {}).await.expect(401);
}

#[tokio::test]
async fn gates_prove_themselves_at_every_call() {
    let f = Fixture::new("prove").await;
    let admin = f.admin().await;
    let gate = f.join(&admin, "eu-1").await;
    let other = f.join(&admin, "us-1").await;
    let now = f.clock.now().secs();
    let posing = Gate {
        plane: gate.plane,
        identity: SigningKey::generate(Alg::EdDsa, &*f.rng).unwrap(),
        root: String::new(),
    };
    let mut mixed = gate.claims(ISS, now, now + 60, "a");
    mixed.sub = format!("plane:{}", other.plane);
    for bad in [
        posing.sign(&posing.claims(ISS, now, now + 60, "a")),
        gate.sign(&gate.claims("https://other.example", now, now + 60, "a")),
        gate.sign(&gate.claims(ISS, now, now + 61, "a")),
        gate.sign(&gate.claims(ISS, now - 121, now - 61, "a")),
        gate.sign(&mixed),
        admin.clone(),
    ] {
        let answer = f
            .call("POST", "/v1/planes/self/status", &bad, Some(json!({})))
            .await;
        answer.expect(401);
    }
    // A plane's word is not a person's.
    f.call("GET", "/v1/me", &f.assertion(&gate), None)
        .await
        .expect(401);
}

#[tokio::test]
async fn sessions_are_renewed_until_they_end() {
    let f = Fixture::new("renew").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let other = f.join(&admin, "us-1").await;
    let deployment = deployment(&f, &admin).await;
    let cookie = f.login("eve@example.com").await;
    f.gate_sign_in(&gate, &deployment, &cookie)
        .await
        .expect(200);
    let eve = f.token_of_cookie(&cookie).await;
    let me = f.call("GET", "/v1/me", &eve, None).await.expect(200).json();
    let session = me["session"].as_str().unwrap().to_owned();
    let path = format!("/v1/planes/self/sessions/{session}/renew");
    let body = || Some(json!({ "deployment": deployment }));
    f.clock.advance(Duration::from_secs(7 * 3600));
    let now = f.clock.now().secs();
    let renewed = f
        .call("POST", &path, &f.assertion(&gate), body())
        .await
        .expect(200)
        .json();
    assert_eq!(renewed["accessEnd"], now + 8 * 3600);
    f.call("POST", &path, &f.assertion(&other), body())
        .await
        .expect(404);
    let ghost = "/v1/planes/self/sessions/01890a5d-ac96-774b-bcce-b302099a8057/renew";
    f.call("POST", ghost, &f.assertion(&gate), body())
        .await
        .expect(404);
    f.clock
        .advance(Duration::from_secs(30 * 86_400 - 7 * 3600 - 10));
    let last = f
        .call("POST", &path, &f.assertion(&gate), body())
        .await
        .expect(200)
        .json();
    assert_eq!(last["accessEnd"], last["absoluteEnd"]);
    f.clock.advance(Duration::from_secs(10));
    f.call("POST", &path, &f.assertion(&gate), body())
        .await
        .expect(410);
}

#[tokio::test]
async fn events_are_taken_once_and_unknown_ones_are_skipped() {
    let f = Fixture::new("events").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let cookie = f.login("eve@example.com").await;
    let eve = f.token_of_cookie(&cookie).await;
    let me = f.call("GET", "/v1/me", &eve, None).await.expect(200).json();
    let lines = format!(
        "{}\n{}\nnot json\n",
        json!({"type": "session_ended", "session": me["session"], "at": 1}),
        json!({"type": "from_the_future", "at": 1}),
    );
    let send = |key: &'static str| f.events(&gate, key, lines.clone());
    let first = send("a").await.expect(200).json();
    assert_eq!(first, json!({"accepted": 1, "skipped": 2}));
    f.call("GET", "/v1/me", &eve, None).await.expect(401);
    f.visit("/", &cookie).await.expect(303);
    assert_eq!(send("a").await.expect(200).json(), first);
    send("").await.expect(422);
}

#[tokio::test]
async fn f17_a_session_signed_out_at_a_cut_off_gate_ended_there_and_then() {
    let f = Fixture::new("late-session").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let cookie = f.login("eve@example.com").await;
    let eve = f.token_of_cookie(&cookie).await;
    let me = f.call("GET", "/v1/me", &eve, None).await.expect(200).json();
    let session = me["session"].clone();
    let deployment = deployment(&f, &admin).await;
    let signed_out = f.clock.now().secs() + 100;
    f.clock.advance(Duration::from_secs(600));
    let used = |after: i64| {
        json!({"type": "use_after_revocation", "at": signed_out + after, "deployment": deployment,
            "credential": session})
    };
    let ended = json!({"type": "session_ended", "session": session, "at": signed_out});
    let body = format!("{ended}\n{}\n{}\n", used(-50), used(50));
    f.events(&gate, "late", body).await.expect(200);
    let owner = f.token_of("owner@example.com").await;
    let path = "/v1/organizations/acme/audit";
    let log = f.call("GET", path, &owner, None).await.expect(200).json();
    let items = log["items"].as_array().unwrap().iter();
    let late: Vec<_> = items
        .filter(|event| event["action"] == "gate.use_after_revocation")
        .map(|event| event["at"].as_i64().unwrap() / 1_000 - signed_out)
        .collect();
    assert_eq!(late, [50]);
}

#[tokio::test]
async fn f17_uses_of_what_had_been_revoked_are_in_the_audit_log_and_earlier_ones_are_not() {
    let f = Fixture::new("late").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let owner = f.token_of("owner@example.com").await;
    let tokens = "/v1/organizations/acme/tokens";
    let body = json!({"name": "late", "role": "ORGANIZATION_MEMBER"});
    let made = f.call("POST", tokens, &owner, Some(body)).await;
    let token = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    f.clock.advance(Duration::from_secs(600));
    let revoked = f.clock.now().secs();
    let path = format!("{tokens}/{token}");
    f.call("DELETE", &path, &owner, None).await.expect(200);
    f.clock.advance(Duration::from_secs(120));
    let deployment = deployment(&f, &admin).await;
    let line = |at: i64| {
        let event = json!({"type": "use_after_revocation", "at": at, "deployment": deployment,
            "credential": token});
        format!("{event}\n")
    };
    let body = line(revoked - 60) + &line(revoked + 60) + &line(revoked + 600);
    f.events(&gate, "late", body).await.expect(200);
    let path = "/v1/organizations/acme/audit";
    let log = f.call("GET", path, &owner, None).await.expect(200).json();
    let late: Vec<_> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "gate.use_after_revocation")
        .collect();
    assert_eq!(late.len(), 2, "{late:?}");
    let counted = "\naeolus_control_uses_after_revocation_total 2\n";
    assert!(f.metrics().await.contains(counted));
    assert!(late.iter().all(|event| event["target"] == token.as_str()));
    assert_eq!(late[0]["at"], (revoked + 60) * 1_000);
    let now = f.clock.now().secs() * 1_000;
    assert_eq!(late[1]["at"], now, "no plane sees the future");
}

#[tokio::test]
async fn planes_are_the_operators_business() {
    let f = Fixture::new("planes").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    f.call("GET", "/v1/planes", &owner, None).await.expect(403);
    f.call("POST", "/v1/planes", &owner, Some(json!({"name": "x"})))
        .await
        .expect(403);
    let list = f
        .call("GET", "/v1/planes", &admin, None)
        .await
        .expect(200)
        .json();
    assert_eq!(list["items"][0]["name"], "eu-1");
    assert_eq!(list["items"][0]["state"], "invited");
    let one = f
        .call("GET", "/v1/planes/eu-1", &admin, None)
        .await
        .expect(200)
        .json();
    assert_eq!(one, list["items"][0]);
    f.call("GET", "/v1/planes/us-1", &admin, None)
        .await
        .expect(404);
}

/// What an operator does when somebody else may have a plane's identity.
#[tokio::test]
async fn a_plane_in_quarantine_is_told_nothing_until_it_is_released_or_enrolled_again() {
    let f = Fixture::new("quarantine").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let asks = |gate: &Gate| {
        let body = json!({"replica": "r", "epoch": 1, "seq": 1, "version": "1"});
        let assertion = f.assertion(gate);
        let f = &f;
        async move {
            let path = "/v1/planes/self/status";
            let answer = f.call("POST", path, &assertion, Some(body)).await;
            answer.status.as_u16()
        }
    };
    let does = |what: &str| {
        let path = format!("/v1/planes/eu-1/{what}");
        let (f, admin) = (&f, &admin);
        async move { f.call("POST", &path, admin, None).await }
    };
    assert_eq!(asks(&gate).await, 204);
    does("release").await.expect(409);
    let quarantined = does("quarantine").await.expect(200).json();
    assert_eq!(quarantined["state"], "quarantined");
    does("quarantine").await.expect(409);
    assert_eq!(asks(&gate).await, 403);
    let client = format!("urn:aeolus:plane:{}", gate.plane);
    let assertion = f.assertion(&gate);
    let fields = [
        ("token", "x"),
        ("client_id", client.as_str()),
        ("client_assertion_type", aeolus_api::oauth::ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    let introspected = f.form("/oauth2/introspect", &fields, &[]).await;
    assert_ne!(introspected.status.as_u16(), 200);

    assert_eq!(
        does("release").await.expect(200).json()["state"],
        "enrolled"
    );
    assert_eq!(asks(&gate).await, 204);

    // Stolen after all: the plane joins again, and the old identity is nobody's.
    does("quarantine").await.expect(200);
    let again = f.join(&admin, "eu-1").await;
    assert_eq!(again.plane, gate.plane);
    assert_eq!(asks(&gate).await, 401);
    assert_eq!(asks(&again).await, 204);
    does("release").await.expect(409);
}

#[tokio::test]
async fn alerts_for_control_use_figures_that_it_has() {
    let f = Fixture::new("alerts").await;
    let metrics = f.metrics().await;
    let rules = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/prometheus/control-rules.yml"
    );
    let rules = std::fs::read_to_string(rules).unwrap();
    let expressions: Vec<&str> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .collect();
    assert!(expressions.len() >= 3, "{expressions:?}");
    for expression in expressions {
        let (_, from) = expression.split_once("aeolus_control_").expect(expression);
        let end = from.find(|c: char| !c.is_ascii_lowercase() && c != '_');
        let name = &from[..end.unwrap_or(from.len())];
        let family = name.trim_end_matches("_total");
        let announced = format!("# HELP aeolus_control_{family} ");
        assert!(metrics.contains(&announced), "control has no {name}");
    }
}
