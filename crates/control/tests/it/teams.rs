//! Teams that people make for themselves (rows D5–D9, P6, P7), on one control plane and on two.

use aeolus_model::{Action, Grant, GrantId, OrganizationId, Resource, Role, Subject, UserId};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _};
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture, fleet};
use crate::roles::{ACME, Acme, GRANTS, ROLES, role};

pub(crate) const TEAMS: &str = "/v1/organizations/acme/teams";
const EVE: &str = "eve@example.com";

on_every_engine! {
    d6_a_team_is_made_filled_changed_and_deleted,
    p7_nobody_is_put_into_a_team_that_has_more_than_they_could_give,
    d9_the_last_owner_stays_in_the_team_that_makes_them_one,
    a_team_of_a_document_keeps_its_name_and_gets_its_people_back,
    d7_people_get_roles_by_teams_alone_where_the_rules_say_so,
    p1_each_role_may_do_with_teams_what_the_matrix_says,
    d6_whoever_is_in_a_team_alone_is_of_the_organization,
}

pub(crate) async fn acme(name: &str, database: Option<String>) -> Acme {
    Acme::of(Fixture::pair(name, database).await).await
}

impl Acme {
    pub(crate) async fn team(&self, name: &str) -> Value {
        let made = self.ask("POST", TEAMS, json!({ "name": name })).await;
        made.expect(201).json()["id"].clone()
    }

    /// Gives a team a role.
    pub(crate) async fn let_team(&self, id: &Value, role: &str, at: (&str, &Value)) -> Value {
        let body = json!({"subject": {"type": "team", "id": id}, "role": role,
            "resource": {"type": at.0, "id": at.1}});
        self.ask("POST", GRANTS, body).await.expect(201).json()
    }

    pub(crate) async fn put_in(&self, who: &str, team: &str, people: &[&str]) -> Answer {
        let path = format!("{TEAMS}/{team}/members");
        let body = json!({ "users": people });
        self.ask_as(who, "POST", &path, body).await
    }

    pub(crate) async fn take_out(&self, who: &str, team: &str, person: &str) -> Answer {
        let path = format!("{TEAMS}/{team}/members/{person}");
        self.ask_as(who, "DELETE", &path, Value::Null).await
    }

    pub(crate) async fn members(&self, team: &str) -> Vec<String> {
        let path = format!("{TEAMS}/{team}/members?limit=200");
        let listed = self.ask("GET", &path, Value::Null).await.expect(200);
        let items = listed.json()["items"].as_array().unwrap().clone();
        let emails = items.iter().map(|item| item["email"].as_str().unwrap());
        let mut emails: Vec<_> = emails.map(str::to_owned).collect();
        emails.sort_unstable();
        emails
    }
}

