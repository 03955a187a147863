//! Values of API tokens: rotation with and without grace, and their early end.

use std::time::Duration;

use aeolus_keys::claims::Api;
use aeolus_keys::jws;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::Fixture;

on_every_engine! {
    n8_a_rotation_cuts_the_old_value_off_at_once,
    x2_with_a_grace_both_values_are_good_until_it_is_over,
    a_grace_can_be_ended_early_and_never_prolongs,
    many_are_revoked_in_one_step_or_none,
}

pub(crate) const TOKENS: &str = "/v1/organizations/acme/tokens";
const DAY: u64 = 86_400;

pub(crate) struct World {
    pub(crate) f: Fixture,
    admin: String,
    pub(crate) owner: String,
}

impl World {
    pub(crate) async fn new(name: &str) -> Self {
        Self::of(Fixture::new(name).await).await
    }

    /// At two replicas.
    async fn two(name: &str, database: Option<String>) -> Self {
        Self::of(Fixture::pair(name, database).await).await
    }

    async fn of(f: Fixture) -> Self {
        let (f, admin, owner) = f.peopled().await;
        Self { f, admin, owner }
    }

    pub(crate) async fn token(&self) -> Value {
        let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER",
            "tokenExpiryPeriodInDays": 30});
        let made = self.f.call("POST", TOKENS, &self.owner, Some(body)).await;
        made.expect(201).json()
    }

    pub(crate) async fn rotate(&self, token: &Value, body: Value) -> Value {
        let path = format!("{}/rotate", path(token));
        let rotated = self.f.call("POST", &path, &self.owner, Some(body)).await;
        rotated.expect(200).json()
    }

    pub(crate) async fn works(&self, token: &Value) -> bool {
        let value = token["token"].as_str().unwrap();
        let answer = self.f.call("GET", "/v1/me", value, None).await;
        match answer.status.as_u16() {
            200 => true,
            401 => false,
            other => panic!("{other}"),
        }
    }

    async fn audit(&self, action: &str) -> Vec<Value> {
        let path = "/v1/organizations/acme/audit?limit=200";
        let owner = self.f.token_of("owner@example.com").await;
        let audit = self.f.call("GET", path, &owner, None).await.expect(200);
        let items = audit.json()["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .filter(|event| event["action"] == action)
            .collect()
    }
}

pub(crate) fn path(token: &Value) -> String {
    format!("{TOKENS}/{}", token["id"].as_str().unwrap())
}

pub(crate) fn claims(token: &Value) -> Api {
    let value = token["token"].as_str().unwrap();
    jws::parse(value.as_bytes())
        .unwrap()
        .unverified_claims()
        .unwrap()
}

async fn n8_a_rotation_cuts_the_old_value_off_at_once(database: Option<String>) {
    let w = World::two("n8", database).await;
    let old = w.token().await;
    // As the original is called: without a body.
    let rotate = format!("{}/rotate", path(&old));
    let new =
        w.f.call("POST", &rotate, &w.owner, None)
            .await
            .expect(200)
            .json();
    assert!(!w.works(&old).await);
    assert!(w.works(&new).await);
    let (before, after) = (claims(&old), claims(&new));
    assert_eq!(
        (before.sub, before.exp - before.iat),
        (after.sub, after.exp - after.iat)
    );
    assert_ne!(before.jti, after.jti);
    assert_ne!(before.idx, after.idx);
    assert_eq!(new["lastRotatedAt"], after.iat);
    assert_eq!(new.get("earlierValues"), None);
    let shown =
        w.f.call("GET", &path(&old), &w.owner, None)
            .await
            .expect(200);
    assert!(!shown.text().contains(new["token"].as_str().unwrap()));
}

