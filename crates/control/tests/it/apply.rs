//! Fleet documents.

use serde_json::{Value, json};

use crate::fixture::{ADMIN, Fixture, fleet};

async fn apply(f: &Fixture, admin: &str, query: &str, body: Value) -> Value {
    let path = format!("/v1/apply?{query}");
    f.call("POST", &path, admin, Some(body))
        .await
        .expect(200)
        .json()
}

fn ops(answer: &Value) -> Vec<String> {
    let changes = answer["changes"].as_array().unwrap().iter();
    let line = |c: &Value| format!("{} {} {}", c["op"], c["kind"], c["path"]).replace('"', "");
    changes.map(line).collect()
}

#[tokio::test]
async fn applying_twice_changes_nothing_the_second_time() {
    let f = Fixture::new("twice").await;
    let admin = f.admin().await;
    let first = apply(&f, &admin, "", fleet()).await;
    assert!(ops(&first).contains(&"create deployment acme/sales/etl".to_owned()));
    assert!(first["seq"].as_u64().is_some());
    let second = apply(&f, &admin, "", fleet()).await;
    assert_eq!(ops(&second), Vec::<String>::new());
    assert!(second.get("seq").is_none());
    f.token_of("owner@example.com").await;
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_does_nothing() {
    let f = Fixture::new("dry").await;
    let admin = f.admin().await;
    let dry = apply(&f, &admin, "dry_run=true", fleet()).await;
    assert_eq!(dry["applied"], false);
    f.call("GET", "/v1/organizations/acme", &admin, None)
        .await
        .expect(404);
    let real = apply(&f, &admin, "dry_run=false", fleet()).await;
    assert_eq!(ops(&dry), ops(&real));
    f.call("POST", "/v1/apply?dry_run=maybe", &admin, Some(fleet()))
        .await
        .expect(422);
}

#[tokio::test]
async fn nothing_is_deleted_without_prune_and_prune_spares_what_others_made() {
    let f = Fixture::new("prune").await;
    let admin = f.admin().await;
    apply(&f, &admin, "", fleet()).await;
    let workspaces = "/v1/organizations/acme/workspaces";
    f.call("POST", workspaces, &admin, Some(json!({"name": "byhand"})))
        .await
        .expect(201);
    let mut less = fleet();
    less["fleet"]["organizations"][0]["workspaces"] = json!([]);
    less["fleet"]["organizations"][0]["teams"] = json!([]);
    let kept = apply(&f, &admin, "", less.clone()).await;
    assert!(
        ops(&kept).iter().all(|op| op.starts_with("keep ")),
        "{kept}"
    );
    let list = f.call("GET", workspaces, &admin, None).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let pruned = apply(&f, &admin, "prune=true", less).await;
    let ops = ops(&pruned);
    for gone in [
        "deployment acme/sales/etl",
        "workspace acme/sales",
        "team acme/data",
    ] {
        assert!(ops.contains(&format!("delete {gone}")), "{ops:?}");
    }
    let list = f.call("GET", workspaces, &admin, None).await.json();
    assert_eq!(list["items"][0]["name"], "byhand");
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_changed_role_replaces_the_old_one() {
    let f = Fixture::new("role").await;
    let admin = f.admin().await;
    apply(&f, &admin, "", fleet()).await;
    let eve = f.token_of("eve@example.com").await;
    let mut changed = fleet();
    let workspace = &mut changed["fleet"]["organizations"][0]["workspaces"][0];
    workspace["deployments"][0]["grants"][0]["role"] = json!("DEPLOYMENT_ADMIN");
    let answer = apply(&f, &admin, "", changed).await;
    assert_eq!(
        ops(&answer),
        ["update grant acme/sales/etl/eve@example.com"]
    );
    let me = f.call("GET", "/v1/me", &eve, None).await.expect(200).text();
    assert!(
        me.contains("DEPLOYMENT_ADMIN") && !me.contains("DEPLOYMENT_VIEWER"),
        "{me}"
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused_as_a_whole() {
    let f = Fixture::new("refused").await;
    let admin = f.admin().await;
    let mut weak = fleet();
    weak["secrets"]["organizations[0].users[1].password"] = json!("short");
    let refused = f
        .call("POST", "/v1/apply", &admin, Some(weak))
        .await
        .expect(422)
        .json();
    assert_eq!(
        refused["errors"][0]["at"],
        "organizations[0].users[1].password"
    );
    let mut nowhere = fleet();
    nowhere["fleet"]["organizations"][0]["workspaces"][0]["deployments"][0]["plane"] =
        json!("mars");
    let answer = f.call("POST", "/v1/apply", &admin, Some(nowhere)).await;
    answer.expect(422);
    let mut unknown = fleet();
    unknown["fleet"]["organisations"] = json!([]);
    f.call("POST", "/v1/apply", &admin, Some(unknown))
        .await
        .expect(400);
    f.call("GET", "/v1/organizations/acme", &admin, None)
        .await
        .expect(404);
    assert!(f.call("GET", "/v1/planes/eu-1", &admin, None).await.status == 404);
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_of_the_old_one() {
    let f = Fixture::new("password").await;
    let admin = f.admin().await;
    apply(&f, &admin, "", fleet()).await;
    let cookie = f.login("eve@example.com").await;
    let mut changed = fleet();
    changed["secrets"]["organizations[0].users[2].password"] = json!("another long password");
    let answer = apply(&f, &admin, "", changed).await;
    assert_eq!(ops(&answer), ["update user eve@example.com"]);
    f.visit("/", &cookie).await.expect(303);
    f.try_login("eve@example.com", "another long password", "/")
        .await
        .expect(303);
}

#[tokio::test]
async fn only_administrators_apply() {
    let f = Fixture::new("only").await;
    let admin = f.admin().await;
    apply(&f, &admin, "", fleet()).await;
    let owner = f.token_of("owner@example.com").await;
    f.call("POST", "/v1/apply", &owner, Some(fleet()))
        .await
        .expect(403);
    f.login(ADMIN).await;
}
