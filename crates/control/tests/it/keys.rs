//! Control's signing keys: rotated while everything goes on, guarded while they are needed, and replaced
//! at once when somebody else has one.

use std::time::Duration;

use aeolus_keys::jws;
use aeolus_model::{Action, Clock as _, Grant, GrantId, Resource, Role, Scope, Subject};
use aeolus_snapshot::Snapshot;
use aeolus_store::{GrantRecord, ManagedBy, Page, Replica, Unit as _};
use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::publish::Reader;

const TOKENS: &str = "/v1/organizations/acme/tokens";
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) async fn fleet(name: &str) -> (Fixture, String) {
    let f = Fixture::new(name).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    (f, admin)
}

/// The kids of keys of a purpose in a state.
pub(crate) fn kids(listed: &Value, purpose: &str, state: &str) -> Vec<String> {
    let keys = listed["items"].as_array().or(listed["keys"].as_array());
    let fits = |key: &&Value| key["purpose"] == purpose && key["state"] == state;
    let kids = keys.unwrap().iter().filter(fits);
    kids.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn key<'a>(listed: &'a Value, kid: &str) -> &'a Value {
    let keys = listed["items"].as_array().or(listed["keys"].as_array());
    keys.unwrap().iter().find(|key| key["kid"] == kid).unwrap()
}

pub(crate) async fn listed(f: &Fixture, admin: &str) -> Value {
    f.call("GET", "/v1/keys", admin, None)
        .await
        .expect(200)
        .json()
}

pub(crate) async fn rotate(f: &Fixture, admin: &str, purpose: &str, body: Value) -> Value {
    let path = format!("/v1/keys/{purpose}/rotate");
    let answer = f.call("POST", &path, admin, Some(body)).await;
    answer.expect(200).json()
}

/// An API token of 30 days: its value and where it is.
async fn token(f: &Fixture, owner: &str) -> (String, String) {
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 30});
    let made = f.call("POST", TOKENS, owner, Some(body)).await;
    let made = made.expect(201).json();
    let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
    (made["token"].as_str().unwrap().to_owned(), path)
}

fn signed_by(token: &str) -> String {
    jws::parse(token.as_bytes()).unwrap().kid().to_string()
}

