//! Token exchange (RFC 8693), attacked: widened, outlived, given to others (O14, T54).

use std::time::Duration;

use aeolus_api::oauth::{ASSERTION_TYPE, Metadata, TOKEN_TYPE_ACCESS, TokenAnswer};
use aeolus_keys::claims::{Access, Api, Surface};
use aeolus_keys::jws;
use aeolus_model::{Clock as _, Resource};
use serde_json::{Value, json};

use crate::fixture::{ADMIN, Answer, Fixture, Gate, ISS};
use crate::provider::deployment;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const OWNER: &str = "owner@example.com";

/// An exchange as it should be, but for what `change` says: an empty value leaves the parameter out.
async fn exchange(
    f: &Fixture,
    (client, token, deployment): (&str, &str, &str),
    change: &[(&str, &str)],
) -> Answer {
    let audience = format!("urn:aeolus:deployment:{deployment}");
    let fields = [
        ("grant_type", GRANT),
        ("client_id", client),
        ("subject_token", token),
        ("subject_token_type", TOKEN_TYPE_ACCESS),
        ("audience", &audience),
    ];
    let changed = |name: &str| change.iter().any(|(other, _)| *other == name);
    let mut fields: Vec<_> = fields.into_iter().filter(|(n, _)| !changed(n)).collect();
    fields.extend_from_slice(change);
    f.form("/oauth2/token", &fields, &[]).await
}

async fn as_cli(f: &Fixture, token: &str, deployment: &str) -> Answer {
    exchange(f, ("aeolus-cli", token, deployment), &[]).await
}

#[track_caller]
fn refused(answer: Answer, code: &str) {
    let answer = answer.expect(400);
    assert_eq!(answer.json()["error"], code, "{}", answer.text());
}

async fn fleet(f: &Fixture) -> (Gate, String) {
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    (gate, deployment(f, &admin).await)
}

