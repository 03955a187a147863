//! Roles of provisioned groups, and whose Teams they are.

use aeolus_control::Provisioning;
use aeolus_model::{Action, TeamId, UserId};
use aeolus_store::{ManagedBy, ScimGroup, ScimUser, Team, Unit as _, User};
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::Fixture;
use crate::scim_client::{Client, fixture};
use crate::scim_groups::{group, id, members, pushed};

on_every_engine! {
    scim_template_gives_a_group_its_role_when_it_is_made,
    a16_a_rename_to_a_mapped_name_and_roles_that_are_sent_give_nothing,
    scim_template_applied_again_gives_and_takes_what_the_configuration_says_now,
    scim_teams_are_changed_by_their_client_alone,
    scim_d9_a_client_takes_out_the_last_owner_and_it_is_told,
}

/// So many users of a connection, straight into the database: their ids.
pub(crate) async fn many(f: &Fixture, client: &Client<'_>, count: usize) -> Vec<String> {
    let now = f.clock_now();
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..count {
        let id = UserId::random(&*f.rng);
        let name = format!("many-{number}@corp.test");
        let user = User {
            id,
            email: name.parse().unwrap(),
            name: name.clone(),
            password_hash: None,
            disabled_at: None,
            created_at: now,
            managed_by: ManagedBy::Api,
            revision: 1,
        };
        write.users().insert(&user).await.unwrap();
        let scim = ScimUser {
            connection: client.connection,
            id,
            user_name: name.clone(),
            name_key: name.clone(),
            external_id: None,
            tree: json!({"userName": name}).to_string(),
            made: true,
            off: false,
            version: 1,
            created_at: now,
            changed_at: now,
        };
        write.scim_users().insert(&scim, &[]).await.unwrap();
        ids.push(id.to_string());
    }
    write.commit().await.unwrap();
    ids
}

/// A connection of the configuration with a template.
pub(crate) fn provisioning() -> Provisioning {
    let settings = json!({"organization": "acme", "teamTemplates": [
        {"match": "airflow-(.+)-ops", "role": "WORKSPACE_OPERATOR", "workspace": "$1"}]});
    Provisioning {
        settings: serde_json::from_value(settings).unwrap(),
        ..crate::scim_caller::provisioning("okta", "u:p")
    }
}

/// A group of that connection whose Team hasn't been given yet what the template says.
pub(crate) async fn unsettled(f: &Fixture) {
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let (acme, okta) = ("acme".parse().unwrap(), "okta".parse().unwrap());
    let acme = write.organizations().by_name(&acme).await.unwrap().unwrap();
    let okta = write.connections().by_name(&okta).await.unwrap().unwrap();
    let team = Team {
        id: TeamId::new(&*f.clock, &*f.rng),
        organization: acme.id,
        name: "pushed".parse().unwrap(),
        description: String::new(),
        managed_by: ManagedBy::Configuration,
        revision: 1,
    };
    let group = ScimGroup {
        team: team.id,
        connection: okta.id,
        display_name: "pushed".to_owned(),
        name_key: "pushed".to_owned(),
        external_id: None,
        made_as: "airflow-sales-ops".to_owned(),
        tree: json!({"displayName": "pushed"}).to_string(),
        version: 1,
        created_at: f.clock_now(),
        changed_at: f.clock_now(),
    };
    write.teams().insert(&team).await.unwrap();
    write.scim_groups().insert(&group).await.unwrap();
    write.commit().await.unwrap();
}

fn templates() -> Value {
    json!([
        {"match": "airflow-(.+)-ops", "role": "WORKSPACE_OPERATOR", "workspace": "$1"},
        {"match": "airflow-(.+)-(.+)-viewers", "role": "DEPLOYMENT_VIEWER", "workspace": "$1", "deployment": "$2"},
        {"match": "owners", "role": "ORGANIZATION_OWNER"},
    ])
}

