//! Ending a person's access to an organization.

use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture, fleet};

on_every_engine! {
    a12_everything_that_hangs_on_a_person_ends_at_once,
    a12_tokens_go_on_with_somebody_who_holds_what_they_hold,
    d9_the_last_owner_stays_and_nobody_shows_themselves_out,
    a9_taking_somebody_out_ends_what_hung_on_them,
}

const USERS: &str = "/v1/organizations/acme/users";
const TOKENS: &str = "/v1/organizations/acme/tokens";

struct World {
    f: Fixture,
    admin: String,
    owner: String,
    workspace: String,
}

impl World {
    /// The member is in a team with a role on a workspace, has a role of their own, and has made a token
    /// there.
    async fn new(name: &str) -> Self {
        Self::of(Fixture::new(name).await).await
    }

    /// At two replicas.
    async fn two(name: &str, database: Option<String>) -> Self {
        Self::of(Fixture::pair(name, database).await).await
    }

    async fn of(f: Fixture) -> Self {
        let (f, admin, owner) = f.peopled().await;
        let workspace = f.first(&admin, "workspaces").await;
        Self {
            f,
            admin,
            owner,
            workspace,
        }
    }

    async fn token(&self, email: &str, role: &str) -> (String, String) {
        let bearer = self.f.token_of(email).await;
        let body = json!({"name": "ci", "role": role, "scope": "WORKSPACE",
            "entityId": self.workspace, "tokenExpiryPeriodInDays": 30});
        let made = self.f.call("POST", TOKENS, &bearer, Some(body)).await;
        let made = made.expect(201).json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    async fn offboard(&self, who: &str, bearer: &str, body: Value) -> Answer {
        let path = format!("{USERS}/{who}/offboard");
        self.f.call("POST", &path, bearer, Some(body)).await
    }

    async fn records(&self) -> Vec<Value> {
        let mut found = Vec::new();
        for list in ["users", "grants", "teams", "tokens", "audit"] {
            let path = format!("/v1/organizations/acme/{list}?limit=200");
            let answer = self.f.call("GET", &path, &self.owner, None).await;
            found.push(answer.expect(200).json());
        }
        found
    }

    async fn member_sees(&self) -> u16 {
        let member = self.f.token_of("member@example.com").await;
        let answer = self.f.call("GET", "/v1/organizations/acme", &member, None);
        answer.await.status.as_u16()
    }

    async fn audited(&self, action: &str) -> Vec<Value> {
        let path = "/v1/organizations/acme/audit?limit=200";
        let lines = self.f.call("GET", path, &self.owner, None).await;
        let lines = lines.expect(200).json()["items"].clone();
        let lines = lines.as_array().unwrap().clone();
        lines
            .into_iter()
            .filter(|l| l["action"] == action)
            .collect()
    }
}

async fn a12_everything_that_hangs_on_a_person_ends_at_once(database: Option<String>) {
    let w = World::two("a12", database).await;
    let (id, value) = w.token("member@example.com", "WORKSPACE_MEMBER").await;
    let body = json!({"dryRun": true});
    let before = w.records().await;
    let planned = w.offboard("member@example.com", &w.owner, body).await;
    let mut planned = planned.expect(200).json();
    assert_eq!(w.records().await, before, "a dry run changes nothing");
    w.f.call("GET", "/v1/me", &value, None).await.expect(200);
    assert_eq!(planned["done"], false);
    assert_eq!(planned["tokens"][0]["id"], id);
    assert_eq!(planned["teams"][0]["name"], "data");
    assert_eq!(planned["teams"][0]["inDocument"], true);
    assert_eq!(planned["grants"][0]["role"], "ORGANIZATION_MEMBER");
    assert_eq!(planned["grants"][0]["inDocument"], true);

    let done = w.offboard("member@example.com", &w.owner, json!({})).await;
    let mut done = done.expect(200).json();
    assert_eq!(done["done"], true);
    assert!(done["seq"].as_u64().unwrap() > 0);
    for answer in [&mut planned, &mut done] {
        let fields = answer.as_object_mut().unwrap();
        fields.remove("done");
        fields.remove("seq");
    }
    assert_eq!(planned, done, "the dry run said exactly what was done");
    w.f.call("GET", "/v1/me", &value, None).await.expect(401);
    assert_eq!(w.member_sees().await, 404);
    assert_eq!(w.audited("user.offboard").await.len(), 1);
    assert_eq!(w.audited("session.end_all").await.len(), 1);
    assert_eq!(w.audited("token.delete").await[0]["target"], id);
    w.offboard("member@example.com", &w.owner, json!({}))
        .await
        .expect(404);
}

async fn a12_tokens_go_on_with_somebody_who_holds_what_they_hold(database: Option<String>) {
    let w = World::two("a12-give", database).await;
    let (id, value) = w.token("member@example.com", "WORKSPACE_OPERATOR").await;
    let give = |email: &str| json!({ "giveTokensTo": email });
    let refused = w
        .offboard("member@example.com", &w.owner, give("eve@example.com"))
        .await
        .expect(422);
    assert!(refused.text().contains(&id), "{}", refused.text());
    for wrong in [
        "member@example.com",
        "nobody@example.com",
        "admin@example.com",
    ] {
        w.offboard("member@example.com", &w.owner, give(wrong))
            .await
            .expect(422);
    }
    assert_eq!(w.member_sees().await, 200, "a refusal changes nothing");
    let done = w
        .offboard("member@example.com", &w.owner, give("owner@example.com"))
        .await
        .expect(200)
        .json();
    assert_eq!(done["tokens"][0]["givenTo"], "owner@example.com");
    w.f.call("GET", "/v1/me", &value, None).await.expect(200);
    let path = format!("{TOKENS}/{id}");
    let token = w.f.call("GET", &path, &w.owner, None).await.expect(200);
    let me = w.f.call("GET", "/v1/me", &w.owner, None).await.json();
    assert_eq!(token.json()["createdBy"], me["actor"]["id"]);
    assert_eq!(w.audited("token.give").await[0]["target"], id);
    assert_eq!(w.member_sees().await, 404);
}

async fn d9_the_last_owner_stays_and_nobody_shows_themselves_out(database: Option<String>) {
    let w = World::two("d9", database).await;
    w.offboard("owner@example.com", &w.admin, json!({}))
        .await
        .expect(409);
    let own = w.offboard("owner@example.com", &w.owner, json!({})).await;
    own.expect(409);
    // A team that owns the organization is its members.
    let mut body = fleet();
    let organization = &mut body["fleet"]["organizations"][0];
    organization["teams"][0]["members"] = json!(["owner@example.com"]);
    w.f.call("POST", "/v1/apply?prune=true", &w.admin, Some(body.clone()))
        .await
        .expect(200);
    let teams = "/v1/organizations/acme/teams";
    let teams = w.f.call("GET", teams, &w.admin, None).await.expect(200);
    let acme =
        w.f.call("GET", "/v1/organizations/acme", &w.admin, None)
            .await;
    let acme = acme.expect(200).json();
    let grant = json!({"role": "ORGANIZATION_OWNER",
        "subject": {"type": "team", "id": teams.json()["items"][0]["id"]},
        "resource": {"type": "organization", "id": acme["id"]}});
    let grants = "/v1/organizations/acme/grants";
    w.f.call("POST", grants, &w.admin, Some(grant))
        .await
        .expect(201);
    w.offboard("owner@example.com", &w.admin, json!({}))
        .await
        .expect(409);
    body["fleet"]["organizations"][0]["teams"][0]["members"] =
        json!(["owner@example.com", "member@example.com"]);
    w.f.call("POST", "/v1/apply", &w.admin, Some(body))
        .await
        .expect(200);
    w.offboard("owner@example.com", &w.admin, json!({}))
        .await
        .expect(200);
    w.offboard("member@example.com", &w.admin, json!({}))
        .await
        .expect(409);
}

#[tokio::test]
async fn a9_only_owners_offboard_and_strangers_are_unknown() {
    let w = World::new("a9-offboard").await;
    let member = w.f.token_of("member@example.com").await;
    w.offboard("eve@example.com", &member, json!({}))
        .await
        .expect(403);
    for who in ["admin@example.com", "nobody@example.com", "x"] {
        w.offboard(who, &w.owner, json!({})).await.expect(404);
    }
    w.offboard("eve@example.com", &w.owner, json!({"dryRun": true, "x": 1}))
        .await
        .expect(400);
}

/// Only somebody who can sign in keeps an organization from being without an owner: not a token, not an
/// empty team.
#[tokio::test]
async fn d9_neither_a_token_nor_an_empty_team_is_an_owner() {
    let w = World::new("d9-nobody").await;
    let token = json!({"name": "ci", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 1});
    let token = w.f.call("POST", TOKENS, &w.owner, Some(token)).await;
    token.expect(201);
    let path = "/v1/organizations/acme/teams";
    let team =
        w.f.call("GET", path, &w.admin, None)
            .await
            .expect(200)
            .json();
    let acme =
        w.f.call("GET", "/v1/organizations/acme", &w.admin, None)
            .await;
    let acme = acme.expect(200).json()["id"].clone();
    let grants = "/v1/organizations/acme/grants";
    let grant = json!({"role": "ORGANIZATION_OWNER",
        "subject": {"type": "team", "id": team["items"][0]["id"]},
        "resource": {"type": "organization", "id": acme}});
    let made = w.f.call("POST", grants, &w.admin, Some(grant)).await;
    let of_team = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    let mut body = fleet();
    body["fleet"]["organizations"][0]["teams"][0]["members"] = json!([]);
    let prune = "/v1/apply?prune=true";
    w.f.call("POST", prune, &w.admin, Some(body))
        .await
        .expect(200);

    let list =
        w.f.call("GET", grants, &w.admin, None)
            .await
            .expect(200)
            .json();
    let me = w.f.call("GET", "/v1/me", &w.owner, None).await.json();
    let own = list["items"].as_array().unwrap().iter();
    let mut own = own.filter(|g| g["subject"]["id"] == me["actor"]["id"]);
    let own = own.next().unwrap()["id"].as_str().unwrap().to_owned();
    let own = format!("{grants}/{own}");
    let refused = w.f.call("DELETE", &own, &w.admin, None).await.expect(409);
    assert!(refused.text().contains("acme"), "{}", refused.text());
    w.f.call("GET", TOKENS, &w.owner, None).await.expect(200);

    // With somebody in the team it goes, and then it is the team that may not.
    w.f.call("POST", "/v1/apply", &w.admin, Some(fleet()))
        .await
        .expect(200);
    w.f.call("DELETE", &own, &w.admin, None).await.expect(200);
    let of_team = format!("{grants}/{of_team}");
    w.f.call("DELETE", &of_team, &w.admin, None)
        .await
        .expect(409);
    let mut body = fleet();
    let organization = &mut body["fleet"]["organizations"][0];
    organization["teams"][0]["members"] = json!([]);
    organization["users"][0]["role"] = json!("ORGANIZATION_MEMBER");
    let refused = w.f.call("POST", prune, &w.admin, Some(body)).await;
    refused.expect(409);
}

async fn a9_taking_somebody_out_ends_what_hung_on_them(database: Option<String>) {
    let w = World::two("a9-delete", database).await;
    let (_, value) = w.token("member@example.com", "WORKSPACE_MEMBER").await;
    let member = w.f.token_of("member@example.com").await;
    let me = w.f.call("GET", "/v1/me", &member, None).await.json();
    let list =
        w.f.call("GET", "/v1/organizations/acme/grants", &w.owner, None);
    let list = list.await.expect(200).json();
    let theirs = list["items"].as_array().unwrap().iter();
    // In only through a team.
    for grant in theirs.filter(|g| g["subject"]["id"] == me["actor"]["id"]) {
        let path = format!(
            "/v1/organizations/acme/grants/{}",
            grant["id"].as_str().unwrap()
        );
        w.f.call("DELETE", &path, &w.owner, None).await.expect(200);
    }
    w.f.call("GET", "/v1/organizations/acme", &member, None)
        .await
        .expect(200);
    let path = format!("{USERS}/{}", me["actor"]["id"].as_str().unwrap());
    let wait = format!("{path}?wait=planes");
    let gone = w.f.call("DELETE", &wait, &w.owner, None).await.expect(200);
    assert!(gone.json()["planes"].is_object());
    w.f.call("GET", "/v1/me", &value, None).await.expect(401);
    w.f.call("GET", "/v1/organizations/acme", &member, None)
        .await
        .expect(404);
    assert_eq!(w.audited("user.delete").await.len(), 1);
    assert_eq!(w.audited("token.delete").await.len(), 1);
    w.f.call("DELETE", &path, &w.owner, None).await.expect(404);
}

/// Direct access tokens are the owners' (row X10): nobody else comes by one as a heir.
#[tokio::test]
async fn x10_a_direct_token_goes_only_to_another_owner() {
    let w = World::new("x10-heir").await;
    let invite = json!({"email": "second@example.com", "role": "ORGANIZATION_OWNER"});
    w.f.call("POST", USERS, &w.admin, Some(invite))
        .await
        .expect(201);
    let body = json!({"name": "d", "kind": "DIRECT_ACCESS", "scope": "WORKSPACE",
        "entityId": w.workspace, "tokenExpiryPeriodInDays": 30});
    w.f.call("POST", TOKENS, &w.owner, Some(body))
        .await
        .expect(201);
    let give = |email: &str| json!({"giveTokensTo": email, "dryRun": true});
    let owner = "owner@example.com";
    let refused = w
        .offboard(owner, &w.admin, give("member@example.com"))
        .await;
    let refused = refused.expect(422);
    assert!(
        refused.text().contains("own the organization"),
        "{}",
        refused.text()
    );
    w.offboard(owner, &w.admin, give("second@example.com"))
        .await
        .expect(200);
}