async fn d6_a_team_is_made_filled_changed_and_deleted(database: Option<String>) {
    let acme = acme("teams", database).await;
    let body = json!({"name": "ops", "description": "Keeps it running"});
    let made = acme.ask("POST", TEAMS, body.clone()).await.expect(201);
    let id = made.json()["id"].clone();
    assert_eq!(
        acme.ask("POST", TEAMS, body).await.expect(409).json()["code"],
        "taken"
    );
    for wrong in [
        json!({"name": "Ops!"}),
        json!({"name": "01890a5d-ac96-774b-bcce-b302099a8057"}),
        json!({"name": "o", "description": "a\nb"}),
        json!({"name": "o", "description": "x".repeat(501)}),
    ] {
        let refused = acme.ask("POST", TEAMS, wrong.clone()).await;
        assert!(refused.status.is_client_error(), "{wrong}");
    }
    acme.let_team(&id, "WORKSPACE_OPERATOR", ("workspace", &acme.workspace))
        .await;
    let added = acme
        .put_in(&acme.owner, "ops", &[EVE, EVE])
        .await
        .expect(200);
    assert_eq!(added.json()["added"].as_array().unwrap().len(), 1);
    let none = acme.put_in(&acme.owner, "ops", &[EVE]).await.expect(200);
    assert_eq!(none.json()["added"], json!([]));
    let shown = acme.ask("GET", &format!("{TEAMS}/ops"), Value::Null).await;
    let shown = shown.expect(200).json();
    assert_eq!(shown["description"], "Keeps it running");
    assert_eq!(
        (&shown["memberCount"], &shown["members"][0]["email"]),
        (&json!(1), &json!(EVE))
    );
    assert_eq!(shown["roles"][0]["role"], "WORKSPACE_OPERATOR");
    // What she has herself and by the team counts together (D5).
    let eve = acme.f.token_of(EVE).await;
    let me = acme
        .ask_as(&eve, "GET", "/v1/me", Value::Null)
        .await
        .expect(200)
        .json();
    let held: Vec<_> = me["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["role"].clone())
        .collect();
    assert!(
        held.contains(&json!("WORKSPACE_OPERATOR")) && held.contains(&json!("DEPLOYMENT_VIEWER"))
    );
    for unknown in [
        "nobody@example.com",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "x",
    ] {
        let refused = acme
            .put_in(&acme.owner, "ops", &["owner@example.com", unknown])
            .await;
        assert_eq!(refused.expect(422).json()["errors"][0]["at"], "users[1]");
    }
    assert_eq!(acme.members("ops").await, [EVE], "all of them or none");
    let id = id.as_str().unwrap();
    let changed = json!({"name": "operations", "description": ""});
    acme.ask("PUT", &format!("{TEAMS}/{id}"), changed)
        .await
        .expect(200);
    acme.ask("GET", &format!("{TEAMS}/ops"), Value::Null)
        .await
        .expect(404);
    acme.take_out(&acme.owner, "operations", EVE)
        .await
        .expect(200);
    acme.take_out(&acme.owner, "operations", EVE)
        .await
        .expect(404);
    acme.take_out(&acme.owner, "operations", "nobody@example.com")
        .await
        .expect(404);
    acme.put_in(&acme.owner, id, &[EVE]).await.expect(200);
    acme.ask("DELETE", &format!("{TEAMS}/operations"), Value::Null)
        .await
        .expect(200);
    let me = acme
        .ask_as(&eve, "GET", "/v1/me", Value::Null)
        .await
        .expect(200)
        .text();
    assert!(!me.contains("WORKSPACE_OPERATOR"), "{me}");
    told_of_a_team(&acme, id).await;
    // Another organization's is as unknown as none.
    let gus = acme.f.globex(&acme.admin).await;
    let path = "/v1/organizations/globex/teams/data";
    acme.ask_as(&gus, "GET", path, Value::Null)
        .await
        .expect(404);
    acme.ask_as(&gus, "GET", &format!("{TEAMS}/data"), Value::Null)
        .await
        .expect(404);
}

/// The audit log says what was before and what is after.
async fn told_of_a_team(acme: &Acme, id: &str) {
    let said = async |action: Action| {
        let mut lines = acme.f.audited(action).await;
        lines.retain(|line| line.target == id);
        let changes = lines.into_iter().flat_map(|line| line.changes);
        let text = changes.map(|c| format!("{} {:?} {:?}", c.field, c.before, c.after));
        text.collect::<Vec<_>>()
    };
    assert_eq!(
        said(Action::TeamCreate).await,
        [
            "name None Some(\"ops\")",
            "description Some(\"\") Some(\"Keeps it running\")"
        ]
    );
    assert_eq!(
        said(Action::TeamUpdate).await,
        [
            "name Some(\"ops\") Some(\"operations\")",
            "description Some(\"Keeps it running\") Some(\"\")"
        ]
    );
    let workspace = acme.workspace.as_str().unwrap();
    assert_eq!(
        said(Action::TeamDelete).await,
        [
            "name Some(\"operations\") None".to_owned(),
            "members Some(\"1\") None".to_owned(),
            format!("role Some(\"WORKSPACE_OPERATOR at workspace {workspace}\") None"),
        ]
    );
    let lines = acme.f.audited(Action::TeamMembers).await;
    assert_eq!(lines.len(), 4, "in, out, in again, and out: {lines:?}");
    let given = acme.f.audited(Action::GrantCreate).await;
    let given = given.iter().flat_map(|line| &line.changes);
    assert!(
        given
            .clone()
            .any(|change| change.after.as_deref() == Some(id))
    );
}

/// Eve may look after teams, and no more than that.
async fn keeper(acme: &Acme) -> String {
    let permissions = [
        "organization.teams.get",
        "organization.teams.update",
        "organization.users.get",
    ];
    let keeper = role("team-keeper", "ORGANIZATION", &permissions);
    acme.ask("POST", ROLES, keeper).await.expect(201);
    acme.give(EVE, "team-keeper", ("organization", &acme.organization))
        .await;
    acme.f.token_of(EVE).await
}

async fn p7_nobody_is_put_into_a_team_that_has_more_than_they_could_give(database: Option<String>) {
    let acme = acme("teams-more", database).await;
    let eve = keeper(&acme).await;
    for people in [[EVE], ["owner@example.com"]] {
        let refused = acme.put_in(&eve, "data", &people).await.expect(403);
        assert!(
            refused.text().contains("workspace.iam.update"),
            "{}",
            refused.text()
        );
    }
    // Her own is hers to fill, until it has more than she could give.
    let made = acme
        .ask_as(&eve, "POST", TEAMS, json!({"name": "friends"}))
        .await;
    let id = made.expect(201).json()["id"].clone();
    acme.put_in(&eve, "friends", &[EVE]).await.expect(200);
    let grant = json!({"subject": {"type": "team", "id": id}, "role": "WORKSPACE_MEMBER",
        "resource": {"type": "workspace", "id": acme.workspace}});
    acme.ask_as(&eve, "POST", GRANTS, grant).await.expect(403);
    acme.let_team(&id, "DEPLOYMENT_VIEWER", ("deployment", &acme.deployment))
        .await;
    let refused = acme.put_in(&eve, "friends", &["member@example.com"]).await;
    assert!(
        refused
            .expect(403)
            .text()
            .contains("deployment.userRoles.update")
    );
    let rows = json!({"rows": [{"team": "friends", "email": "member@example.com"}]});
    let import = format!("{TEAMS}:import");
    let refused = acme.ask_as(&eve, "POST", &import, rows).await.expect(403);
    assert!(refused.text().contains("rows[0]"), "{}", refused.text());
    // Who says who has roles there, but holds less, is no better off.
    let giver = role("giver", "DEPLOYMENT", &["deployment.userRoles.update"]);
    acme.ask("POST", ROLES, giver).await.expect(201);
    acme.give(EVE, "giver", ("deployment", &acme.deployment))
        .await;
    acme.put_in(&eve, "friends", &["member@example.com"])
        .await
        .expect(200);
    acme.take_out(&eve, "friends", EVE).await.expect(200);
    acme.let_team(&id, "DEPLOYMENT_ADMIN", ("deployment", &acme.deployment))
        .await;
    let refused = acme.put_in(&eve, "friends", &["owner@example.com"]).await;
    assert!(refused.expect(403).text().contains("DEPLOYMENT_ADMIN"));
    assert_eq!(acme.members("friends").await, ["member@example.com"]);
    // What is taken away needn't be held.
    acme.take_out(&eve, "friends", "member@example.com")
        .await
        .expect(200);
    acme.put_in(&acme.owner, "friends", &["owner@example.com"])
        .await
        .expect(200);
}

async fn d9_the_last_owner_stays_in_the_team_that_makes_them_one(database: Option<String>) {
    let acme = acme("teams-owners", database).await;
    let id = acme.team("owners").await;
    let grant = acme
        .let_team(
            &id,
            "ORGANIZATION_OWNER",
            ("organization", &acme.organization),
        )
        .await;
    acme.put_in(&acme.owner, "owners", &[EVE]).await.expect(200);
    let owner = acme.person("owner@example.com").await;
    acme.take_out(&acme.owner, "owners", EVE).await.expect(200);
    acme.put_in(&acme.owner, "owners", &[EVE]).await.expect(200);
    // From here on Eve alone owns it, by the team.
    let gone = format!("{ACME}/users/{}", owner.as_str().unwrap());
    acme.ask_as(&acme.admin, "DELETE", &gone, Value::Null)
        .await
        .expect(200);
    let admin = &acme.admin;
    let refused = acme.take_out(admin, "owners", EVE).await.expect(409);
    assert!(refused.text().contains("last owner"), "{}", refused.text());
    let delete = async || {
        acme.ask_as(admin, "DELETE", &format!("{TEAMS}/owners"), Value::Null)
            .await
    };
    delete().await.expect(409);
    let grant = format!("{GRANTS}/{}", grant["id"].as_str().unwrap());
    acme.ask_as(admin, "DELETE", &grant, Value::Null)
        .await
        .expect(409);
    let eve = acme.f.token_of(EVE).await;
    acme.ask_as(
        &eve,
        "DELETE",
        &format!("{TEAMS}/owners/members/{EVE}"),
        Value::Null,
    )
    .await
    .expect(409);
    // With another one it may go.
    let member = acme
        .ask_as(admin, "GET", &format!("{ACME}/users"), Value::Null)
        .await
        .json();
    let member = member["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|u| u["email"] == "member@example.com");
    let body = json!({"subject": {"type": "user", "id": member.unwrap()["id"]},
        "role": "ORGANIZATION_OWNER",
        "resource": {"type": "organization", "id": acme.organization}});
    acme.ask_as(admin, "POST", GRANTS, body).await.expect(201);
    delete().await.expect(200);
}

async fn a_team_of_a_document_keeps_its_name_and_gets_its_people_back(database: Option<String>) {
    let acme = acme("teams-document", database).await;
    let data = format!("{TEAMS}/data");
    for (method, body) in [("PUT", json!({"name": "crew"})), ("DELETE", Value::Null)] {
        let refused = acme.ask(method, &data, body).await.expect(409);
        assert_eq!(refused.json()["code"], "managed-by-document");
    }
    let described = acme
        .ask("PUT", &data, json!({"description": "Feeds it"}))
        .await;
    assert_eq!(described.expect(200).json()["team"]["inDocument"], true);
    // What must end at once ends at once; the document has the last word.
    let apply = async |body: Value| {
        let applied = acme
            .ask_as(&acme.admin, "POST", "/v1/apply?prune=true", body)
            .await;
        applied.expect(200);
    };
    acme.take_out(&acme.owner, "data", "member@example.com")
        .await
        .expect(200);
    acme.put_in(&acme.owner, "data", &[EVE]).await.expect(200);
    apply(fleet()).await;
    assert_eq!(acme.members("data").await, [EVE, "member@example.com"]);
    let shown = acme.ask("GET", &data, Value::Null).await.expect(200).json();
    assert_eq!(shown["description"], "Feeds it");
    // One that a document gives roles to keeps its name as well: another of that name would get them.
    acme.team("ops").await;
    let mut document = fleet();
    let organization = &mut document["fleet"]["organizations"][0];
    organization["teams"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "ops"}));
    let grants = organization["workspaces"][0]["grants"]
        .as_array_mut()
        .unwrap();
    grants.push(json!({"team": "ops", "role": "WORKSPACE_AUTHOR"}));
    apply(document).await;
    let ops = format!("{TEAMS}/ops");
    for (method, body) in [("PUT", json!({"name": "crew"})), ("DELETE", Value::Null)] {
        let refused = acme.ask(method, &ops, body).await.expect(409);
        assert_eq!(refused.json()["code"], "managed-by-document");
    }
    apply(fleet()).await;
    acme.ask("DELETE", &ops, Value::Null).await.expect(200);
}