async fn x2_with_a_grace_both_values_are_good_until_it_is_over(database: Option<String>) {
    let w = World::two("x2", database).await;
    let old = w.token().await;
    let new = w.rotate(&old, json!({"grace": "24h"})).await;
    assert!(w.works(&old).await && w.works(&new).await);
    let earlier = &new["earlierValues"][0];
    assert_eq!(earlier["shortToken"], old["shortToken"]);
    assert_eq!(
        earlier["endAt"].as_i64().unwrap(),
        claims(&new).iat + 86_400
    );
    w.f.clock.advance(Duration::from_secs(DAY - 1));
    assert!(w.works(&old).await);
    w.f.clock.advance(Duration::from_secs(1));
    assert!(!w.works(&old).await);
    assert!(w.works(&new).await);
    // Both are told apart in the audit log.
    let rotation = &w.audit("token.rotate").await[0]["changes"][0];
    let both = (&rotation["before"], &rotation["after"]);
    assert_eq!(both, (&old["shortToken"], &new["shortToken"]));
}

async fn a_grace_can_be_ended_early_and_never_prolongs(database: Option<String>) {
    let w = World::two("grace", database).await;
    let first = w.token().await;
    let second = w.rotate(&first, json!({"grace": "7d"})).await;
    let third = w.rotate(&first, json!({"grace": "1h"})).await;
    assert!(w.works(&first).await && w.works(&second).await && w.works(&third).await);
    assert_eq!(third["earlierValues"].as_array().unwrap().len(), 2);
    let hour = claims(&third).iat + 3600;
    let ends = third["earlierValues"].as_array().unwrap();
    assert!(ends.iter().all(|value| value["endAt"] == hour));
    // A longer grace later doesn't lengthen what was promised before.
    let fourth = w.rotate(&first, json!({"grace": "10d"})).await;
    let of = |value: &Value| {
        let all = fourth["earlierValues"].as_array().unwrap();
        let found = all.iter().find(|e| e["shortToken"] == value["shortToken"]);
        found.unwrap()["endAt"].as_i64().unwrap()
    };
    assert_eq!(of(&first), hour);
    assert!(of(&third) > hour);
    let end = format!("{}/rotate/end", path(&first));
    w.f.call("POST", &end, &w.owner, None).await.expect(200);
    for value in [&first, &second, &third] {
        assert!(!w.works(value).await);
    }
    assert!(w.works(&fourth).await);
    assert_eq!(
        w.audit("token.rotate_end").await[0]["changes"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    // Again: nothing is left to end, and nothing is said.
    w.f.call("POST", &end, &w.owner, None).await.expect(200);
    assert_eq!(w.audit("token.rotate_end").await.len(), 1);
}

#[tokio::test]
async fn the_policy_says_the_usual_grace_and_bounds_the_new_value() {
    let w = World::new("policy").await;
    let mut fleet = crate::fixture::fleet();
    fleet["fleet"]["organizations"][0]["policy"] =
        json!({"rotationGrace": "2h", "tokenMaxDays": {"organization": 40}});
    let old = w.token().await;
    w.f.call("POST", "/v1/apply", &w.admin, Some(fleet.clone()))
        .await
        .expect(200);
    let new = w.rotate(&old, json!({})).await;
    let end = new["earlierValues"][0]["endAt"].as_i64().unwrap();
    assert_eq!(end, claims(&new).iat + 7200);
    let rotate = format!("{}/rotate", path(&old));
    for (at, body) in [
        (
            "tokenExpiryPeriodInDays",
            json!({"tokenExpiryPeriodInDays": 41}),
        ),
        ("grace", json!({"grace": "31d"})),
    ] {
        let refused =
            w.f.call("POST", &rotate, &w.owner, Some(body))
                .await
                .expect(422);
        assert_eq!(refused.json()["errors"][0]["at"], at);
    }
    assert!(w.works(&new).await, "nothing is half done");
    // The policy of today counts, not that of the day the token was made.
    fleet["fleet"]["organizations"][0]["policy"] = json!({"tokenMaxDays": {"organization": 7}});
    w.f.call("POST", "/v1/apply", &w.admin, Some(fleet))
        .await
        .expect(200);
    let asked = json!({"tokenExpiryPeriodInDays": 8});
    w.f.call("POST", &rotate, &w.owner, Some(asked))
        .await
        .expect(422);
    let new = w.rotate(&old, json!({})).await;
    assert_eq!(claims(&new).exp, claims(&new).iat + 7 * 86_400);
}

#[tokio::test]
async fn a9_who_rotates_must_hold_what_the_token_holds() {
    let w = World::new("a9-rotate").await;
    let f = &w.f;
    let list = f
        .call("GET", "/v1/organizations/acme/workspaces", &w.owner, None)
        .await;
    let workspace = list.expect(200).json()["items"][0]["id"].clone();
    let body = json!({"name": "x", "scope": "WORKSPACE", "entityId": workspace,
        "role": "WORKSPACE_OWNER"});
    let made = f
        .call("POST", TOKENS, &w.owner, Some(body))
        .await
        .expect(201)
        .json();
    // An operator of the workspace may change its tokens, but not be shown an owner's value.
    let member = f.token_of("member@example.com").await;
    let rotate = format!("{}/rotate", path(&made));
    f.call("POST", &rotate, &member, None).await.expect(403);
    let named = Some(json!({"name": "renamed"}));
    f.call("POST", &path(&made), &member, named)
        .await
        .expect(200);
    let role = |role: &str| {
        Some(json!({"roles": [{"entityType": "WORKSPACE", "entityId": workspace, "role": role}]}))
    };
    let roles = format!("{}/roles", path(&made));
    f.call("POST", &roles, &member, role("WORKSPACE_OPERATOR"))
        .await
        .expect(200);
    f.call("POST", &roles, &member, role("WORKSPACE_OWNER"))
        .await
        .expect(403);
    f.call("POST", &rotate, &member, None).await.expect(200);
    // Eve sees one deployment and no tokens of the workspace.
    let eve = f.token_of("eve@example.com").await;
    f.call("POST", &rotate, &eve, None).await.expect(404);
    // Tokens rotate no tokens, themselves neither.
    let own = w.token().await;
    let value = own["token"].as_str().unwrap();
    let rotate = format!("{}/rotate", path(&own));
    f.call("POST", &rotate, value, None).await.expect(403);
}

#[tokio::test]
async fn an_organization_token_is_given_what_lies_below_and_nothing_else() {
    let w = World::new("below").await;
    let f = &w.f;
    let list = f
        .call("GET", "/v1/organizations/acme/workspaces", &w.owner, None)
        .await;
    let workspace = list.expect(200).json()["items"][0]["id"].clone();
    let at_workspace = json!({"entityType": "WORKSPACE", "entityId": workspace,
        "role": "WORKSPACE_OPERATOR"});
    let body = json!({"name": "ci", "role": "ORGANIZATION_MEMBER", "roles": [at_workspace]});
    let made = f
        .call("POST", TOKENS, &w.owner, Some(body))
        .await
        .expect(201)
        .json();
    assert_eq!(made["roles"].as_array().unwrap().len(), 2);
    let roles = format!("{}/roles", path(&made));
    let set = |roles: Value| Some(json!({ "roles": roles }));
    f.call("POST", &roles, &w.owner, set(json!([])))
        .await
        .expect(422);
    let odd = json!([{"entityType": "WORKSPACE", "entityId": workspace,
        "role": "DEPLOYMENT_ADMIN"}]);
    f.call("POST", &roles, &w.owner, set(odd)).await.expect(422);
    let only = f
        .call("POST", &roles, &w.owner, set(json!([at_workspace])))
        .await;
    assert_eq!(only.expect(200).json()["roles"], json!([at_workspace]));
    let changes = &w.audit("token.roles").await[0]["changes"];
    assert!(
        changes[0]["before"]
            .as_str()
            .unwrap()
            .starts_with("ORGANIZATION_MEMBER on ")
    );
    // A workspace's token reaches nothing above it.
    let body = json!({"name": "w", "scope": "WORKSPACE", "entityId": workspace,
        "role": "WORKSPACE_MEMBER"});
    let small = f
        .call("POST", TOKENS, &w.owner, Some(body))
        .await
        .expect(201)
        .json();
    let up = json!([{"entityType": "ORGANIZATION", "entityId": small["organizationId"],
        "role": "ORGANIZATION_MEMBER"}]);
    let roles = format!("{}/roles", path(&small));
    f.call("POST", &roles, &w.owner, set(up)).await.expect(422);
}

async fn many_are_revoked_in_one_step_or_none(database: Option<String>) {
    let w = World::two("many", database).await;
    let f = &w.f;
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(w.token().await);
    }
    f.clock.advance(Duration::from_secs(10));
    let (young, moment) = (w.token().await, claims(&old[0]).iat + 1);
    let revoke = format!("{TOKENS}:revoke");
    for wrong in [
        json!({}),
        json!({"sessions": true}),
        json!({"ids": [], "issuedBefore": 1}),
        json!({"issuedBefore": moment + 3600}),
    ] {
        f.call("POST", &revoke, &w.owner, Some(wrong))
            .await
            .expect(422);
    }
    let ids = json!({"ids": [old[0]["id"], old[0]["id"]]});
    let done = f
        .call("POST", &revoke, &w.owner, Some(ids))
        .await
        .expect(200)
        .json();
    assert_eq!(done["deleted"], 1);
    let older = json!({"issuedBefore": moment});
    let done = f
        .call("POST", &revoke, &w.owner, Some(older))
        .await
        .expect(200)
        .json();
    assert_eq!(done["deleted"], 2);
    for token in &old {
        assert!(!w.works(token).await);
    }
    assert!(w.works(&young).await);
    let told = w.audit("token.revoke_many").await;
    assert_eq!(told[1]["changes"].as_array().unwrap().len(), 2);
    // Another organization's are out of reach, whatever their ids.
    let named = Some(json!({"name": "globex"}));
    f.call("POST", "/v1/organizations", &w.admin, named)
        .await
        .expect(201);
    let ids = Some(json!({"ids": [young["id"]]}));
    let foreign = "/v1/organizations/globex/tokens:revoke";
    let done = f
        .call("POST", foreign, &w.admin, ids)
        .await
        .expect(200)
        .json();
    assert_eq!(done["deleted"], 0);
    assert!(w.works(&young).await);
}

#[tokio::test]
async fn lists_are_narrowed_by_age_use_expiry_and_maker() {
    let w = World::new("filters").await;
    let f = &w.f;
    let old = w.token().await;
    f.clock.advance(Duration::from_secs(10 * DAY));
    let owner = f.token_of("owner@example.com").await;
    let young = f
        .call(
            "POST",
            TOKENS,
            &owner,
            Some(json!({"name": "new",
        "role": "ORGANIZATION_OWNER"})),
        )
        .await
        .expect(201)
        .json();
    let names = async |query: &str| -> Vec<String> {
        let list = f
            .call("GET", &format!("{TOKENS}?{query}"), &owner, None)
            .await;
        let list = list.expect(200).json();
        let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
        list["items"].as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(names("expiringWithinDays=21").await, ["ci"]);
    assert_eq!(names("olderThanDays=9").await, ["ci"]);
    assert_eq!(names("unusedForDays=9").await, ["ci"]);
    assert_eq!(names("unusedForDays=0").await, ["ci"]);
    let maker = young["createdBy"].as_str().unwrap();
    assert_eq!(names(&format!("createdBy={maker}")).await, ["ci", "new"]);
    let somebody = "createdBy=01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(names(somebody).await, Vec::<String>::new());
    assert!(w.works(&old).await);
    // What control sees used is noted.
    f.work();
    let used = |answer: &crate::fixture::Answer| answer.json().get("lastUsedAt").is_some();
    f.until(&path(&old), || owner.clone(), used).await;
    assert_eq!(names("unusedForDays=9").await, Vec::<String>::new());
    let path = format!("{TOKENS}?olderThanDays=x");
    f.call("GET", &path, &owner, None).await.expect(422);
}
