//! POSTs that are sent twice: the answer was lost, the work was done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aeolus_control::ROUTES;
use aeolus_model::{Clock as _, Email, Subject};
use aeolus_store::{Claim, Unit as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::engines::on_every_engine;
use crate::fixture::{ADMIN, Answer, Fixture};

on_every_engine! {
    f46_each_post_is_done_once_and_answers_the_same_again,
    f46_of_many_equal_requests_one_makes_the_token,
    a_key_stands_for_one_request_of_one_actor_for_a_day,
    f46_who_may_not_come_in_any_more_gets_no_answer_again,
    a_refusal_is_not_kept,
}

/// Of provisioning clients, whose protocol has no such key.
const PROVISIONING: &str = "/v1/scim/v2/";
const TOKENS: &str = "/v1/organizations/acme/tokens";
const REPLAYED: &str = "idempotency-replayed";

/// Those that aren't done for an actor of the API: they have their own ways against being repeated.
const OTHERS: [&str; 13] = [
    "/v1/oauth/start",
    "/v1/oauth/callback",
    "/v1/oauth/callback/",
    "/v1/oauth/redirect",
    "/v1/oauth/redirect/",
    "/v1/oauth/backchannel-logout/{connection}",
    "/v1/planes/enroll",
    "/v1/planes/self/events",
    "/v1/planes/self/status",
    "/v1/planes/self/sessions/{sid}/renew",
    "/v1/planes/self/check",
    "/v1/authorization",
    "/v1/registry/authorization",
];

impl Fixture {
    async fn post(&self, (path, key): (&str, &str), bearer: &str, body: &Value) -> Answer {
        let headers = [("idempotency-key", key)];
        let body = Some(body.clone()).filter(|body| !body.is_null());
        self.call_with(("POST", path), bearer, &headers, body).await
    }

    async fn id(&self, bearer: &str, list: &str, wanted: (&str, &str)) -> String {
        let list = self.call("GET", list, bearer, None).await.expect(200);
        let items = list.json()["items"].as_array().unwrap().clone();
        let found = items.iter().find(|item| item[wanted.0] == wanted.1);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// How many lines the audit log has of what was done.
    async fn lines(&self, admin: &str) -> usize {
        let path = "/v1/audit?limit=200&outcome=success";
        let list = self.call("GET", path, admin, None).await.expect(200);
        list.json()["items"].as_array().unwrap().len()
    }
}

fn at(route: &'static str, path: &str, body: Value) -> (&'static str, String, Value) {
    (route, path.to_owned(), body)
}

/// What is done to tokens: one that is changed, one that is revoked.
fn of_tokens(
    (made, spare): (&str, &Value),
    organization: &Value,
) -> Vec<(&'static str, String, Value)> {
    let role = json!({"entityType": "ORGANIZATION", "entityId": organization,
        "role": "ORGANIZATION_BILLING_ADMIN"});
    let one = format!("{TOKENS}/{made}");
    vec![
        at(
            "/v1/organizations/{o}/tokens:revoke",
            &format!("{TOKENS}:revoke?wait=planes"),
            json!({"ids": [spare]}),
        ),
        at(
            "/v1/organizations/{o}/tokens/{id}",
            &one,
            json!({"name": "another"}),
        ),
        at(
            "/v1/organizations/{o}/tokens/{id}/roles",
            &format!("{one}/roles"),
            json!({"roles": [role]}),
        ),
        at(
            "/v1/organizations/{o}/tokens/{id}/rotate",
            &format!("{one}/rotate?wait=planes"),
            json!({"grace": "1h"}),
        ),
        at(
            "/v1/organizations/{o}/tokens/{id}/rotate/end",
            &format!("{one}/rotate/end"),
            Value::Null,
        ),
    ]
}

/// A path and a body with which each route has something to do.
async fn deeds(f: &Fixture, admin: &str) -> Vec<(&'static str, String, Value)> {
    let acme = "/v1/organizations/acme";
    let organization = f.call("GET", acme, admin, None).await.json()["id"].clone();
    let list = |name: &str| format!("{acme}/{name}");
    let workspace = f.id(admin, &list("workspaces"), ("name", "sales")).await;
    let member = ("email", "member@example.com");
    let member = f.id(admin, &list("users"), member).await;
    let plane = f.id(admin, "/v1/planes", ("name", "eu-1")).await;
    let token = |name: &str| json!({"name": name, "role": "ORGANIZATION_MEMBER"});
    let made = f.call("POST", TOKENS, admin, Some(token("a"))).await;
    let made = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    let spare = f.call("POST", TOKENS, admin, Some(token("b"))).await;
    let spare = spare.expect(201).json()["id"].clone();
    let rollout = json!({"name": "r", "path": "plane", "percent": 5});
    f.call("PUT", "/v1/rollouts/r", admin, Some(rollout))
        .await
        .expect(200);
    let mut fleet = crate::fixture::fleet();
    fleet["fleet"]["organizations"][0]["workspaces"][0]["grants"] = json!([]);
    fleet["fleet"]["planes"] = json!([{"name": "eu-1"}, {"name": "us-1"}]);
    let mut deeds = of_tokens((&made, &spare), &organization);
    deeds.extend(of_teams(&list("teams")));
    deeds.extend([
        at("/v1/apply", "/v1/apply", fleet),
        at(
            "/v1/organizations",
            "/v1/organizations",
            json!({"name": "n"}),
        ),
        at(
            "/v1/organizations/{o}/workspaces",
            &list("workspaces"),
            json!({"name": "n"}),
        ),
        at(
            "/v1/organizations/{o}/deployments",
            &list("deployments"),
            json!({"name": "n", "workspaceId": workspace, "planeId": plane,
                "routes": [{"host": "n.example.com"}]}),
        ),
        at(
            "/v1/organizations/{o}/users",
            &list("users"),
            json!({"email": "n@example.com", "role": "ORGANIZATION_MEMBER"}),
        ),
        at(
            "/v1/organizations/{o}/grants",
            &list("grants"),
            json!({"role": "WORKSPACE_OPERATOR", "subject": {"type": "user", "id": member},
                "resource": {"type": "workspace", "id": workspace}}),
        ),
        at("/v1/organizations/{o}/tokens", TOKENS, token("c")),
        at(
            "/v1/organizations/{o}/roles",
            &list("roles"),
            json!({"name": "on-call", "scope": "WORKSPACE",
                "permissions": ["workspace.config.get"]}),
        ),
        at(
            "/v1/organizations/{o}/users/{id}/offboard",
            &format!("{acme}/users/{member}/offboard"),
            json!({}),
        ),
        at("/v1/keys/{id}/rotate", "/v1/keys/api/rotate", Value::Null),
        at(
            "/v1/email:test",
            "/v1/email:test",
            json!({"to": "ann@example.com"}),
        ),
        at("/v1/planes", "/v1/planes", json!({"name": "n"})),
        at(
            "/v1/planes/{id}/quarantine",
            "/v1/planes/eu-1/quarantine",
            Value::Null,
        ),
        at(
            "/v1/planes/{id}/release",
            "/v1/planes/eu-1/release",
            Value::Null,
        ),
        at(
            "/v1/rollouts/{name}/promote",
            "/v1/rollouts/r/promote",
            Value::Null,
        ),
        at(
            "/v1/rollouts/{name}/abort",
            "/v1/rollouts/r/abort",
            Value::Null,
        ),
    ]);
    deeds.extend(of_people(&list("invitations"), &member));
    deeds.extend(of_provisioning());
    deeds
}

/// What is done to teams.
fn of_teams(teams: &str) -> [(&'static str, String, Value); 3] {
    [
        at("/v1/organizations/{o}/teams", teams, json!({"name": "ops"})),
        at(
            "/v1/organizations/{o}/teams/{id}/members",
            &format!("{teams}/ops/members?wait=planes"),
            json!({"users": ["eve@example.com"]}),
        ),
        at(
            "/v1/organizations/{o}/teams:import",
            &format!("{teams}:import"),
            json!({"rows": [{"team": "more", "email": "eve@example.com"}]}),
        ),
    ]
}

/// What is done to credentials of those who provision.
fn of_provisioning() -> [(&'static str, String, Value); 3] {
    let credentials = "/v1/connections/okta/scim/credentials";
    [
        at(
            "/v1/connections/{connection}/scim/credentials",
            credentials,
            json!({"name": "okta-1"}),
        ),
        at(
            "/v1/connections/{connection}/scim/credentials/{id}/rotate",
            &format!("{credentials}/okta-1/rotate"),
            json!({"grace": "1h"}),
        ),
        at(
            "/v1/connections/{connection}/scim/templates:apply",
            "/v1/connections/okta/scim/templates:apply",
            Value::Null,
        ),
    ]
}

/// What is done to people who come and go.
fn of_people(invitations: &str, member: &str) -> [(&'static str, String, Value); 4] {
    [
        at(
            "/v1/organizations/{o}/invitations",
            invitations,
            json!({"email": "new@example.com"}),
        ),
        at(
            "/v1/users/{id}/disable",
            &format!("/v1/users/{member}/disable?wait=planes"),
            Value::Null,
        ),
        at(
            "/v1/users/{id}/enable",
            &format!("/v1/users/{member}/enable"),
            Value::Null,
        ),
        at(
            "/v1/users/{id}/password-reset",
            &format!("/v1/users/{member}/password-reset"),
            Value::Null,
        ),
    ]
}

async fn f46_each_post_is_done_once_and_answers_the_same_again(database: Option<String>) {
    let smtp = crate::smtp::Smtp::start().await;
    let f = Fixture::pair_configured("once", database, |config| {
        config.email = Some(smtp.config());
        config.sign_in.provisioning = vec![crate::scim_templates::provisioning()];
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.join(&admin, "eu-1").await;
    crate::scim_templates::unsettled(&f).await;
    let deeds = deeds(&f, &admin).await;
    let posts = ROUTES.iter().filter(|(method, path)| {
        let is_other = OTHERS.contains(path) || path.starts_with(PROVISIONING);
        *method == "post" && path.starts_with("/v1/") && !is_other
    });
    let forgotten: Vec<_> = posts
        .filter(|(_, path)| !deeds.iter().any(|(route, ..)| route == path))
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
    for (route, path, body) in &deeds {
        let before = f.lines(&admin).await;
        let first = f.post((path, route), &admin, body).await;
        assert!(first.status.is_success(), "{route}: {}", first.text());
        assert_eq!(first.header(REPLAYED), "", "{route}");
        let between = f.lines(&admin).await;
        assert!(between > before, "{route} did nothing");
        let again = f.post((path, route), &admin, body).await;
        assert_eq!(again.status, first.status, "{route}: {}", again.text());
        assert_eq!(again.header(REPLAYED), "true", "{route}");
        let (mut shown, again) = (first.json(), again.json());
        for secret in ["token", "joinToken", "link", "secret"] {
            if shown.as_object_mut().unwrap().remove(secret).is_some() {
                shown["withheld"] = again["withheld"].clone();
                assert_eq!(again["withheld"]["code"], "shown-once", "{route}");
            }
        }
        assert_eq!(shown, again, "{route}");
        assert_eq!(path.contains("wait=planes"), again["planes"].is_object());
        assert_eq!(f.lines(&admin).await, between, "{route} was done twice");
    }
    assert_eq!(smtp.letters().len(), 1);
}

/// Made under one key by many at once.
async fn f46_of_many_equal_requests_one_makes_the_token(database: Option<String>) {
    let f = Arc::new(Fixture::pair("once-many", database).await);
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_MEMBER"});
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (f, admin, body) = (f.clone(), admin.clone(), body.clone());
        tasks.spawn(async move { f.post((TOKENS, "k"), &admin, &body).await });
    }
    let answers = tasks.join_all().await;
    let shown = answers.iter().filter(|a| a.json()["token"].is_string());
    assert_eq!(shown.count(), 1);
    let ids: BTreeSet<String> = answers
        .iter()
        .map(|a| a.json()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1);
    let list = f.call("GET", TOKENS, &admin, None).await.expect(200);
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn f46_no_secret_is_kept_for_a_repetition() {
    let f = Fixture::new("once-secret").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_MEMBER"});
    let made = f.post((TOKENS, "k"), &admin, &body).await.expect(201);
    let value = made.json()["token"].as_str().unwrap().to_owned();
    let joined = f
        .post(("/v1/planes", "k2"), &admin, &json!({"name": "n"}))
        .await;
    let joined = joined.expect(201).json()["joinToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let signature = value.rsplit('.').next().unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(f.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            seen += usize::from(text.contains("shown-once"));
            assert!(!text.contains(signature), "{}", path.display());
            assert!(!text.contains(&joined), "{}", path.display());
        }
    }
    assert!(seen > 0, "the answer is kept somewhere");
    let again = f.post((TOKENS, "k"), &admin, &body).await.expect(201);
    assert!(!again.text().contains(signature));
}

async fn a_key_stands_for_one_request_of_one_actor_for_a_day(database: Option<String>) {
    let f = Fixture::pair("once-keys", database).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let path = "/v1/organizations/acme/workspaces";
    let made = |name: &str| json!({"name": name});
    let first = f.post((path, "k"), &admin, &made("a")).await.expect(201);
    for (path, body) in [(path, made("b")), ("/v1/organizations", made("a"))] {
        let other = f.post((path, "k"), &admin, &body).await.expect(422);
        assert_eq!(other.json()["code"], "idempotency-key-reused");
    }
    let owner = f.token_of("owner@example.com").await;
    let mine = f.post((path, "k"), &owner, &made("c")).await.expect(201);
    assert_ne!(mine.json()["id"], first.json()["id"]);
    for bad in ["", "a\tb", &"k".repeat(256)] {
        let refused = f.post((path, bad), &admin, &made("d")).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["at"], "Idempotency-Key");
    }
    f.clock.advance(Duration::from_secs(86_400 - 60));
    f.control.tend().await.unwrap();
    let admin = f.admin().await;
    let again = f.post((path, "k"), &admin, &made("a")).await.expect(201);
    assert_eq!(again.header(REPLAYED), "true");
    f.clock.advance(Duration::from_secs(120));
    f.control.tend().await.unwrap();
    let taken = f.post((path, "k"), &admin, &made("a")).await.expect(409);
    assert_eq!(taken.json()["code"], "taken");
}

/// A repetition asks again for whether its sender may come in, and uses of the quota what it would without. At
/// one replica, because each counts calls by itself.
async fn f46_who_may_not_come_in_any_more_gets_no_answer_again(database: Option<String>) {
    let f = Fixture::configured("once-access", |config| {
        config.database = database.unwrap_or_else(|| config.database.clone());
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.join(&admin, "eu-1").await;
    let acme = "/v1/organizations/acme";
    let users = format!("{acme}/users");
    let eve = f.id(&admin, &users, ("email", "eve@example.com")).await;
    let id = f.call("GET", acme, &admin, None).await.json()["id"].clone();
    let owner = json!({"role": "ORGANIZATION_OWNER", "subject": {"type": "user", "id": eve},
        "resource": {"type": "organization", "id": id}});
    let grants = format!("{acme}/grants");
    f.call("POST", &grants, &admin, Some(owner))
        .await
        .expect(201);
    let eves = f.token_of("eve@example.com").await;
    let deeds = deeds(&f, &admin).await;
    let deeds: Vec<_> = deeds
        .iter()
        .filter(|(route, ..)| route.contains("{o}"))
        .map(|(route, path, body)| (*route, path.replace("?wait=planes", ""), body))
        .collect();
    assert!(deeds.len() > 10);
    for (route, path, body) in &deeds {
        let first = f.post((path, route), &eves, body).await;
        assert!(first.status.is_success(), "{route}: {}", first.text());
        let again = f.post((path, route), &eves, body).await;
        assert_eq!(again.header(REPLAYED), "true", "{route}");
    }
    // What each answers under the key of what is done, and under a new one.
    let refused = async |status: u16, codes: &[&str]| {
        for (route, path, body) in &deeds {
            let fresh = format!("{status} {route}");
            for key in [*route, &fresh] {
                let answer = f.post((path, key), &eves, body).await.expect(status);
                let code = answer.json()["code"].clone();
                assert!(codes.contains(&code.as_str().unwrap()), "{route}: {code}");
                assert_eq!(answer.header(REPLAYED), "", "{route}");
            }
        }
    };
    let set = async |what: &str, value: Value| {
        let path = format!("{acme}/{what}");
        f.call("PUT", &path, &admin, Some(value)).await.expect(200);
    };
    set("policy", json!({"allowedNetworks": ["10.0.0.0/8"]})).await;
    refused(403, &["network"]).await;
    set("policy", json!({})).await;
    set("quota", json!({"apiCallsPerMinute": 1})).await;
    // What only ends something is counted of each caller, from now on.
    let nothing = format!("{acme}/tokens/{eve}");
    f.call("DELETE", &nothing, &eves, None).await.expect(404);
    refused(429, &["quota", "quota-share"]).await;
    set("quota", json!({})).await;
    let (route, path, body) = &deeds[0];
    let again = f.post((path, route), &eves, body).await;
    assert_eq!(again.header(REPLAYED), "true", "{route}");
    let out = format!("{users}/{eve}");
    f.call("DELETE", &out, &admin, None).await.expect(200);
    refused(404, &["not-found"]).await;
}

#[tokio::test]
async fn f46_nor_who_lost_the_word_over_the_installation() {
    let f = Fixture::new("once-system").await;
    let admin = f.admin().await;
    let body = json!({"name": "n"});
    for path in ["/v1/planes", "/v1/organizations"] {
        f.post((path, path), &admin, &body).await.expect(201);
        let again = f.post((path, path), &admin, &body).await.expect(201);
        assert_eq!(again.header(REPLAYED), "true");
    }
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let email = Email::parse(ADMIN).unwrap();
    let user = write.users().by_email(&email).await.unwrap().unwrap();
    let held = write.grants().of(Subject::User(user.id)).await.unwrap();
    for record in held {
        write.grants().delete(record.grant.id).await.unwrap();
    }
    write.commit().await.unwrap();
    for path in ["/v1/planes", "/v1/organizations"] {
        let refused = f.post((path, path), &admin, &body).await.expect(403);
        assert_eq!(refused.json()["code"], "forbidden");
    }
}

/// More than are deleted in one transaction.
#[tokio::test]
async fn all_keys_of_a_busy_day_are_forgotten() {
    let f = Fixture::new("once-forget").await;
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let of = |n: u32| (format!("user:{}", n % 7), format!("key {n}"));
    for n in 0..2_500 {
        let (actor, key) = of(n);
        let mut keys = write.idempotency_keys();
        let claim = keys.claim(&actor, &key, &[1; 32], f.clock.now()).await;
        assert_eq!(claim.unwrap(), Claim::New);
    }
    write.commit().await.unwrap();
    f.clock.advance(Duration::from_secs(86_400 + 1));
    let mut write = store.write().await.unwrap();
    let mut keys = write.idempotency_keys();
    let young = keys.claim("user:1", "young", &[1; 32], f.clock.now());
    assert_eq!(young.await.unwrap(), Claim::New);
    write.commit().await.unwrap();
    f.control.tend().await.unwrap();
    let mut view = store.read().await.unwrap();
    for n in 0..2_500 {
        let (actor, key) = of(n);
        let found = view.idempotency_keys().find(&actor, &key, &[1; 32]).await;
        assert_eq!(found.unwrap(), Claim::New, "{n}");
    }
    // That one is claimed, though nobody has answered.
    let mut keys = view.idempotency_keys();
    let kept = keys.find("user:1", "young", &[1; 32]).await;
    assert_eq!(kept.unwrap(), Claim::Begun);
}

/// What was refused is no answer to be repeated: once nothing is in the way, the same request is done.
async fn a_refusal_is_not_kept(database: Option<String>) {
    let f = Fixture::pair("once-refused", database).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let path = "/v1/organizations/acme/workspaces";
    let body = json!({"name": "sales"});
    f.post((path, "k"), &admin, &body).await.expect(409);
    let id = f.id(&admin, path, ("name", "sales")).await;
    let deployments = "/v1/organizations/acme/deployments";
    let etl = f.id(&admin, deployments, ("name", "etl")).await;
    f.call("DELETE", &format!("{deployments}/{etl}"), &admin, None)
        .await
        .expect(200);
    f.call("DELETE", &format!("{path}/{id}"), &admin, None)
        .await
        .expect(200);
    let made = f.post((path, "k"), &admin, &body).await.expect(201);
    assert_eq!(made.header(REPLAYED), "");
    // A dry run changes nothing, so it is no answer either.
    let apply = "/v1/apply?dry_run=true";
    let fleet = crate::fixture::fleet();
    f.post((apply, "d"), &admin, &fleet).await.expect(200);
    let again = f.post((apply, "d"), &admin, &fleet).await.expect(200);
    assert_eq!(again.header(REPLAYED), "");
}
