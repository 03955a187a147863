//! Lists of API tokens, narrowed to what they are and what they were made for.

use serde_json::{Value, json};

use crate::fixture::Fixture;

const TOKENS: &str = "/v1/organizations/acme/tokens";

/// The names of the tokens in the answer, in alphabetical order: all are of one moment.
async fn names(f: &Fixture, owner: &str, query: &str) -> Vec<String> {
    let list = f
        .call("GET", &format!("{TOKENS}?{query}"), owner, None)
        .await;
    let list = list.expect(200).json();
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    let mut names: Vec<_> = list["items"].as_array().unwrap().iter().map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn lists_are_narrowed_to_scope_entity_and_kind() {
    let (f, admin, owner) = Fixture::new("listed").await.peopled().await;
    let workspace = f.first(&owner, "workspaces").await;
    let deployment = f.first(&owner, "deployments").await;
    let mut organization = String::new();
    for (name, scope, entity, kind, role) in [
        ("o", "ORGANIZATION", None, "STANDARD", "ORGANIZATION_OWNER"),
        (
            "w",
            "WORKSPACE",
            Some(&workspace),
            "STANDARD",
            "WORKSPACE_MEMBER",
        ),
        (
            "d",
            "DEPLOYMENT",
            Some(&deployment),
            "STANDARD",
            "DEPLOYMENT_ADMIN",
        ),
        (
            "x",
            "DEPLOYMENT",
            Some(&deployment),
            "DIRECT_ACCESS",
            "DEPLOYMENT_VIEWER",
        ),
    ] {
        let mut body = json!({"name": name, "scope": scope, "kind": kind, "role": role,
            "tokenExpiryPeriodInDays": 30});
        if let Some(entity) = entity {
            body["entityId"] = json!(entity);
        }
        let made = f.call("POST", TOKENS, &owner, Some(body)).await;
        organization = made.expect(201).json()["organizationId"]
            .as_str()
            .unwrap()
            .to_owned();
    }
    let globex = f.globex(&admin).await;
    let foreign = f
        .call("GET", "/v1/organizations/globex", &globex, None)
        .await;
    let foreign = foreign.expect(200).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (query, expected) in [
        ("scope=ORGANIZATION".to_owned(), vec!["o"]),
        ("scope=WORKSPACE".to_owned(), vec!["w"]),
        ("scope=DEPLOYMENT".to_owned(), vec!["d", "x"]),
        ("kind=STANDARD".to_owned(), vec!["d", "o", "w"]),
        ("kind=DIRECT_ACCESS".to_owned(), vec!["x"]),
        ("scope=DEPLOYMENT&kind=STANDARD".to_owned(), vec!["d"]),
        (format!("entityId={organization}"), vec!["o"]),
        (format!("entityId={workspace}"), vec!["w"]),
        (format!("entityId={deployment}"), vec!["d", "x"]),
        (format!("entityId={deployment}&scope=WORKSPACE"), vec![]),
        (format!("entityId={workspace}&olderThanDays=1"), vec![]),
        // Neither somebody else's nor nobody's.
        (format!("entityId={foreign}"), vec![]),
        (
            "entityId=01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            vec![],
        ),
    ] {
        assert_eq!(names(&f, &owner, &query).await, expected, "{query}");
    }
    for odd in [
        "scope=workspace",
        "scope=SYSTEM",
        "kind=x",
        "entityId=acme",
        "entityId=",
    ] {
        let path = format!("{TOKENS}?{odd}");
        f.call("GET", &path, &owner, None).await.expect(422);
    }
}