async fn d7_people_get_roles_by_teams_alone_where_the_rules_say_so(database: Option<String>) {
    let acme = acme("teams-only", database).await;
    let policy = format!("{ACME}/policy");
    acme.ask("PUT", &policy, json!({"teamsOnly": true}))
        .await
        .expect(200);
    let refused = |answer: Answer| assert_eq!(answer.expect(409).json()["code"], "teams-only");
    let at = ("workspace", &acme.workspace);
    let body = acme.grant(EVE, "WORKSPACE_MEMBER", at).await;
    refused(acme.ask("POST", GRANTS, body.clone()).await);
    refused(acme.ask_as(&acme.admin, "POST", GRANTS, body.clone()).await);
    let new = json!({"email": "new@example.com", "role": "ORGANIZATION_MEMBER"});
    refused(acme.ask("POST", &format!("{ACME}/users"), new).await);
    let invited = json!({"email": "new@example.com"});
    refused(
        acme.ask("POST", &format!("{ACME}/invitations"), invited)
            .await,
    );
    let mut document = fleet();
    let below = &mut document["fleet"]["organizations"][0]["workspaces"][0];
    below["grants"]
        .as_array_mut()
        .unwrap()
        .push(json!({"user": EVE, "role": "WORKSPACE_OWNER"}));
    refused(
        acme.ask_as(&acme.admin, "POST", "/v1/apply", document)
            .await,
    );
    // Whoever may do nothing is told nothing else than before.
    let eve = acme.f.token_of(EVE).await;
    acme.ask_as(&eve, "POST", GRANTS, body.clone())
        .await
        .expect(403);
    // Teams and programs get theirs, and what people have they keep.
    let id = acme.team("readers").await;
    acme.let_team(&id, "WORKSPACE_MEMBER", at).await;
    acme.put_in(&acme.owner, "readers", &[EVE])
        .await
        .expect(200);
    let token = json!({"name": "ci", "role": "ORGANIZATION_MEMBER"});
    acme.ask("POST", &format!("{ACME}/tokens"), token)
        .await
        .expect(201);
    acme.ask_as(&acme.admin, "POST", "/v1/apply", fleet())
        .await
        .expect(200);
    acme.ask("PUT", &policy, json!({})).await.expect(200);
    acme.ask("POST", GRANTS, body).await.expect(201);
}

