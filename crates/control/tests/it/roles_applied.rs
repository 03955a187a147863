//! Roles that a fleet document makes for an organization, and what it counts on.

use aeolus_model::{BuiltIns, Grant, GrantId, Permission, Resource, Role, Subject};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _};
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, fleet};
use crate::roles::{ACME, Acme, GET, GRANTS, OP, ROLES, role};

const LOGS: &str = "deployment.logs.get";

/// The fleet with roles of the organization's own, and one of them given to Eve.
fn with(roles: Value, given: &str) -> Value {
    let mut body = fleet();
    // Passwords would be set anew each time.
    body["secrets"] = json!({});
    let organization = &mut body["fleet"]["organizations"][0];
    organization["roles"] = roles;
    for user in organization["users"].as_array_mut().unwrap() {
        user.as_object_mut().unwrap().remove("password");
    }
    let deployment = &mut organization["workspaces"][0]["deployments"][0];
    deployment["grants"] = json!([{"user": "eve@example.com", "role": given}]);
    body
}

fn on_call(permissions: &[&str]) -> Value {
    role("on-call", "DEPLOYMENT", permissions)
}

impl Acme {
    async fn try_apply(&self, query: &str, body: &Value) -> Answer {
        let path = format!("/v1/apply?{query}");
        self.ask_as(&self.admin, "POST", &path, body.clone()).await
    }

    /// What an apply does: `create role acme/on-call`, each with its detail.
    async fn apply(&self, query: &str, body: &Value) -> Vec<(String, String)> {
        let answer = self.try_apply(query, body).await.expect(200).json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let change = |change: &Value| {
            let (op, kind) = (text(&change["op"]), text(&change["kind"]));
            let line = format!("{op} {kind} {}", text(&change["path"]));
            (line, text(&change["detail"]))
        };
        let changes = answer["changes"].as_array().unwrap();
        changes.iter().map(change).collect()
    }

    /// A role as it is shown; none if there is none.
    async fn shown(&self, name: &str) -> Option<Value> {
        let path = format!("{ROLES}/{name}");
        let answer = self.ask("GET", &path, Value::Null).await;
        (answer.status == 200).then(|| answer.json())
    }
}

fn lines<'a>(lines: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    let owned = |(line, detail): &(&str, &str)| ((*line).to_owned(), (*detail).to_owned());
    lines.iter().map(owned).collect()
}

#[tokio::test]
async fn p3_a_fleet_document_makes_roles_and_changes_them_before_it_gives_them() {
    let acme = Acme::new("roles-applied").await;
    let mut described = on_call(&[GET, OP]);
    described["description"] = json!("whoever is woken up");
    described["workspaces"] = json!(["sales"]);
    let first = with(json!([described]), "on-call");
    let all = format!("+{GET} +{OP}");
    let made = lines(&[
        ("create role acme/on-call", &all),
        ("update grant acme/sales/etl/eve@example.com", "on-call"),
    ]);
    assert_eq!(acme.apply("dry_run=true", &first).await, made);
    assert_eq!(acme.shown("on-call").await, None, "a dry run makes nothing");
    assert_eq!(acme.apply("", &first).await, made);
    assert_eq!(acme.apply("", &first).await, []);
    let shown = acme.shown("on-call").await.unwrap();
    assert_eq!(shown["restrictedWorkspaceIds"], json!([acme.workspace]));
    assert_eq!(shown["grants"], 1);

    let second = with(json!([on_call(&[GET, LOGS])]), "on-call");
    let (path, detail) = (
        "update role acme/on-call",
        format!("+{LOGS} -{OP} description workspaces:"),
    );
    let changed = lines(&[(path, &detail)]);
    assert_eq!(acme.apply("dry_run=true", &second).await, changed);
    assert_eq!(acme.apply("", &second).await, changed);
    let shown = acme.shown("on-call").await.unwrap();
    assert_eq!(shown["permissions"], json!([GET, LOGS]));
    let audit = format!("{ACME}/audit?action=role.update");
    let audit = acme
        .ask("GET", &audit, Value::Null)
        .await
        .expect(200)
        .json();
    let change = audit["items"][0]["changes"].to_string();
    assert!(
        change.contains("whoever is woken up") && change.contains(OP),
        "{change}"
    );
}