async fn client<'f>(f: &'f Fixture, templates: &Value) -> Client<'f> {
    let config = json!({"clientId": "aeolus", "discoveryUrl": "https://okta.test/v2.0",
        "provision": {"domains": ["corp.test"], "organization": "acme"},
        "scim": {"organization": "acme", "teamTemplates": templates}});
    Client::with(f, "okta", "okta", config).await
}

/// Other templates from now on.
async fn configure(f: &Fixture, client: &Client<'_>, templates: Value) {
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    let mut row = write
        .connections()
        .get(client.connection)
        .await
        .unwrap()
        .unwrap();
    let mut config: Value = serde_json::from_str(&row.config).unwrap();
    config["scim"]["teamTemplates"] = templates;
    row.config = config.to_string();
    write.connections().update(&row).await.unwrap();
    write.commit().await.unwrap();
}

/// The roles of a group's Team, with the kinds of their places.
async fn roles(f: &Fixture, path: &str) -> Vec<String> {
    let admin = f.admin().await;
    let team = format!("/v1/organizations/acme/teams/{}", id(path));
    let shown = f.call("GET", &team, &admin, None).await.expect(200).json();
    let roles = shown["roles"].as_array().cloned().unwrap_or_default();
    let mut roles: Vec<String> = roles
        .iter()
        .map(|grant| grant["role"].as_str().unwrap().to_owned())
        .collect();
    roles.sort();
    roles
}

async fn scim_template_gives_a_group_its_role_when_it_is_made(database: Option<String>) {
    let f = fixture("scim_template_gives", database).await;
    let okta = client(&f, &templates()).await;
    for (name, expected) in [
        ("airflow-sales-ops", vec!["WORKSPACE_OPERATOR"]),
        ("airflow-sales-etl-viewers", vec!["DEPLOYMENT_VIEWER"]),
        ("owners", vec!["ORGANIZATION_OWNER"]),
        ("airflow-nowhere-ops", vec![]),
        ("airflow-sales-none-viewers", vec![]),
        ("anything", vec![]),
    ] {
        let path = pushed(&okta, name, &[]).await;
        assert_eq!(roles(&f, &path).await, expected, "{name}");
    }
    let lines = f.audited(Action::TeamCreate).await;
    let told = lines.iter().flat_map(|line| &line.changes);
    let told: Vec<_> = told.filter(|change| change.field == "notGiven").collect();
    assert_eq!(told.len(), 2);
    assert!(told[0].after.as_deref().unwrap().contains("nowhere"));
    // 23: the role is the Team's, whatever the group is called.
    let path = pushed(&okta, "AIRFLOW", &[]).await;
    assert_eq!(roles(&f, &path).await, Vec::<String>::new());
}

async fn a16_a_rename_to_a_mapped_name_and_roles_that_are_sent_give_nothing(
    database: Option<String>,
) {
    let f = fixture("a16_scim", database).await;
    let okta = client(&f, &templates()).await;
    let ann = okta.make("ann").await;
    let path = pushed(&okta, "harmless", &[id(&ann)]).await;
    let rename = json!([{"op": "replace", "value": {"displayName": "owners"}}]);
    okta.patch(&path, rename).await.expect(200);
    assert_eq!(roles(&f, &path).await, Vec::<String>::new());
    okta.put(&path, group("airflow-sales-ops", &[id(&ann)]))
        .await
        .expect(200);
    assert_eq!(roles(&f, &path).await, Vec::<String>::new());
    // Nor by what is applied later: templates look at the name that the group was made under.
    let admin = f.admin().await;
    let at = "/v1/connections/okta/scim/templates:apply";
    let done = f.call("POST", at, &admin, None).await.expect(200).json();
    assert_eq!((&done["applied"], done.get("seq")), (&json!(true), None));
    assert_eq!(done["groups"][0]["madeAs"], "harmless");
    assert_eq!(roles(&f, &path).await, Vec::<String>::new());
    // A mapped group that is renamed keeps what it has.
    let mapped = pushed(&okta, "owners", &[]).await;
    okta.put(&mapped, group("former owners", &[]))
        .await
        .expect(200);
    assert_eq!(roles(&f, &mapped).await, ["ORGANIZATION_OWNER"]);
    // Roles and entitlements of users are kept and mean nothing.
    let mut body = crate::scim_client::user("ann");
    body["roles"] = json!([{"value": "SYSTEM_ADMIN", "primary": true}]);
    body["entitlements"] = json!([{"value": "ORGANIZATION_OWNER"}]);
    okta.put(&ann, body).await.expect(200);
    let access = "/v1/organizations/acme/grants?limit=200";
    let grants = f.call("GET", access, &admin, None).await.expect(200).text();
    let granted = grants.matches(id(&ann)).count();
    assert!(granted <= 1, "{grants}");
    assert!(!grants.contains("SYSTEM_ADMIN"));
}

