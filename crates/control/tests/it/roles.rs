//! Roles that organizations make for themselves (row F15 of what is owed), with no more than their
//! makers hold.

use aeolus_model::{Permission, PermissionSet};
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};
use crate::publish::{Reader, told};

pub(crate) const ACME: &str = "/v1/organizations/acme";
pub(crate) const ROLES: &str = "/v1/organizations/acme/roles";
pub(crate) const GRANTS: &str = "/v1/organizations/acme/grants";
pub(crate) const GET: &str = "deployment.airflow.get";
pub(crate) const OP: &str = "deployment.airflow.op";

/// A fleet, its owner's credential and the ids of what is in it.
pub(crate) struct Acme {
    pub(crate) f: Fixture,
    pub(crate) admin: String,
    pub(crate) owner: String,
    pub(crate) organization: Value,
    pub(crate) workspace: Value,
    pub(crate) deployment: Value,
}

impl Acme {
    pub(crate) async fn new(name: &str) -> Self {
        Self::of(Fixture::new(name).await).await
    }

    pub(crate) async fn of(f: Fixture) -> Self {
        let admin = f.admin().await;
        f.fleet(&admin).await;
        let owner = f.token_of("owner@example.com").await;
        let get = async |path: &str| f.call("GET", path, &owner, None).await.expect(200).json();
        let organization = get(ACME).await["id"].clone();
        let workspace = get(&format!("{ACME}/workspaces")).await["items"][0]["id"].clone();
        let deployment = get(&format!("{ACME}/deployments")).await["items"][0]["id"].clone();
        Self {
            f,
            admin,
            owner,
            organization,
            workspace,
            deployment,
        }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        self.ask_as(&self.owner, method, path, body).await
    }

    pub(crate) async fn ask_as(&self, who: &str, method: &str, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then_some(body);
        self.f.call(method, path, who, body).await
    }

    /// Makes a role and says where it is.
    pub(crate) async fn role(&self, name: &str, scope: &str, permissions: &[&str]) -> String {
        let body = role(name, scope, permissions);
        let made = self.ask("POST", ROLES, body).await.expect(201).json();
        format!("{ROLES}/{}", made["id"].as_str().unwrap())
    }

    pub(crate) async fn person(&self, email: &str) -> Value {
        let people = self.ask("GET", &format!("{ACME}/users"), Value::Null).await;
        let people = people.expect(200).json();
        let mut people = people["items"].as_array().unwrap().iter();
        people.find(|p| p["email"] == email).unwrap()["id"].clone()
    }

    /// What gives somebody a role.
    pub(crate) async fn grant(&self, email: &str, role: &str, (kind, id): (&str, &Value)) -> Value {
        json!({"subject": {"type": "user", "id": self.person(email).await}, "role": role,
            "resource": {"type": kind, "id": id}})
    }

    pub(crate) async fn give(&self, email: &str, role: &str, at: (&str, &Value)) -> Value {
        let body = self.grant(email, role, at).await;
        self.ask("POST", GRANTS, body).await.expect(201).json()
    }
}

pub(crate) fn role(name: &str, scope: &str, permissions: &[&str]) -> Value {
    json!({"name": name, "scope": scope, "permissions": permissions})
}

fn set(names: &[&str]) -> PermissionSet {
    let parse = |name: &&str| name.parse::<Permission>().unwrap();
    names.iter().map(parse).collect()
}