#[tokio::test]
async fn what_can_be_no_role_is_refused_at_its_place_in_the_document() {
    let acme = Acme::new("roles-applied-refused").await;
    let refused = async |roles: Value, place: &str| {
        let answer = acme.try_apply("", &with(roles, "DEPLOYMENT_VIEWER")).await;
        let at = answer.expect(422).json()["errors"][0]["at"].clone();
        assert_eq!(at, format!("organizations[0].roles[0].{place}"));
    };
    refused(
        json!([on_call(&["workspace.iam.update"])]),
        "permissions[0]",
    )
    .await;
    refused(
        json!([role("workspace-owner", "WORKSPACE", &[GET])]),
        "name",
    )
    .await;
    let mut nowhere = on_call(&[GET]);
    nowhere["workspaces"] = json!(["mars"]);
    refused(json!([nowhere]), "workspaces[0]").await;
    acme.apply("", &with(json!([on_call(&[GET])]), "DEPLOYMENT_VIEWER"))
        .await;
    refused(json!([role("on-call", "WORKSPACE", &[GET])]), "scope").await;
    // A role that nobody made is none.
    let unknown = acme.try_apply("", &with(json!([]), "watcher")).await;
    let unknown = unknown.expect(422).json();
    assert_eq!(unknown["errors"][0]["at"], "acme/sales/etl", "{unknown}");
}

#[tokio::test]
async fn a_prune_deletes_roles_of_applies_with_their_grants_and_none_of_others() {
    let acme = Acme::new("roles-applied-prune").await;
    acme.role("by-hand", "DEPLOYMENT", &[GET]).await;
    let by_hand = role("by-hand", "DEPLOYMENT", &[GET, LOGS]);
    let both = with(json!([on_call(&[GET, OP]), by_hand]), "on-call");
    let first = acme.apply("", &both).await;
    let detail = format!("+{LOGS}");
    assert!(
        first.contains(&("update role acme/by-hand".to_owned(), detail)),
        "{first:?}"
    );
    let at = ("deployment", &acme.deployment);
    acme.give("owner@example.com", "on-call", at).await;

    // What is given still stays, whatever is asked for.
    let given = with(json!([]), "on-call");
    let kept = lines(&[("keep role acme/on-call", "it is given, and made no more")]);
    assert_eq!(acme.apply("prune=true", &given).await, kept);

    let none = with(json!([]), "DEPLOYMENT_VIEWER");
    let stays = acme.apply("", &none).await;
    assert!(
        stays.contains(&("keep role acme/on-call".to_owned(), String::new())),
        "{stays:?}"
    );
    let pruned = lines(&[
        ("delete role acme/on-call", ""),
        ("delete grant acme/sales/etl/owner@example.com", "on-call"),
    ]);
    assert_eq!(acme.apply("dry_run=true&prune=true", &none).await, pruned);
    assert_eq!(acme.shown("on-call").await.unwrap()["grants"], 1);
    assert_eq!(acme.apply("prune=true", &none).await, pruned);
    assert_eq!(acme.shown("on-call").await, None);
    assert!(acme.shown("by-hand").await.is_some());
    let grants = acme.ask("GET", GRANTS, Value::Null).await.expect(200);
    assert!(!grants.text().contains("on-call"));
}