async fn scim_template_applied_again_gives_and_takes_what_the_configuration_says_now(
    database: Option<String>,
) {
    let f = fixture("scim_template_again", database).await;
    let okta = client(&f, &templates()).await;
    let later = pushed(&okta, "airflow-later-ops", &[]).await;
    let sales = pushed(&okta, "airflow-sales-ops", &[]).await;
    let admin = f.admin().await;
    // What people give besides is theirs.
    let by_hand = json!({"subject": {"type": "team", "id": id(&sales)}, "role": "ORGANIZATION_MEMBER",
        "resource": {"type": "organization", "id": organization(&f, &admin).await}});
    let given = f
        .call(
            "POST",
            "/v1/organizations/acme/grants",
            &admin,
            Some(by_hand),
        )
        .await;
    given.expect(201);
    let workspace = json!({"name": "later"});
    f.call(
        "POST",
        "/v1/organizations/acme/workspaces",
        &admin,
        Some(workspace),
    )
    .await
    .expect(201);
    configure(
        &f,
        &okta,
        json!([
            {"match": "airflow-sales-ops", "role": "WORKSPACE_AUTHOR", "workspace": "sales"},
            {"match": "airflow-(.+)-ops", "role": "WORKSPACE_OPERATOR", "workspace": "$1"},
        ]),
    )
    .await;
    let at = "/v1/connections/okta/scim/templates:apply";
    let dry = f
        .call("POST", &format!("{at}?dry_run=true"), &admin, None)
        .await
        .expect(200)
        .json();
    assert_eq!(dry["applied"], false);
    let groups = dry["groups"].as_array().unwrap();
    assert_eq!(
        (&groups[0]["displayName"], &groups[0]["template"]),
        (&json!("airflow-later-ops"), &json!(1))
    );
    assert!(
        groups[0]["gives"][0]
            .as_str()
            .unwrap()
            .eq("WORKSPACE_OPERATOR at acme/later")
    );
    assert!(
        groups[1]["gives"][0]
            .as_str()
            .unwrap()
            .eq("WORKSPACE_AUTHOR at acme/sales")
    );
    assert!(
        groups[1]["takes"][0]
            .as_str()
            .unwrap()
            .eq("WORKSPACE_OPERATOR at acme/sales")
    );
    assert_eq!(roles(&f, &later).await, Vec::<String>::new());
    let owner = f.token_of("owner@example.com").await;
    f.call("POST", at, &owner, None).await.expect(403);
    let done = f.call("POST", at, &admin, None).await.expect(200).json();
    assert_eq!(
        (&done["applied"], &done["groups"]),
        (&json!(true), &dry["groups"])
    );
    assert_eq!(roles(&f, &later).await, ["WORKSPACE_OPERATOR"]);
    assert_eq!(
        roles(&f, &sales).await,
        ["ORGANIZATION_MEMBER", "WORKSPACE_AUTHOR"]
    );
    let again = f.call("POST", at, &admin, None).await.expect(200).json();
    assert_eq!(again.get("seq"), None);
    configure(&f, &okta, json!([])).await;
    f.call("POST", at, &admin, None).await.expect(200);
    assert_eq!(roles(&f, &sales).await, ["ORGANIZATION_MEMBER"]);
}