/// What each role may do with a team that a document made and that has a role at a workspace. Nothing of it changes
/// anything: where it is allowed, it contradicts what there is.
async fn p1_each_role_may_do_with_teams_what_the_matrix_says(database: Option<String>) {
    let acme = acme("teams-matrix", database).await;
    let eve = acme.f.token_of(EVE).await;
    let user: UserId = acme.person(EVE).await.as_str().unwrap().parse().unwrap();
    let member = format!("{TEAMS}/data/members/nobody@example.com");
    let members = format!("{TEAMS}/data/members");
    let (data, import) = (
        format!("{TEAMS}/data"),
        format!("{TEAMS}:import?dry_run=true"),
    );
    let operations = [
        ("GET", TEAMS, Value::Null),
        ("GET", data.as_str(), Value::Null),
        ("GET", members.as_str(), Value::Null),
        ("POST", TEAMS, json!({"name": "data"})),
        ("PUT", data.as_str(), json!({})),
        ("DELETE", data.as_str(), Value::Null),
        (
            "POST",
            members.as_str(),
            json!({"users": ["member@example.com"]}),
        ),
        ("DELETE", member.as_str(), Value::Null),
        ("POST", import.as_str(), json!({"rows": [{"team": "new"}]})),
    ];
    let mut lines = Vec::new();
    for role in Role::ALL {
        has_only(&acme, user, *role).await;
        let mut line = format!("{role}:");
        for (method, path, body) in &operations {
            let answer = acme.ask_as(&eve, method, path, body.clone()).await;
            line = format!("{line} {}", answer.status.as_u16());
        }
        lines.push(line);
    }
    assert_eq!(lines, MATRIX, "{lines:#?}");
}