/// Nobody puts into a role what they don't hold, by whichever way; what they don't hold they take away.
#[tokio::test]
async fn p7_who_applies_a_document_makes_no_role_beyond_what_they_hold() {
    let mut here = BuiltIns::default();
    let op = Permission::DeploymentAirflowOp;
    here.customise(Role::SystemAdmin, op, false).unwrap();
    let f = Fixture::configured("roles-applied-p7", |config| config.built_ins = here).await;
    let acme = Acme::of(f).await;
    let refused = async |body: Value| {
        let refused = acme.try_apply("", &body).await.expect(403);
        assert!(
            refused.text().contains(OP) || refused.text().contains("on-call"),
            "{}",
            refused.text()
        );
    };
    refused(with(json!([on_call(&[GET, OP])]), "DEPLOYMENT_VIEWER")).await;
    assert_eq!(acme.shown("on-call").await, None, "nothing was made");
    // The owner holds it.
    acme.role("on-call", "DEPLOYMENT", &[GET, OP]).await;
    refused(with(json!([]), "on-call")).await;
    refused(with(json!([on_call(&[GET, OP])]), "on-call")).await;
    refused(with(
        json!([on_call(&[GET, OP, "deployment.airflow.user"])]),
        "on-call",
    ))
    .await;
    let narrow = acme
        .apply("", &with(json!([on_call(&[GET])]), "on-call"))
        .await;
    let detail = format!("-{OP}");
    assert_eq!(narrow[0], ("update role acme/on-call".to_owned(), detail));
}

#[tokio::test]
async fn a_role_that_a_document_makes_or_gives_keeps_its_name() {
    let acme = Acme::new("roles-applied-managed").await;
    let path = acme.role("watcher", "DEPLOYMENT", &[GET]).await;
    let refused = async |method: &str, path: &str, body: Value| {
        let refused = acme.ask(method, path, body).await.expect(409).json();
        assert_eq!(refused["code"], "managed-by-document", "{refused}");
        assert!(
            refused["detail"]
                .as_str()
                .unwrap()
                .contains("Change the document")
        );
    };
    let body = with(json!([on_call(&[GET, OP])]), "watcher");
    acme.apply("", &body).await;
    for path in [path.as_str(), &format!("{ROLES}/on-call")] {
        refused("DELETE", path, Value::Null).await;
        refused("DELETE", &format!("{path}?end_grants=true"), Value::Null).await;
        refused("PUT", path, role("other", "DEPLOYMENT", &[GET])).await;
    }
    // Nor is it kept from a place where the document gives it.
    let other = json!({"name": "hr"});
    let other = acme.ask("POST", &format!("{ACME}/workspaces"), other).await;
    let mut elsewhere = role("watcher", "DEPLOYMENT", &[GET]);
    elsewhere["restrictedWorkspaceIds"] = json!([other.expect(201).json()["id"]]);
    refused("PUT", &format!("{path}?end_grants=true"), elsewhere).await;

    // What is dangerous is taken out of it at once, until the next apply sets it back, as with all that a
    // document says.
    let narrow = on_call(&[GET]);
    acme.ask("PUT", &format!("{ROLES}/on-call"), narrow)
        .await
        .expect(200);
    let back = lines(&[("update role acme/on-call", &format!("+{OP}"))]);
    assert_eq!(acme.apply("", &body).await, back);

    // The document lets go of both.
    acme.apply("prune=true", &with(json!([]), "DEPLOYMENT_VIEWER"))
        .await;
    acme.ask("DELETE", &path, Value::Null).await.expect(200);
    assert_eq!(acme.shown("on-call").await, None);
}

#[tokio::test]
async fn a_document_keeps_a_role_to_some_workspaces_if_nobody_has_it_elsewhere() {
    let acme = Acme::new("roles-applied-inside").await;
    let everywhere = with(json!([on_call(&[GET])]), "DEPLOYMENT_VIEWER");
    acme.apply("", &everywhere).await;
    let at = ("deployment", &acme.deployment);
    acme.give("owner@example.com", "on-call", at).await;
    let mut only = everywhere.clone();
    let organization = &mut only["fleet"]["organizations"][0];
    let workspaces = organization["workspaces"].as_array_mut().unwrap();
    workspaces.push(json!({"name": "hr"}));
    organization["roles"][0]["workspaces"] = json!(["hr"]);
    let refused = acme.try_apply("", &only).await.expect(409).json();
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("1 times outside"),
        "{refused}"
    );
    let done = lines(&[
        ("create workspace acme/hr", ""),
        ("update role acme/on-call", "workspaces: hr"),
        ("delete grant acme/sales/etl/owner@example.com", "on-call"),
    ]);
    assert_eq!(acme.apply("prune=true", &only).await, done);
    assert_eq!(acme.apply("prune=true", &only).await, []);
}