async fn works(f: &Fixture, token: &str) -> bool {
    match f.call("GET", "/v1/me", token, None).await.status.as_u16() {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

async fn published(f: &Fixture) -> Vec<String> {
    let answer = f.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn told(snapshot: &Snapshot, kid: &str) -> bool {
    let keys = &snapshot.sections().keys.keys;
    keys.iter().any(|key| key.jwk.contains(kid))
}

#[tokio::test]
async fn only_system_administrators_change_keys() {
    let (f, _) = fleet("keys-roles").await;
    let eve = f.token_of("eve@example.com").await;
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let email = "eve@example.com".parse().unwrap();
    let user = view.users().by_email(&email).await.unwrap().unwrap().id;
    let first = Page::first(1);
    let organizations = view.organizations().list(first).await.unwrap();
    let organization = organizations.items[0].id;
    let mut workspaces = view.workspaces();
    let workspaces = workspaces.list(organization, Page::first(1)).await;
    let workspace = workspaces.unwrap().items[0].id;
    let mut deployments = view.deployments();
    let deployments = deployments.list(workspace, Page::first(1)).await;
    let deployment = deployments.unwrap().items[0].id;
    drop(view);
    for role in Role::ALL {
        let resource = match role.scope() {
            Scope::System => Resource::System,
            Scope::Organization => Resource::Organization(organization),
            Scope::Workspace => Resource::Workspace(workspace),
            Scope::Deployment => Resource::Deployment(deployment),
        };
        let mut write = store.write().await.unwrap();
        let held = write.grants().of(Subject::User(user)).await.unwrap();
        for record in held {
            write.grants().delete(record.grant.id).await.unwrap();
        }
        let grant = GrantRecord {
            grant: Grant {
                id: GrantId::new(&*f.clock, &*f.rng),
                subject: Subject::User(user),
                role: (*role).into(),
                resource,
            },
            organization: (resource != Resource::System).then_some(organization),
            managed_by: ManagedBy::Api,
        };
        write.grants().insert(&grant).await.unwrap();
        write.commit().await.unwrap();
        let may_see = role.scope() == Scope::System;
        let list = f.call("GET", "/v1/keys", &eve, None).await;
        list.expect(if may_see { 200 } else { 403 });
        if *role == Role::SystemAdmin {
            continue;
        }
        for path in ["/v1/keys/api/rotate", "/v1/keys/none/rotate"] {
            let body = Some(json!({"compromised": true}));
            f.call("POST", path, &eve, body).await.expect(403);
        }
        let remove = f.call("DELETE", "/v1/keys/none", &eve, None).await;
        remove.expect(403);
    }
}

#[tokio::test]
async fn f31_x6_a_rotation_ends_nothing_that_is_good() {
    let (f, admin) = fleet("keys-rotate").await;
    let owner = f.token_of("owner@example.com").await;
    let (old, _) = token(&f, &owner).await;
    let rotated = rotate(&f, &admin, "api", json!({})).await;
    let [new] = kids(&rotated, "api", "announced").try_into().unwrap();
    // As long as a cut-off gate of this fleet serves: its deployment has the usual hardStale.
    let next = &key(&rotated, &new)["next"];
    let due = f.clock.now().plus(7 * DAY).secs();
    assert_eq!(*next, json!({"step": "activate", "at": due}));
    assert!(published(&f).await.contains(&new), "known before it signs");
    let (still, _) = token(&f, &owner).await;
    assert_eq!(signed_by(&still), signed_by(&old));
    let again = f.call("POST", "/v1/keys/api/rotate", &admin, Some(json!({})));
    assert_eq!(again.await.expect(409).json()["code"], "conflict");

    f.clock.advance(7 * DAY);
    f.work();
    let admin = f.admin().await;
    let active =
        |answer: &crate::fixture::Answer| kids(&answer.json(), "api", "active") == [new.clone()];
    let after = f.until("/v1/keys", || admin.clone(), active).await.json();
    assert_eq!(kids(&after, "api", "retired"), [signed_by(&old)]);
    let owner = f.token_of("owner@example.com").await;
    let (fresh, _) = token(&f, &owner).await;
    assert_eq!(signed_by(&fresh), new);
    assert!(works(&f, &old).await && works(&f, &fresh).await);
    assert!(published(&f).await.contains(&signed_by(&old)));
    assert_eq!(f.audited(Action::KeyAnnounce).await.len(), 1);
    assert_eq!(f.audited(Action::KeyActivate).await.len(), 1);
}

#[tokio::test]
async fn f29_a_key_that_live_tokens_need_is_not_removed() {
    let (f, admin) = fleet("keys-guard").await;
    let owner = f.token_of("owner@example.com").await;
    let (old, path) = token(&f, &owner).await;
    let kid = signed_by(&old);
    let at = format!("/v1/keys/{kid}");
    let now = f.call("DELETE", &at, &admin, None).await;
    assert!(now.expect(409).text().contains("signs"));
    f.clock.advance(HOUR);
    let at_once = json!({"activateIn": "0s", "regardless": true});
    rotate(&f, &admin, "api", at_once).await;
    f.clock.advance(HOUR);
    let refused = f.call("DELETE", &at, &admin, None).await;
    assert!(refused.expect(409).text().contains("1 live tokens"));
    let dry = format!("{at}?dry_run=true");
    let said = f.call("DELETE", &dry, &admin, None).await;
    let said = said.expect(200).json();
    let needed = &said["removed"]["needed"];
    assert_eq!(needed["tokens"], 1);
    assert_eq!(needed["organizations"][0]["name"], "acme");
    assert_eq!(said.get("seq"), None);
    assert!(works(&f, &old).await);
    // Who deletes the token, or takes its end in, is not kept from it.
    let (other, _) = token(&f, &owner).await;
    f.call("DELETE", &path, &owner, None).await.expect(200);
    f.call("DELETE", &at, &admin, None).await.expect(200);
    assert!(!published(&f).await.contains(&kid));
    assert!(works(&f, &other).await);
    f.call("DELETE", &at, &admin, None).await.expect(404);
    assert_eq!(f.audited(Action::KeyRemove).await.len(), 1);
}

#[tokio::test]
async fn f29_a_compromised_key_is_removed_although_tokens_need_it() {
    let (f, admin) = fleet("keys-forced").await;
    let owner = f.token_of("owner@example.com").await;
    let (old, _) = token(&f, &owner).await;
    f.clock.advance(HOUR);
    let at_once = json!({"activateIn": "0s", "regardless": true});
    rotate(&f, &admin, "api", at_once).await;
    let path = format!("/v1/keys/{}?compromised=true", signed_by(&old));
    let said = f.call("DELETE", &path, &admin, None).await.expect(200);
    assert_eq!(said.json()["removed"]["needed"]["tokens"], 1);
    assert!(!works(&f, &old).await);
}

#[tokio::test]
async fn f30_a_compromised_key_is_refused_and_another_signs_at_once() {
    let (f, admin) = fleet("keys-stolen").await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let owner = f.token_of("owner@example.com").await;
    let (old, _) = token(&f, &owner).await;
    let stolen = signed_by(&old);
    reader.until(&f, |s| told(s, &stolen)).await;
    rotate(&f, &admin, "api", json!({})).await;
    let dry = json!({"compromised": true, "dryRun": true});
    let said = rotate(&f, &admin, "api", dry).await;
    assert_eq!(
        key(&json!({"keys": said["removed"]}), &stolen)["needed"]["tokens"],
        1
    );
    assert!(works(&f, &old).await, "a dry run ends nothing");

    let done = rotate(&f, &admin, "api", json!({"compromised": true})).await;
    assert!(!works(&f, &old).await);
    let removed = done["removed"].as_array().unwrap();
    assert_eq!(removed.len(), 2, "the announced one lay beside it");
    let [new] = kids(&done, "api", "active").try_into().unwrap();
    assert!(kids(&done, "api", "announced").is_empty());
    let (fresh, _) = token(&f, &owner).await;
    assert_eq!(signed_by(&fresh), new);
    assert!(works(&f, &fresh).await);
    assert!(!published(&f).await.contains(&stolen));
    reader
        .until(&f, |s| told(s, &new) && !told(s, &stolen))
        .await;
    assert_eq!(f.audited(Action::KeyReplace).await.len(), 1);

    // Those who are signed in have a session, and get another access token on it.
    rotate(&f, &admin, "access", json!({"compromised": true})).await;
    assert!(!works(&f, &admin).await && !works(&f, &owner).await);
    assert!(works(&f, &f.admin().await).await);
}

#[tokio::test]
async fn f31_a_key_signs_early_only_where_every_plane_knows_it() {
    let (f, admin) = fleet("keys-early").await;
    let gate = f.join(&admin, "eu-1").await;
    assert!(!gate.root.is_empty());
    let announced = rotate(&f, &admin, "access", json!({"activateIn": "1h"})).await;
    let [new] = kids(&announced, "access", "announced").try_into().unwrap();
    let next = &key(&announced, &new)["next"];
    let hour = f.clock.now().plus(HOUR).secs();
    let week = f.clock.now().plus(7 * DAY).secs();
    let wanted = json!({"step": "activate", "at": hour, "atTheLatest": week, "waitsFor": ["eu-1"]});
    assert_eq!(*next, wanted);
    f.clock.advance(HOUR);
    let path = "/v1/keys/access/rotate";
    let now = json!({"activateIn": "0s"});
    let refused = f.call("POST", path, &admin, Some(now)).await;
    assert!(refused.expect(409).text().contains("eu-1"));
    let told_so = json!({"activateIn": "0s", "regardless": true});
    let done = rotate(&f, &admin, "access", told_so).await;
    assert_eq!(kids(&done, "access", "active"), [new]);
    assert!(works(&f, &admin).await);
}

#[tokio::test]
async fn f31_a_connected_plane_is_waited_for_no_longer_than_it_takes() {
    let (f, admin) = fleet("keys-known").await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let announced = rotate(&f, &admin, "access", json!({"activateIn": "1h"})).await;
    let [new] = kids(&announced, "access", "announced").try_into().unwrap();
    reader.until(&f, |s| told(s, &new)).await;
    f.clock.advance(HOUR);
    // The next poll says that the gate has it.
    reader.poll(&f, 0).await;
    let active =
        |answer: &crate::fixture::Answer| kids(&answer.json(), "access", "active") == [new.clone()];
    f.until("/v1/keys", || admin.clone(), active).await;
    assert_eq!(signed_by(&f.admin().await), new);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let (f, admin) = fleet("keys-odd").await;
    let ask = |purpose: &str, body: Value| {
        let path = format!("/v1/keys/{purpose}/rotate");
        let (f, admin) = (&f, &admin);
        async move {
            f.call("POST", &path, admin, Some(body))
                .await
                .status
                .as_u16()
        }
    };
    assert_eq!(ask("nothing", json!({})).await, 404);
    // Control doesn't answer proxies here, so it signs nothing for them.
    assert_eq!(ask("legacy", json!({})).await, 404);
    for body in [
        json!({"compromised": true, "regardless": true}),
        json!({"compromised": true, "activateIn": "1h"}),
        json!({"dryRun": true}),
        json!({"activateIn": "400d"}),
    ] {
        assert_eq!(ask("api", body).await, 422);
    }
    assert_eq!(ask("api", json!({"now": true})).await, 400);
    assert!(kids(&listed(&f, &admin).await, "api", "announced").is_empty());
}

/// A gate that is cut off serves what it has, and would refuse what it has not heard of.
#[tokio::test]
async fn f31_a_silent_gate_beside_one_that_knows_the_key_is_waited_for() {
    let (f, admin) = fleet("keys-silent").await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let plane = reader.gate.plane;
    let report = |name: &str, position: aeolus_snapshot::Position, at| Replica {
        plane,
        replica: name.to_owned(),
        epoch: position.epoch,
        seq: position.seq,
        records: position.seq,
        version: "1.0.0".to_owned(),
        reader: 1,
        status: "{}".to_owned(),
        reported_at: at,
    };
    reader.until(&f, |_| true).await;
    let before = reader.position.unwrap();
    let reported = f.clock.now();
    let announced = rotate(&f, &admin, "access", json!({"activateIn": "1h"})).await;
    let [new] = kids(&announced, "access", "announced").try_into().unwrap();
    reader.until(&f, |s| told(s, &new)).await;
    f.clock.advance(HOUR);
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let knows = report("a", reader.position.unwrap(), f.clock.now());
    for gate in [knows, report("b", before, reported)] {
        write.replicas().report(&gate).await.unwrap();
    }
    write.commit().await.unwrap();
    let path = "/v1/keys/access/rotate";
    let now = json!({"activateIn": "0s"});
    let refused = f.call("POST", path, &admin, Some(now)).await.expect(409);
    assert!(refused.text().contains("eu-1"), "{}", refused.text());
    let mut write = store.write().await.unwrap();
    write.replicas().forget(f.clock.now()).await.unwrap();
    write.commit().await.unwrap();
    let done = rotate(&f, &admin, "access", json!({"activateIn": "0s"})).await;
    assert_eq!(kids(&done, "access", "active"), [new]);
}
