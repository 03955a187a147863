//! A name that is used again: what was for the one before is not for the next.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::oauth::TOKEN_TYPE_ACCESS;
use aeolus_decide::{
    Decision, Freshness, Headers, Judge, Memory, Reason, Request, SessionCookie, Site, Verified,
    World,
};
use aeolus_model::{Clock as _, OrganizationId, SessionId, Time};
use aeolus_snapshot::Snapshot;
use serde_json::{Value, json};

use crate::fixture::{Fixture, HOST};
use crate::provider::deployment;
use crate::publish::Reader;

const ACME: &str = "/v1/organizations/acme";

/// A gate that has just been started.
struct Fresh;

impl Memory for Fresh {
    fn verified(&self, token: &[u8], world: &World, now: Time) -> Result<Arc<Verified>, Reason> {
        world.verify(token, now).map(Arc::new)
    }

    fn open_session(&self, _: Site<'_>, _: &[u8]) -> Option<SessionCookie> {
        None
    }

    fn renewed(&self, _: SessionId, _: OrganizationId) -> Option<Time> {
        None
    }

    fn ended(&self, _: SessionId, _: OrganizationId) -> bool {
        false
    }
}

/// What a gate that knows this says to a token at the deployment's host.
pub(crate) fn gate(f: &Fixture, world: &World, token: &str) -> Result<(), Reason> {
    let judge = Judge {
        world,
        memory: &Fresh,
        freshness: Freshness {
            age: Some(Duration::ZERO),
        },
        now: f.clock.now(),
    };
    let bearer = format!("Bearer {token}");
    let request = Request {
        method: b"GET",
        host: Some(HOST.as_bytes()),
        target: b"/api/v2/dags",
        headers: Headers::collect([("authorization", bearer.as_bytes())]),
        ..Request::default()
    };
    match judge.decide(&request) {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(deny) => Err(deny.reason),
        Decision::SignIn(sign_in) => Err(sign_in.reason),
    }
}

/// Tokens for one deployment: an API token, a direct one, and a person's, narrowed to it.
async fn tokens(f: &Fixture, owner: &str, etl: &str) -> [String; 3] {
    let path = format!("{ACME}/tokens");
    let body = |kind: &str| json!({"name": kind, "scope": "DEPLOYMENT", "entityId": etl, "tokenExpiryPeriodInDays": 30});
    let (mut api, mut direct) = (body("api"), body("direct"));
    api["role"] = json!("DEPLOYMENT_ADMIN");
    direct["kind"] = json!("DIRECT_ACCESS");
    let made = async |body: Value| {
        let made = f.call("POST", &path, owner, Some(body)).await.expect(201);
        made.json()["token"].as_str().unwrap().to_owned()
    };
    let audience = format!("urn:aeolus:deployment:{etl}");
    let fields = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("client_id", "aeolus-cli"),
        ("subject_token", owner),
        ("subject_token_type", TOKEN_TYPE_ACCESS),
        ("audience", &audience),
    ];
    let person = f.form("/oauth2/token", &fields, &[]).await.expect(200);
    let person = person.json()["access_token"].as_str().unwrap().to_owned();
    [made(api).await, made(direct).await, person]
}

/// Ids are never used again, and a name or host is nobody's credential.
#[tokio::test]
async fn t37_a_token_of_a_deleted_deployment_opens_nothing_of_the_next_with_its_name() {
    let f = Fixture::new("t37").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let mut reader = Reader::new(&f, &admin).await;
    f.work();
    let etl = deployment(&f, &owner).await;
    let list = |name: &str| format!("{ACME}/{name}");
    let first = async |path: String| {
        let list = f.call("GET", &path, &admin, None).await.expect(200).json();
        list["items"][0]["id"].clone()
    };
    let workspace = first(list("workspaces")).await;
    let plane = first("/v1/planes".to_owned()).await;
    let held = tokens(&f, &owner, &etl).await;
    let serves = |snapshot: &Snapshot, id: &str| {
        let world = World::from_snapshot(snapshot);
        world.deployment(id.parse().unwrap()).is_some()
    };
    let good = |snapshot: &Snapshot, tokens: &[String]| {
        let world = World::from_snapshot(snapshot);
        tokens.iter().all(|token| gate(&f, &world, token).is_ok())
    };
    reader.until(&f, |snapshot| good(snapshot, &held)).await;
    let api = &held[0];
    f.call("GET", "/v1/me", api, None).await.expect(200);

    let path = format!("{}/{etl}", list("deployments"));
    f.call("DELETE", &path, &owner, None).await.expect(200);
    let again = json!({"name": "etl", "workspaceId": workspace, "planeId": plane,
        "routes": [{"host": HOST}]});
    let deployments = list("deployments");
    let made = f.call("POST", &deployments, &owner, Some(again)).await;
    let made = made.expect(201).json();
    let next = made["id"].as_str().unwrap().to_owned();
    assert_ne!(next, etl);
    let snapshot = reader.until(&f, |snapshot| serves(snapshot, &next)).await;
    // Tokens of the new one are good there, those of the one before are not.
    let fresh = tokens(&f, &owner, &next).await;
    let newest = reader.until(&f, |snapshot| good(snapshot, &fresh)).await;
    for (kind, token) in ["api", "direct", "person"].into_iter().zip(&held) {
        for snapshot in [&snapshot, &newest] {
            let said = gate(&f, &World::from_snapshot(snapshot), token);
            assert!(said.is_err(), "{kind}");
        }
    }
    f.call("GET", "/v1/me", api, None).await.expect(401);
    let path = format!("{}/{next}", list("deployments"));
    f.call("GET", &path, api, None).await.expect(401);
}