/// Lists, shows, lists people; makes, changes, deletes; puts in, takes out, imports.
const MATRIX: &[&str] = &[
    "SYSTEM_ADMIN: 200 200 200 409 200 409 200 404 200",
    "SYSTEM_EDITOR: 200 200 200 403 403 403 403 403 403",
    "SYSTEM_VIEWER: 200 200 200 403 403 403 403 403 403",
    "ORGANIZATION_OWNER: 200 200 200 409 200 409 200 404 200",
    "ORGANIZATION_BILLING_ADMIN: 200 200 403 403 403 403 403 403 403",
    "ORGANIZATION_MEMBER: 200 200 403 403 403 403 403 403 403",
    "WORKSPACE_OWNER: 403 200 200 403 403 403 403 403 403",
    "WORKSPACE_OPERATOR: 403 200 200 403 403 403 403 403 403",
    "WORKSPACE_AUTHOR: 403 200 200 403 403 403 403 403 403",
    "WORKSPACE_MEMBER: 403 200 200 403 403 403 403 403 403",
    "WORKSPACE_ACCESSOR: 403 403 403 403 403 403 403 403 403",
    "DEPLOYMENT_ADMIN: 403 403 403 403 403 403 403 403 403",
    "DEPLOYMENT_EDITOR: 403 403 403 403 403 403 403 403 403",
    "DEPLOYMENT_VIEWER: 403 403 403 403 403 403 403 403 403",
    "DEPLOYMENT_ACCESSOR: 403 403 403 403 403 403 403 403 403",
];