#[tokio::test]
async fn an_organization_with_a_role_that_no_apply_made_is_not_pruned() {
    let acme = Acme::new("roles-applied-organization").await;
    let mut without = fleet();
    without["fleet"]["organizations"] = json!([]);
    without["secrets"] = json!({});
    let path = acme.role("by-hand", "DEPLOYMENT", &[GET]).await;
    let kept = acme.apply("prune=true", &without).await;
    let why = "it holds things that no apply made".to_owned();
    assert!(
        kept.contains(&("keep organization acme".to_owned(), why)),
        "{kept:?}"
    );
    acme.ask("DELETE", &path, Value::Null).await.expect(200);
    acme.apply("", &with(json!([on_call(&[GET])]), "on-call"))
        .await;
    let pruned = acme.apply("prune=true", &without).await;
    let gone = ("delete organization acme".to_owned(), String::new());
    assert!(pruned.contains(&gone), "{pruned:?}");
}

/// Who may apply documents isn't for that alone an administrator of anything (P7).
#[tokio::test]
async fn p7_no_self_promotion_by_a_document() {
    let mut here = BuiltIns::default();
    for permission in [Permission::SystemApply, Permission::OrganizationUsersGet] {
        here.customise(Role::SystemEditor, permission, true)
            .unwrap();
    }
    let f = Fixture::configured("no-self-promotion", |config| config.built_ins = here).await;
    let acme = Acme::of(f).await;
    let store = acme.f.store().await;
    let mut write = store.write().await.unwrap();
    let eve = "eve@example.com".parse().unwrap();
    let eve = write.users().by_email(&eve).await.unwrap().unwrap();
    let record = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*acme.f.clock, &*acme.f.rng),
            subject: Subject::User(eve.id),
            role: Role::SystemEditor.into(),
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&record).await.unwrap();
    write.commit().await.unwrap();
    let eve = acme.f.token_of("eve@example.com").await;
    let apply = async |body: Value| acme.ask_as(&eve, "POST", "/v1/apply", body).await;
    let document = |change: &dyn Fn(&mut Value)| {
        let mut body = with(json!([]), "DEPLOYMENT_VIEWER");
        change(&mut body["fleet"]["organizations"][0]);
        body
    };
    let person = |email: &str| {
        let email = email.to_owned();
        move |organization: &mut Value, field: &str, value: Value| {
            let users = organization["users"].as_array_mut().unwrap();
            let user = users
                .iter_mut()
                .find(|user| user["email"] == email.as_str());
            user.unwrap()[field] = value;
        }
    };
    // What they may give they give.
    let operator = document(&|organization| {
        let workspace = &mut organization["workspaces"][0];
        workspace["grants"] = json!([{"user": "eve@example.com", "role": "WORKSPACE_OPERATOR"}]);
    });
    apply(operator).await.expect(200);
    // An owner's role, an owner's password, an owner's name, an owner's team.
    let eve_owns = document(&|organization| {
        person("eve@example.com")(organization, "role", json!("ORGANIZATION_OWNER"));
    });
    apply(eve_owns).await.expect(403);
    let mut password = document(&|organization| {
        person("owner@example.com")(organization, "password", json!({"env": "P"}));
    });
    let users = password["fleet"]["organizations"][0]["users"].as_array();
    let index = users.unwrap().iter();
    let index = index
        .clone()
        .position(|user| user["email"] == "owner@example.com");
    let place = format!("organizations[0].users[{}].password", index.unwrap());
    password["secrets"] = json!({ place: "another horse battery" });
    apply(password).await.expect(403);
    let name = document(&|organization| {
        person("owner@example.com")(organization, "name", json!("Somebody else"));
    });
    apply(name).await.expect(403);
    let mut connection = document(&|_| {});
    connection["fleet"]["connections"] = json!([{"name": "mine", "type": "okta", "clientId": "c", "discoveryUrl": "https://x.example.com"}]);
    apply(connection).await.expect(403);
    // The administrator does all of it.
    let eve_owns = document(&|organization| {
        person("eve@example.com")(organization, "role", json!("ORGANIZATION_OWNER"));
    });
    acme.try_apply("", &eve_owns).await.expect(200);
}