/// Whether a plane is told that a token is good.
async fn active(f: &Fixture, gate: &Gate, token: &str) -> bool {
    let client = format!("urn:aeolus:plane:{}", gate.plane);
    let assertion = f.assertion(gate);
    let fields = [
        ("token", token),
        ("client_id", client.as_str()),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    let said = f.form("/oauth2/introspect", &fields, &[]).await;
    said.expect(200).json()["active"] == true
}

/// An API token of a kind: its id and value.
async fn api_token(f: &Fixture, body: Value) -> (String, String) {
    let owner = f.token_of(OWNER).await;
    let path = "/v1/organizations/acme/tokens";
    let made = f.call("POST", path, &owner, Some(body)).await.expect(201);
    let made = made.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

fn for_deployment(id: &str) -> Value {
    json!({"name": "t", "scope": "DEPLOYMENT", "entityId": id, "role": "DEPLOYMENT_VIEWER"})
}

#[tokio::test]
async fn a_persons_token_is_narrowed_to_one_deployment_and_ends_with_the_session() {
    let f = Fixture::new("exchange-person").await;
    let (gate, etl) = fleet(&f).await;
    let metadata: Metadata = f.get("/.well-known/oauth-authorization-server").await.of();
    assert!(metadata.grant_types_supported.contains(&GRANT.to_owned()));
    let cookie = f.login("eve@example.com").await;
    let held = f.token_of_cookie(&cookie).await;
    let answer = as_cli(&f, &held, &etl).await.expect(200);
    assert_eq!(answer.json()["issued_token_type"], TOKEN_TYPE_ACCESS);
    let answer: TokenAnswer = answer.of();
    assert_eq!(
        (answer.token_type.as_str(), answer.expires_in),
        ("Bearer", 3600)
    );
    assert_eq!((answer.id_token, answer.refresh_token), (None, None));
    let read = |token: &str| -> Access {
        let token = jws::parse(token.as_bytes()).unwrap();
        token.unverified_claims().unwrap()
    };
    let (old, new) = (read(&held), read(&answer.access_token));
    assert_eq!(new.aud, format!("urn:aeolus:deployment:{etl}"));
    assert_eq!((new.sub, new.sid), (old.sub, old.sid));
    assert_eq!(new.auth_time, old.auth_time);
    assert!(new.org.is_some());
    let payload = answer.access_token.split('.').nth(1).unwrap();
    let payload =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload);
    let payload: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    assert_eq!(payload.get("act").or(payload.get("may_act")), None);
    assert!(active(&f, &gate, &answer.access_token).await);
    // It is nothing to control, and not exchanged again.
    let me = f.call("GET", "/v1/me", &answer.access_token, None).await;
    me.expect(401);
    refused(
        as_cli(&f, &answer.access_token, &etl).await,
        "invalid_request",
    );
    let headers = [("cookie", cookie.as_str()), ("origin", ISS)];
    f.form("/logout", &[], &headers).await.expect(303);
    assert!(!active(&f, &gate, &answer.access_token).await);
    refused(as_cli(&f, &held, &etl).await, "invalid_request");
}

#[tokio::test]
async fn an_exchanged_token_never_outlives_the_one_it_was_given_for() {
    let f = Fixture::new("exchange-life").await;
    let (_, etl) = fleet(&f).await;
    let held = f.token_of("eve@example.com").await;
    f.clock.advance(Duration::from_secs(8 * 3600 - 90));
    let last: TokenAnswer = as_cli(&f, &held, &etl).await.expect(200).of();
    assert_eq!(last.expires_in, 90);
    // To the second: the leeway that others' clocks get would make it longer.
    f.clock.advance(Duration::from_secs(90));
    refused(as_cli(&f, &held, &etl).await, "invalid_request");
}

#[tokio::test]
async fn an_api_token_is_narrowed_and_its_deletion_ends_what_came_of_it() {
    let f = Fixture::new("exchange-api").await;
    let (gate, etl) = fleet(&f).await;
    let body = json!({"name": "all", "role": "ORGANIZATION_OWNER"});
    let (id, value) = api_token(&f, body).await;
    let answer = exchange(&f, (&id, &value, &etl), &[]).await.expect(200);
    let answer: TokenAnswer = answer.of();
    assert_eq!(answer.expires_in, 3600);
    let read = |token: &str| -> Api {
        let token = jws::parse(token.as_bytes()).unwrap();
        token.unverified_claims().unwrap()
    };
    let (old, new) = (read(&value), read(&answer.access_token));
    assert_eq!((new.sub, new.idx, &new.aud), (old.sub, old.idx, &old.aud));
    assert_eq!(new.ent, Resource::Deployment(etl.parse().unwrap()));
    assert_eq!(new.surfaces, Some(vec![Surface::Planes]));
    assert_ne!(new.jti, old.jti);
    assert_eq!(new.iat, old.iat);
    assert_eq!(new.exp, f.clock.now().secs() + 3600);
    assert!(active(&f, &gate, &answer.access_token).await);
    // Control is not one of its places, and it isn't exchanged again.
    let path = "/v1/organizations/acme/tokens";
    f.call("GET", path, &answer.access_token, None)
        .await
        .expect(401);
    let again = exchange(&f, (&id, &answer.access_token, &etl), &[]).await;
    refused(again, "invalid_request");
    // A program needs no other name than its token's, and may not give another.
    let nameless = [("client_id", "")];
    let nameless = exchange(&f, ("", &value, &etl), &nameless).await;
    nameless.expect(200);
    let posing = exchange(&f, ("aeolus-cli", &value, &etl), &[]).await;
    assert_eq!(posing.expect(401).json()["error"], "invalid_client");
    let owner = f.token_of(OWNER).await;
    let path = format!("{path}/{id}");
    f.call("DELETE", &path, &owner, None).await.expect(200);
    assert!(!active(&f, &gate, &answer.access_token).await);
    let late = exchange(&f, (&id, &value, &etl), &[]).await;
    refused(late, "invalid_request");
}

#[tokio::test]
async fn o14_a_rotated_value_gives_no_more_than_its_grace() {
    let f = Fixture::new("exchange-grace").await;
    let (_, etl) = fleet(&f).await;
    let (id, value) = api_token(&f, for_deployment(&etl)).await;
    let owner = f.token_of(OWNER).await;
    let path = format!("/v1/organizations/acme/tokens/{id}/rotate");
    let grace = Some(json!({"grace": "10m"}));
    f.call("POST", &path, &owner, grace).await.expect(200);
    let answer = exchange(&f, (&id, &value, &etl), &[]).await.expect(200);
    let answer: TokenAnswer = answer.of();
    assert_eq!(answer.expires_in, 600);
    f.clock.advance(Duration::from_secs(600));
    let late = exchange(&f, (&id, &value, &etl), &[]).await;
    refused(late, "invalid_request");
}

#[tokio::test]
async fn o14_t54_only_deployments_of_the_subject_are_a_target() {
    let f = Fixture::new("exchange-target").await;
    let (_, etl) = fleet(&f).await;
    // Somebody of the organization without a role on the deployment.
    let extra = json!({"email": "weak@example.com", "role": "ORGANIZATION_MEMBER",
        "password": {"env": "P"}});
    let mut again = crate::fixture::fleet();
    let users = &mut again["fleet"]["organizations"][0]["users"];
    users.as_array_mut().unwrap().push(extra);
    again["secrets"]["organizations[0].users[3].password"] = json!(crate::fixture::PASSWORD);
    let admin = f.admin().await;
    f.call("POST", "/v1/apply", &admin, Some(again))
        .await
        .expect(200);
    let weak = f.token_of("weak@example.com").await;
    refused(as_cli(&f, &weak, &etl).await, "invalid_target");
    let held = f.token_of("eve@example.com").await;
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    refused(as_cli(&f, &held, nowhere).await, "invalid_target");
    for bad in [
        "urn:airflow.apache.org:task",
        ISS,
        "urn:aeolus:deployment:*",
        "urn:aeolus:parent-cookie",
    ] {
        let ask = ("aeolus-cli", held.as_str(), etl.as_str());
        let answer = exchange(&f, ask, &[("audience", bad)]).await;
        refused(answer, "invalid_target");
        let both = exchange(&f, ask, &[("resource", bad)]).await;
        refused(both, "invalid_target");
    }
    let own = format!("urn:aeolus:deployment:{etl}");
    let by_resource = [("audience", ""), ("resource", own.as_str())];
    exchange(&f, ("aeolus-cli", &held, &etl), &by_resource)
        .await
        .expect(200);
    // An organization's token without a role there.
    let (id, value) = api_token(&f, json!({"name": "m", "role": "ORGANIZATION_MEMBER"})).await;
    let answer = exchange(&f, (&id, &value, &etl), &[]).await;
    refused(answer, "invalid_target");
}

#[tokio::test]
async fn o14_whatever_is_not_a_good_token_for_control_is_not_exchanged() {
    let f = Fixture::new("exchange-subject").await;
    let (gate, etl) = fleet(&f).await;
    let cookie = f.login("eve@example.com").await;
    let code = f.cli_code(&cookie).await;
    let held: TokenAnswer = f.cli_exchange(&code).await.expect(200).of();
    let gates = f.gate_sign_in(&gate, &etl, &cookie).await;
    let gates: TokenAnswer = gates.expect(200).of();
    let access = held.access_token.as_str();
    let forged = format!("{}AAAA", &access[..access.len() - 4]);
    let direct = json!({"name": "d", "kind": "DIRECT_ACCESS", "scope": "DEPLOYMENT",
        "entityId": etl, "role": "DEPLOYMENT_VIEWER"});
    let (_, direct) = api_token(&f, direct).await;
    for bad in [
        forged.as_str(),
        held.id_token.as_ref().unwrap(),
        &gates.access_token,
        &direct,
        "xar_x",
        "x",
    ] {
        refused(as_cli(&f, bad, &etl).await, "invalid_request");
    }
    let ask = ("aeolus-cli", access, etl.as_str());
    let id_type = "urn:ietf:params:oauth:token-type:id_token";
    for (change, code) in [
        (("subject_token", ""), "invalid_request"),
        (("subject_token_type", ""), "invalid_request"),
        (("subject_token_type", id_type), "invalid_request"),
        (("requested_token_type", id_type), "invalid_request"),
        (("actor_token", access), "invalid_request"),
        (("actor_token_type", TOKEN_TYPE_ACCESS), "invalid_request"),
        (("audience", ""), "invalid_request"),
        (("scope", "openid admin"), "invalid_scope"),
    ] {
        refused(exchange(&f, ask, &[change]).await, code);
    }
    for change in [
        ("client_id", ""),
        ("client_id", "someone"),
        ("client_id", "aeolus-ui"),
        ("client_assertion", "x"),
    ] {
        let answer = exchange(&f, ask, &[change]).await.expect(401);
        assert_eq!(answer.json()["error"], "invalid_client");
    }
    // What control's own pages are given is no other client's to exchange.
    let headers = [("cookie", cookie.as_str()), ("origin", ISS)];
    let page: TokenAnswer = f.form("/token", &[], &headers).await.expect(200).of();
    refused(
        as_cli(&f, &page.access_token, &etl).await,
        "invalid_request",
    );
    as_cli(&f, access, &etl).await.expect(200);
}

#[tokio::test]
async fn an_exchange_is_in_the_organizations_log_and_has_a_pace() {
    let f = Fixture::new("exchange-log").await;
    let (_, etl) = fleet(&f).await;
    let held = f.token_of("eve@example.com").await;
    for _ in 0..60 {
        as_cli(&f, &held, &etl).await.expect(200);
    }
    let wait = as_cli(&f, &held, &etl).await.expect(429);
    assert_eq!(wait.json()["error"], "slow_down");
    let owner = f.token_of(OWNER).await;
    let path = "/v1/organizations/acme/audit?limit=200";
    let log = f.call("GET", path, &owner, None).await.expect(200).json();
    let of = |line: &&Value| line["action"] == "token.exchange" && line["target"] == json!(etl);
    assert!(
        log["items"].as_array().unwrap().iter().any(|l| of(&l)),
        "{log}"
    );
    // Somebody else is not slowed down by it.
    let admin = f.token_of(ADMIN).await;
    as_cli(&f, &admin, &etl).await.expect(200);
}

#[tokio::test]
async fn an_organizations_rules_hold_for_exchanges_as_well() {
    let f = Fixture::new("exchange-rules").await;
    let (_, etl) = fleet(&f).await;
    let admin = f.admin().await;
    let held = f.token_of("eve@example.com").await;
    let set = async |policy: Value| {
        let path = "/v1/organizations/acme/policy";
        f.call("PUT", path, &admin, Some(policy)).await.expect(200);
    };
    // The fixture's requests come from no address that is known.
    set(json!({"allowedNetworks": ["10.0.0.0/8"]})).await;
    let elsewhere = as_cli(&f, &held, &etl).await.expect(403);
    assert_eq!(elsewhere.json()["error"], "network");
    set(json!({"sessionLife": {"unused": "15m", "absolute": "1h"}})).await;
    let answer: TokenAnswer = as_cli(&f, &held, &etl).await.expect(200).of();
    assert_eq!(answer.expires_in, 900);
    f.clock.advance(Duration::from_secs(3600));
    refused(as_cli(&f, &held, &etl).await, "invalid_target");
}