/// Eve has this role at what it is for, and nothing else.
async fn has_only(acme: &Acme, user: UserId, role: Role) {
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let organization: OrganizationId = id(&acme.organization).parse().unwrap();
    let resource = match role.scope() {
        aeolus_model::Scope::System => Resource::System,
        aeolus_model::Scope::Organization => Resource::Organization(organization),
        aeolus_model::Scope::Workspace => Resource::Workspace(id(&acme.workspace).parse().unwrap()),
        aeolus_model::Scope::Deployment => {
            Resource::Deployment(id(&acme.deployment).parse().unwrap())
        }
    };
    let store = acme.f.store().await;
    let mut write = store.write().await.unwrap();
    for held in write.grants().of(Subject::User(user)).await.unwrap() {
        write.grants().delete(held.grant.id).await.unwrap();
    }
    let grant = Grant {
        id: GrantId::new(&*acme.f.clock, &*acme.f.rng),
        subject: Subject::User(user),
        role: role.into(),
        resource,
    };
    let record = GrantRecord {
        grant,
        organization: (resource != Resource::System).then_some(organization),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&record).await.unwrap();
    write.commit().await.unwrap();
}

/// Also where the team has nothing, so that they have nothing either.
async fn d6_whoever_is_in_a_team_alone_is_of_the_organization(database: Option<String>) {
    let acme = acme("teams-alone", database).await;
    acme.team("guests").await;
    acme.put_in(&acme.owner, "guests", &[EVE]).await.expect(200);
    let eve: UserId = acme.person(EVE).await.as_str().unwrap().parse().unwrap();
    let store = acme.f.store().await;
    let mut write = store.write().await.unwrap();
    for record in write.grants().of(Subject::User(eve)).await.unwrap() {
        write.grants().delete(record.grant.id).await.unwrap();
    }
    write.commit().await.unwrap();
    let body = json!({"subject": {"type": "user", "id": eve}, "role": "WORKSPACE_OPERATOR",
        "resource": {"type": "workspace", "id": &acme.workspace}});
    acme.ask("POST", GRANTS, body).await.expect(201);
    // And saying what a team is already called changes nothing.
    let path = format!("{TEAMS}/guests");
    let changed = acme.f.audited(Action::TeamUpdate).await.len();
    let same = json!({"name": "guests"});
    acme.ask("PUT", &path, same).await.expect(200);
    assert_eq!(acme.f.audited(Action::TeamUpdate).await.len(), changed);
}