async fn organization(f: &Fixture, admin: &str) -> String {
    let shown = f.call("GET", "/v1/organizations/acme", admin, None).await;
    shown.expect(200).json()["id"].as_str().unwrap().to_owned()
}

async fn scim_teams_are_changed_by_their_client_alone(database: Option<String>) {
    let f = fixture("scim_teams_alone", database).await;
    let okta = client(&f, &json!([])).await;
    let ann = okta.make("ann").await;
    let path = pushed(&okta, "Ops", &[id(&ann)]).await;
    let admin = f.admin().await;
    let team = format!("/v1/organizations/acme/teams/{}", id(&path));
    let somebody = json!({"users": ["member@example.com"]});
    let import = json!({"rows": [{"team": "ops", "email": "member@example.com"}]});
    for (method, path, body) in [
        ("POST", format!("{team}/members"), Some(somebody)),
        ("DELETE", format!("{team}/members/{}", id(&ann)), None),
        ("PUT", team.clone(), Some(json!({"name": "mine"}))),
        ("DELETE", team.clone(), None),
    ] {
        let refused = f.call(method, &path, &admin, body).await.expect(409).json();
        assert!(
            refused["type"]
                .as_str()
                .unwrap()
                .ends_with("managed-by-scim"),
            "{refused}"
        );
    }
    let refused = f
        .call(
            "POST",
            "/v1/organizations/acme/teams:import",
            &admin,
            Some(import),
        )
        .await;
    refused.expect(422);
    // A document may give it roles, and name nobody.
    let document = |members: Value| {
        json!({"fleet": {"version": 1, "organizations": [{"name": "acme",
        "teams": [{"name": "ops", "members": members}],
        "workspaces": [{"name": "sales", "grants": [{"team": "ops", "role": "WORKSPACE_MEMBER"}]}]}]}, "secrets": {}})
    };
    let apply = |members: Value| f.call("POST", "/v1/apply", &admin, Some(document(members)));
    apply(json!(["member@example.com"])).await.expect(409);
    apply(json!([])).await.expect(200);
    assert_eq!(roles(&f, &path).await, ["WORKSPACE_MEMBER"]);
    // What it is for is said here.
    f.call(
        "PUT",
        &team,
        &admin,
        Some(json!({"description": "On call"})),
    )
    .await
    .expect(200);
    assert_eq!(members(&okta, &path).await, [id(&ann).to_owned()]);
    // The client removes it whoever gave it roles.
    okta.delete(&path).await.expect(204);
    f.call("GET", &team, &admin, None).await.expect(404);
}

async fn scim_d9_a_client_takes_out_the_last_owner_and_it_is_told(database: Option<String>) {
    let f = fixture("scim_d9", database).await;
    let okta = client(&f, &templates()).await;
    let ann = okta.make("ann").await;
    let path = pushed(&okta, "owners", &[id(&ann)]).await;
    let admin = f.admin().await;
    let owner = f
        .call(
            "GET",
            "/v1/organizations/acme/grants?limit=200",
            &admin,
            None,
        )
        .await;
    for grant in owner.expect(200).json()["items"].as_array().unwrap() {
        if grant["role"] == "ORGANIZATION_OWNER" && grant["subject"]["type"] == "user" {
            let at = format!(
                "/v1/organizations/acme/grants/{}",
                grant["id"].as_str().unwrap()
            );
            f.call("DELETE", &at, &admin, None).await.expect(200);
        }
    }
    let out = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", id(&ann))}]);
    okta.patch(&path, out).await.expect(200);
    assert_eq!(members(&okta, &path).await, Vec::<String>::new());
    let lines = f.audited(Action::TeamMembers).await;
    assert!(lines.iter().any(
        |line| line.target == id(&path) && line.changes[0].before.as_deref() == Some(id(&ann))
    ));
    okta.delete(&path).await.expect(204);
}
