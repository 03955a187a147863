//! Which repository is whose: nobody gets another's by a path, or by a name that is used again.

use aeolus_control::Repositories;
use aeolus_model::{Action, Host};
use serde_json::{Value, json};

use crate::fixture::{Answer, HOST};
use crate::provider::deployment;
use crate::registry::{ETL, World, both, of};

const DEPLOYMENTS: &str = "/v1/organizations/acme/deployments";
const SHARED: &str = "deployments.example.com";

/// A control plane whose repositories are paths on a host.
async fn by_paths(name: &str) -> World {
    let host = Host::parse(SHARED).unwrap();
    World::with(name, |registry| {
        registry.repositories = Repositories::PathsOn(host);
    })
    .await
}

/// What it takes to make a deployment, but for its name and routes.
async fn places(w: &World) -> (String, Value) {
    let planes = w.f.call("GET", "/v1/planes", &w.admin, None).await;
    let plane = planes.expect(200).json()["items"][0]["id"].clone();
    (w.f.first(&w.owner, "workspaces").await, plane)
}

async fn make(w: &World, bearer: &str, name: &str, route: Value) -> Answer {
    let (workspace, plane) = places(w).await;
    let body = json!({"name": name, "workspaceId": workspace, "planeId": plane, "routes": [route]});
    w.f.call("POST", DEPLOYMENTS, bearer, Some(body)).await
}

#[tokio::test]
async fn j1_only_who_runs_the_installation_gives_paths_that_name_repositories() {
    let w = by_paths("registry-squat").await;
    for (name, host, prefix) in [
        ("a", SHARED, "/library/nginx"),
        ("b", SHARED, "/quasar-1234/airflow"),
        ("c", "*.example.com", "/quasar-1234/airflow"),
    ] {
        let route = json!({"host": host, "pathPrefix": prefix});
        let refused = make(&w, &w.owner, name, route).await.expect(403).text();
        assert!(refused.contains("system.apply"), "{refused}");
    }
    for name in ["library/nginx", "quasar-1234/airflow"] {
        assert_eq!(w.may(&w.owner, &[&both(name)]).await, json!([]), "{name}");
    }
    // Elsewhere they go on as before.
    let route = json!({"host": "other.example.org", "pathPrefix": "/quasar-1234/airflow"});
    make(&w, &w.owner, "d", route).await.expect(201);
    assert_eq!(
        w.may(&w.owner, &[&both("quasar-1234/airflow")]).await,
        json!([])
    );
}

#[tokio::test]
async fn j1_a_path_that_is_no_releases_names_no_repository() {
    let w = by_paths("registry-shape").await;
    for (name, prefix) in [("a", "/library/nginx"), ("b", "/quasar-1234/airflow")] {
        let route = json!({"host": SHARED, "pathPrefix": prefix});
        make(&w, &w.admin, name, route).await.expect(201);
    }
    assert_eq!(w.may(&w.owner, &[&both("library/nginx")]).await, json!([]));
    let name = "quasar-1234/airflow";
    assert_eq!(
        w.may(&w.owner, &[&both(name)]).await,
        json!([of(name, &["pull", "push"])])
    );
}

#[tokio::test]
async fn t37_a_deployment_made_again_gets_no_images_of_the_one_before() {
    let w = World::with("registry-again", |registry| {
        registry.repositories = Repositories::default();
    })
    .await;
    let repository = async || format!("{}/airflow", deployment(&w.f, &w.owner).await);
    let before = repository().await;
    assert_eq!(
        w.may(&w.owner, &[&both(&before)]).await,
        json!([of(&before, &["pull", "push"])])
    );
    let path = format!("{DEPLOYMENTS}/{}", deployment(&w.f, &w.owner).await);
    w.f.call("DELETE", &path, &w.owner, None).await.expect(200);
    let made = make(&w, &w.owner, "etl", json!({"host": HOST})).await;
    made.expect(201);
    let after = repository().await;
    assert_ne!(after, before);
    assert_eq!(
        w.may(&w.owner, &[&both(&before), &both(ETL), &both(&after)])
            .await,
        json!([of(&after, &["pull", "push"])])
    );
}

#[tokio::test]
async fn a_refusal_says_by_which_form_of_the_protocol_it_was_asked() {
    let w = World::new("registry-methods").await;
    let scope = both("acme/sales/none/airflow");
    w.may(&w.owner, &[&scope]).await;
    let form = [
        ("service", "docker-registry"),
        ("scope", &scope),
        ("grant_type", "password"),
        ("password", &w.owner),
    ];
    let path = "/v1/registry/authorization";
    w.f.form(path, &form, &[]).await.expect(200);
    // What was refused is written down at the end.
    w.f.stop.cancel();
    Box::pin(w.f.control.work(w.f.stop.clone())).await;
    let lines = w.f.audited(Action::ApiDeny).await;
    let mut targets: Vec<&str> = lines.iter().map(|line| line.target.as_str()).collect();
    targets.sort_unstable();
    assert_eq!(
        targets,
        [
            "GET repository:acme/sales/none/airflow:pull,push",
            "POST repository:acme/sales/none/airflow:pull,push",
        ]
    );
}

#[tokio::test]
async fn j1_each_repository_that_is_refused_is_in_the_audit_log_with_who_and_what() {
    let w = World::new("registry-refusals").await;
    let eve = w.f.token_of("eve@example.com").await;
    let none = "acme/sales/none/airflow";
    // A viewer pulls one and pushes nothing.
    let first = [both(ETL), both(none)];
    w.may(&eve, &[&first[0], &first[1]]).await;
    w.may(&eve, &[&first[0]]).await;
    w.f.stop.cancel();
    Box::pin(w.f.control.work(w.f.stop.clone())).await;
    let lines = w.f.audited(Action::ApiDeny).await;
    let mut told: Vec<_> = lines
        .iter()
        .map(|line| (line.target.clone(), format!("{:?}", line.actor)))
        .collect();
    told.sort_unstable();
    let granted = w.f.audited(Action::RegistryAuthorize).await;
    let who = format!("{:?}", granted[0].actor);
    let expected = [
        (format!("GET repository:{none}:pull,push"), who.clone()),
        (format!("GET repository:{ETL}:push"), who),
    ];
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected);
    // What was granted beside it is another line, each time.
    assert_eq!(granted.len(), 2);
    assert!(granted.iter().all(|line| line.target == ETL));
    let all = serde_json::to_string(&(lines, granted)).unwrap();
    assert!(all.contains("\"pull\"") && !all.contains(&eve), "{all}");
}
