//! What somebody may do somewhere, and why.

use serde_json::{Value, json};

use crate::roles::Acme;

const ETL: &str = "acme/sales/etl";

async fn explain(acme: &Acme, who: &str, (subject, resource): (&str, &str)) -> (u16, Value) {
    let path = format!("/v1/explain?subject={subject}&resource={resource}");
    let answer = acme.ask_as(who, "GET", &path, Value::Null).await;
    (answer.status.as_u16(), answer.json())
}

async fn explained(acme: &Acme, subject: &str, resource: &str) -> Value {
    let (status, body) = explain(acme, &acme.owner, (subject, resource)).await;
    assert_eq!(status, 200, "{body}");
    body
}

fn permissions(explained: &Value) -> Vec<&str> {
    let held = explained["permissions"].as_array().unwrap().iter();
    held.map(|held| held["permission"].as_str().unwrap())
        .collect()
}

/// `(role, kind, granted at, through)` of every grant.
fn ways(explained: &Value) -> Vec<[&str; 4]> {
    let ways = explained["grants"].as_array().unwrap().iter();
    let text = |value: &'_ Value| -> &'static str {
        value
            .as_str()
            .map_or("", |text| String::leak(text.to_owned()))
    };
    ways.map(|way| {
        let keys = ["role", "roleKind", "place", "throughTeam"];
        keys.map(|key| text(&way[key]))
    })
    .collect()
}

#[tokio::test]
async fn each_permission_is_told_with_the_grants_it_comes_from() {
    let acme = Acme::new("explain").await;
    let role = ["deployment.airflow.get", "deployment.variables.update"];
    acme.role("on-call", "DEPLOYMENT", &role).await;
    let at = ("deployment", &acme.deployment);
    acme.give("member@example.com", "on-call", at).await;
    let member = explained(&acme, "member@example.com", ETL).await;
    assert_eq!(member["place"], ETL);
    assert_eq!(member["airflowRole"], "op");
    let expected = [
        ["on-call", "CUSTOM", ETL, ""],
        ["WORKSPACE_OPERATOR", "BUILT_IN", "acme/sales", "data"],
    ];
    assert_eq!(
        ways(&member),
        expected,
        "and not what says nothing of deployments"
    );
    let held = member["permissions"].as_array().unwrap();
    let grants = |name: &str| {
        let mut held = held.iter().filter(|held| held["permission"] == name);
        held.next()
            .map_or(0, |held| held["grants"].as_array().unwrap().len())
    };
    assert_eq!(grants("deployment.airflow.get"), 2);
    assert_eq!(grants("deployment.logs.get"), 1);
    let all = permissions(&member);
    assert!(
        all.iter().all(|name| name.starts_with("deployment.")),
        "{all:?}"
    );

    // By id, and what the workspace's grant says of the workspace.
    let id = acme.workspace.as_str().unwrap();
    let above = explained(&acme, "member@example.com", id).await;
    assert_eq!(
        (&above["place"], &above["airflowRole"]),
        (&json!("acme/sales"), &Value::Null)
    );
    assert!(permissions(&above).contains(&"workspace.deployments.create"));
    let team = explained(&acme, "team:data", ETL).await;
    assert_eq!(
        ways(&team),
        [["WORKSPACE_OPERATOR", "BUILT_IN", "acme/sales", ""]]
    );
    // Who administers the installation is told of by their id: not every address is tried.
    let me = acme.ask_as(&acme.admin, "GET", "/v1/me", Value::Null).await;
    let id = me.expect(200).json()["actor"]["id"].clone();
    let admin = explained(&acme, id.as_str().unwrap(), ETL).await;
    assert_eq!(ways(&admin), [["SYSTEM_ADMIN", "BUILT_IN", "*", ""]]);
    let by_address = ("admin@example.com", ETL);
    assert_eq!(explain(&acme, &acme.owner, by_address).await.0, 404);
    assert_eq!(explain(&acme, &acme.admin, by_address).await.0, 200);

    let one = format!("{ETL}&permission=deployment.variables.update");
    let one = explained(&acme, "eve@example.com", &one).await;
    assert_eq!((permissions(&one), ways(&one)), (Vec::new(), Vec::new()));
    let one = format!("{ETL}&permission=deployment.variables.update");
    let one = explained(&acme, "member@example.com", &one).await;
    assert_eq!((permissions(&one).len(), ways(&one).len()), (1, 2));
}

#[tokio::test]
async fn a_tokens_authority_is_told_as_control_or_a_gate_judges_it() {
    let acme = Acme::new("explain-tokens").await;
    let make = async |body: Value| {
        let path = "/v1/organizations/acme/tokens";
        let made = acme.ask("POST", path, body).await.expect(201).json();
        made["id"].as_str().unwrap().to_owned()
    };
    let ci = make(json!({"name": "ci", "role": "ORGANIZATION_OWNER",
        "tokenExpiryPeriodInDays": 1}))
    .await;
    let owner = explained(&acme, &ci, ETL).await;
    assert_eq!(
        (&owner["name"], &owner["airflowRole"]),
        (&json!("ci"), &json!("admin"))
    );
    // Inside of these is at most what the role's own permissions were narrowed to.
    let direct = make(
        json!({"name": "d", "kind": "DIRECT_ACCESS", "scope": "DEPLOYMENT",
        "entityId": acme.deployment, "permissions": ["deployment.airflow.get"],
        "tokenExpiryPeriodInDays": 1}),
    )
    .await;
    let direct = explained(&acme, &direct, ETL).await;
    assert_eq!(permissions(&direct), ["deployment.airflow.get"]);
    assert_eq!(direct["airflowRole"], "viewer");
}

/// It says what the access review says, so it takes the same; and oneself one may always know.
#[tokio::test]
async fn p7_only_reviewers_explain_others_and_strangers_are_unknown() {
    let acme = Acme::new("explain-rights").await;
    let eve = acme.f.token_of("eve@example.com").await;
    let as_eve =
        async |subject: &str, resource: &str| explain(&acme, &eve, (subject, resource)).await.0;
    for (subject, resource, status) in [
        ("eve@example.com", ETL, 200),
        ("eve@example.com", "acme", 200),
        // Like where they look the workspace up.
        ("eve@example.com", "acme/sales", 404),
        ("eve@example.com", "acme/sales/none", 404),
        ("owner@example.com", ETL, 403),
        ("nobody@example.com", ETL, 403),
        ("team:data", ETL, 403),
    ] {
        assert_eq!(
            as_eve(subject, resource).await,
            status,
            "{subject} {resource}"
        );
    }
    let beta = json!({"name": "beta"});
    acme.ask_as(&acme.admin, "POST", "/v1/organizations", beta)
        .await
        .expect(201);
    let user = json!({"email": "b@example.com", "role": "ORGANIZATION_MEMBER"});
    let path = "/v1/organizations/beta/users";
    acme.ask_as(&acme.admin, "POST", path, user)
        .await
        .expect(201);
    let as_owner = async |subject: &str, resource: &str| {
        explain(&acme, &acme.owner, (subject, resource)).await.0
    };
    for (subject, resource, status) in [
        ("b@example.com", ETL, 404),
        ("nobody@example.com", ETL, 404),
        ("team:none", ETL, 404),
        ("owner@example.com", "beta", 404),
        ("owner@example.com", "acme/none", 404),
        ("owner@example.com", "acme/sales/etl/x", 404),
        ("owner@example.com", "acme&permission=deployment.none", 422),
    ] {
        assert_eq!(
            as_owner(subject, resource).await,
            status,
            "{subject} {resource}"
        );
    }
}