#[tokio::test]
async fn p3_gates_know_what_a_role_allows_and_follow_when_it_changes() {
    let acme = Acme::new("roles-gates").await;
    let (viewer, more) = ("deployment.logs.get", [GET, OP, "deployment.logs.get"]);
    acme.f.work();
    let mut reader = Reader::new(&acme.f, &acme.admin).await;
    let path = acme.role("on-call", "DEPLOYMENT", &more).await;
    let at = ("deployment", &acme.deployment);
    let mut grant = acme.grant("owner@example.com", "on-call", at).await;
    let made = acme
        .ask("POST", GRANTS, grant.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(made["role"], "on-call");
    assert!(path.ends_with(made["roleId"].as_str().unwrap()));
    reader.until(&acme.f, |s| told(s, set(&more))).await;
    // By its id as well, which is the same grant.
    grant["role"] = made["roleId"].clone();
    acme.ask("POST", GRANTS, grant).await.expect(409);

    let narrow = role("watcher", "DEPLOYMENT", &[GET, viewer]);
    let put = acme.ask("PUT", &path, narrow).await.expect(200).json();
    let narrowed = reader
        .until(&acme.f, |s| told(s, set(&[GET, viewer])))
        .await;
    assert!(!told(&narrowed, set(&more)), "nobody has it any more");
    assert!(narrowed.position().seq >= put["seq"].as_u64().unwrap());
    let list = acme
        .ask("GET", GRANTS, Value::Null)
        .await
        .expect(200)
        .json();
    let mut grants = list["items"].as_array().unwrap().iter();
    assert!(grants.any(|grant| grant["role"] == "watcher"));

    let kept = acme
        .ask("DELETE", &path, Value::Null)
        .await
        .expect(409)
        .json();
    assert!(kept["detail"].as_str().unwrap().contains("given 1 times"));
    let end = format!("{path}?end_grants=true");
    acme.ask("DELETE", &end, Value::Null).await.expect(200);
    reader
        .until(&acme.f, |s| !told(s, set(&[GET, viewer])))
        .await;
    acme.ask("GET", &path, Value::Null).await.expect(404);
    let audit = format!("{ACME}/audit?action=role.delete");
    let audit = acme
        .ask("GET", &audit, Value::Null)
        .await
        .expect(200)
        .json();
    let changes = audit["items"][0]["changes"].to_string();
    assert!(
        changes.contains("grants") && changes.contains("watcher"),
        "{audit}"
    );
}

/// A program does what its role allows by now, not what it did when the token was made.
#[tokio::test]
async fn p3_tokens_have_roles_of_the_organizations_own_and_follow_them() {
    let acme = Acme::new("roles-tokens").await;
    let (users, config) = ("organization.users.get", "organization.config.get");
    let path = acme.role("auditor", "ORGANIZATION", &[users, config]).await;
    let tokens = format!("{ACME}/tokens");
    let body = json!({"name": "ci", "role": "auditor", "tokenExpiryPeriodInDays": 1});
    let made = acme.ask("POST", &tokens, body).await.expect(201).json();
    assert_eq!(made["roles"][0]["role"], "auditor");
    let value = made["token"].as_str().unwrap();
    let people = format!("{ACME}/users");
    acme.ask_as(value, "GET", &people, Value::Null)
        .await
        .expect(200);
    let narrow = role("auditor", "ORGANIZATION", &[config]);
    acme.ask("PUT", &path, narrow).await.expect(200);
    acme.ask_as(value, "GET", &people, Value::Null)
        .await
        .expect(403);
    // Beside another one, and in place of it.
    let at = format!("{tokens}/{}", made["id"].as_str().unwrap());
    let entity = json!({"entityType": "ORGANIZATION", "entityId": acme.organization,
        "role": "ORGANIZATION_MEMBER"});
    let mut own = entity.clone();
    own["role"] = json!("auditor");
    let roles = json!({"roles": [entity, own]});
    let both = acme.ask("POST", &format!("{at}/roles"), roles).await;
    assert_eq!(
        both.expect(200).json()["roles"].as_array().unwrap().len(),
        2
    );
    acme.ask("POST", &format!("{at}/rotate"), json!({}))
        .await
        .expect(200);
    // Gates judge these by themselves, and know built-in roles alone.
    acme.role("runner", "DEPLOYMENT", &[GET]).await;
    let direct = json!({"name": "d", "kind": "DIRECT_ACCESS", "scope": "DEPLOYMENT",
        "entityId": acme.deployment, "role": "runner", "tokenExpiryPeriodInDays": 1});
    let direct = acme.ask("POST", &tokens, direct).await.expect(422).json();
    let errors = direct["errors"].to_string();
    assert!(errors.contains("built-in role"), "{errors}");
}

#[tokio::test]
async fn p7_nobody_makes_changes_or_gives_a_role_beyond_what_they_hold() {
    let acme = Acme::new("roles-escalation").await;
    let people = [
        "organization.config.get",
        "organization.iam.update",
        "organization.users.get",
        GET,
    ];
    let path = acme.role("people", "ORGANIZATION", &people).await;
    let strong = acme
        .role("strong", "ORGANIZATION", &["organization.config.update"])
        .await;
    acme.give(
        "eve@example.com",
        "people",
        ("organization", &acme.organization),
    )
    .await;
    let eve = acme.f.token_of("eve@example.com").await;
    let ask =
        async |method: &str, path: &str, body: Value| acme.ask_as(&eve, method, path, body).await;
    // Made.
    let more = role("more", "DEPLOYMENT", &[GET, "deployment.airflow.admin"]);
    let refused = ask("POST", ROLES, more).await.expect(403).json();
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("deployment.airflow.admin") && !detail.contains(GET),
        "{detail}"
    );
    ask("POST", ROLES, role("doors", "DEPLOYMENT", &[GET]))
        .await
        .expect(201);
    // Changed: their own, and one that holds more already.
    let mut wider = people.to_vec();
    wider.push("organization.audit.get");
    ask("PUT", &path, role("people", "ORGANIZATION", &wider))
        .await
        .expect(403);
    let other = ["organization.config.update", "organization.audit.get"];
    ask("PUT", &strong, role("strong", "ORGANIZATION", &other))
        .await
        .expect(403);
    // Renamed: whatever gives roles by name would give what another one of the name allows.
    let renamed = role("sturdy", "ORGANIZATION", &["organization.config.update"]);
    ask("PUT", &strong, renamed).await.expect(403);
    let same = role("strong", "ORGANIZATION", &["organization.config.update"]);
    ask("PUT", &strong, same).await.expect(200);
    // Given, in each way there is.
    let at = ("organization", &acme.organization);
    for role in ["strong", "ORGANIZATION_OWNER"] {
        let grant = acme.grant("eve@example.com", role, at).await;
        ask("POST", GRANTS, grant).await.expect(403);
        let user = json!({"email": "new@example.com", "role": role});
        ask("POST", &format!("{ACME}/users"), user)
            .await
            .expect(403);
    }
    let user = json!({"email": "new@example.com", "role": "people"});
    ask("POST", &format!("{ACME}/users"), user)
        .await
        .expect(201);
    let makers = [
        "organization.config.get",
        "organization.serviceAccounts.get",
        "organization.serviceAccounts.create",
        "organization.serviceAccounts.update",
    ];
    acme.role("makers", "ORGANIZATION", &makers).await;
    acme.give("member@example.com", "makers", at).await;
    let member = acme.f.token_of("member@example.com").await;
    let tokens = format!("{ACME}/tokens");
    let mut ids = Vec::new();
    for (role, status) in [("strong", 403), ("people", 403), ("makers", 201)] {
        let body = json!({"name": role, "role": role, "tokenExpiryPeriodInDays": 1});
        acme.ask_as(&member, "POST", &tokens, body.clone())
            .await
            .expect(status);
        let made = acme.ask("POST", &tokens, body).await.expect(201).json();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    // A value of somebody else's token that holds more would be as good as the role.
    let rotate = |id: &str| format!("{tokens}/{id}/rotate");
    acme.ask_as(&member, "POST", &rotate(&ids[0]), json!({}))
        .await
        .expect(403);
    acme.ask_as(&member, "POST", &rotate(&ids[2]), json!({}))
        .await
        .expect(200);
}

/// Rows A9 and D9: who holds everything through a role of the organization's own owns it not.
#[tokio::test]
async fn d9_a_role_that_allows_everything_makes_no_owner() {
    let acme = Acme::new("roles-owner").await;
    let path = "/v1/authorization/permission-groups";
    let groups = acme.ask("GET", path, Value::Null).await.expect(200).json();
    let groups = groups["items"].as_array().unwrap().iter();
    let all = groups.flat_map(|group| group["permissions"].as_array().unwrap().clone());
    let fits = |p: &Value| p["customScopes"].to_string().contains("ORGANIZATION");
    let names: Vec<String> = all
        .filter(fits)
        .map(|p| p["name"].as_str().unwrap().to_owned())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    acme.role("everything", "ORGANIZATION", &names).await;
    let at = ("organization", &acme.organization);
    acme.give("eve@example.com", "everything", at).await;
    let eve = acme.f.token_of("eve@example.com").await;
    let list = acme
        .ask_as(&eve, "GET", GRANTS, Value::Null)
        .await
        .expect(200)
        .json();
    let mut grants = list["items"].as_array().unwrap().iter();
    let owner = grants
        .find(|grant| grant["role"] == "ORGANIZATION_OWNER")
        .unwrap();
    let owner = format!("{GRANTS}/{}", owner["id"].as_str().unwrap());
    acme.ask_as(&eve, "DELETE", &owner, Value::Null)
        .await
        .expect(409);
    let direct = json!({"name": "d", "kind": "DIRECT_ACCESS", "scope": "DEPLOYMENT",
        "entityId": acme.deployment, "tokenExpiryPeriodInDays": 1});
    let tokens = format!("{ACME}/tokens");
    acme.ask_as(&eve, "POST", &tokens, direct).await.expect(403);
}

#[tokio::test]
async fn a_role_is_given_where_it_is_for_and_in_its_workspaces_alone() {
    let acme = Acme::new("roles-places").await;
    let other = acme
        .ask(
            "POST",
            &format!("{ACME}/workspaces"),
            json!({"name": "ops"}),
        )
        .await;
    let other = other.expect(201).json()["id"].clone();
    let mut body = role("sellers", "WORKSPACE", &["workspace.config.get", GET]);
    body["restrictedWorkspaceIds"] = json!([acme.workspace]);
    body["description"] = json!("in sales alone");
    let made = acme
        .ask("POST", ROLES, body.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(made["restrictedWorkspaceIds"], json!([acme.workspace]));
    let wrong = [
        ("workspace", &other),
        ("deployment", &acme.deployment),
        ("organization", &acme.organization),
    ];
    for at in wrong {
        let grant = acme.grant("eve@example.com", "sellers", at).await;
        let refused = acme.ask("POST", GRANTS, grant).await.expect(422).json();
        assert_eq!(refused["errors"][0]["at"], "role", "{refused}");
    }
    acme.give("eve@example.com", "sellers", ("workspace", &acme.workspace))
        .await;
    // Moved to another workspace, where nobody has it.
    let path = format!("{ROLES}/sellers");
    body["restrictedWorkspaceIds"] = json!([other]);
    let kept = acme
        .ask("PUT", &path, body.clone())
        .await
        .expect(409)
        .json();
    assert!(
        kept["detail"].as_str().unwrap().contains("1 times"),
        "{kept}"
    );
    let end = format!("{path}?end_grants=true");
    let moved = acme.ask("PUT", &end, body.clone()).await.expect(200).json();
    assert_eq!(moved["endedGrants"], 1);
    let one = acme.ask("GET", &path, Value::Null).await.expect(200).json();
    assert_eq!(
        (&one["grants"], &one["revision"]),
        (&json!(0), &moved["revision"])
    );
    // A workspace that is gone stands in nobody's way.
    let gone = format!("{ACME}/workspaces/{}", other.as_str().unwrap());
    acme.ask("DELETE", &gone, Value::Null).await.expect(200);
    acme.ask("PUT", &path, body).await.expect(200);
    // What never fits.
    let wide = role("wide", "DEPLOYMENT", &[GET, "workspace.config.get"]);
    let mut nowhere = role("nowhere", "ORGANIZATION", &["organization.config.get"]);
    nowhere["restrictedWorkspaceIds"] = json!([acme.workspace]);
    let mut foreign = role("foreign", "WORKSPACE", &["workspace.config.get"]);
    foreign["restrictedWorkspaceIds"] = json!([acme.organization]);
    let direct = role(
        "makers",
        "ORGANIZATION",
        &["organization.directTokens.create"],
    );
    let system = role("system", "ORGANIZATION", &["system.apply"]);
    let like = role("workspace-owner", "WORKSPACE", &["workspace.config.get"]);
    let older = role("workspace-admin", "WORKSPACE", &["workspace.config.get"]);
    let id = role(
        acme.workspace.as_str().unwrap(),
        "WORKSPACE",
        &["workspace.config.get"],
    );
    let nothing = role("nothing", "WORKSPACE", &[]);
    for body in [
        wide, nowhere, foreign, direct, system, like, older, id, nothing,
    ] {
        acme.ask("POST", ROLES, body).await.expect(422);
    }
    let scope = role("sellers", "DEPLOYMENT", &[GET]);
    acme.ask("PUT", &path, scope).await.expect(422);
    let taken = role("sellers", "DEPLOYMENT", &[GET]);
    assert_eq!(
        acme.ask("POST", ROLES, taken).await.expect(409).json()["code"],
        "taken"
    );
}

/// Row P5: what there is to choose from.
#[tokio::test]
async fn p5_the_list_has_the_built_in_roles_and_the_catalogue_every_permission() {
    let acme = Acme::new("roles-list").await;
    let path = acme.role("on-call", "DEPLOYMENT", &[GET]).await;
    let list = acme
        .ask("GET", &format!("{ROLES}?limit=1"), Value::Null)
        .await;
    let list = list.expect(200).json();
    let items = list["items"].as_array().unwrap();
    let kinds = |kind: &str| items.iter().filter(|role| role["kind"] == kind).count();
    assert_eq!((kinds("BUILT_IN"), kinds("CUSTOM")), (12, 1));
    let admin = acme
        .ask("GET", &format!("{ROLES}/DEPLOYMENT_ADMIN"), Value::Null)
        .await;
    let admin = admin.expect(200).json();
    let shipped = aeolus_model::Role::DeploymentAdmin.shipped();
    assert_eq!(
        admin["permissions"],
        json!(shipped.iter().collect::<Vec<_>>())
    );
    let built_in = format!("{ROLES}/DEPLOYMENT_ADMIN");
    acme.ask("DELETE", &built_in, Value::Null).await.expect(409);

    let groups = acme
        .ask("GET", "/v1/authorization/permission-groups", Value::Null)
        .await;
    let groups = groups.expect(200).json();
    let groups = groups["items"].as_array().unwrap();
    let count = |group: &Value| group["permissions"].as_array().unwrap().len();
    assert_eq!(
        groups.iter().map(count).sum::<usize>(),
        Permission::ALL.len()
    );

    // Nobody undoes what they have not seen, and another organization's role is none of here.
    let body = Some(role("on-call", "DEPLOYMENT", &[GET, OP]));
    let seen = [("if-match", "\"7\"")];
    let late = acme.f.call_with(("PUT", &path), &acme.owner, &seen, body);
    late.await.expect(412);
    let beta = json!({"name": "beta"});
    acme.ask_as(&acme.admin, "POST", "/v1/organizations", beta)
        .await
        .expect(201);
    let there = path.replace("/acme/", "/beta/");
    acme.ask_as(&acme.admin, "GET", &there, Value::Null)
        .await
        .expect(404);
    let id = path.rsplit('/').next().unwrap();
    let user = json!({"email": "b@example.com", "role": id});
    let user = acme
        .ask_as(&acme.admin, "POST", "/v1/organizations/beta/users", user)
        .await;
    user.expect(422);
}
