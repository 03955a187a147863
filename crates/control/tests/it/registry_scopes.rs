//! Scopes that try to get more than is allowed: each is refused as a whole, or leads to nothing.

use std::time::Duration;

use serde_json::json;

use crate::registry::{ETL, World, both, of};

/// Nothing of these is a scope: the request is refused.
const MALFORMED: [&str; 22] = [
    "repository:acme/sales/../sales/etl/airflow:pull",
    "repository:../acme/sales/etl/airflow:pull",
    "repository:acme/sales/etl/airflow/..:pull",
    "repository:acme/sales/./etl/airflow:pull",
    "repository:acme//sales/etl/airflow:pull",
    "repository:/acme/sales/etl/airflow:pull",
    "repository:acme/sales/etl/airflow/:pull",
    "repository:acme/sales/etl%2fairflow:pull",
    "repository:acme\\sales\\etl\\airflow:pull",
    "repository:ACME/sales/etl/airflow:pull",
    "repository:acme/sales/*/airflow:pull",
    "repository:*:pull",
    "repository:acme/sales/etl/airflow:PULL",
    "repository:acme/sales/etl/airflow:pull;push",
    "repository:acme/sales/etl/airflow:",
    "repository::pull",
    "repository:acme/sales/\u{0435}tl/airflow:pull",
    "repository:acme/sales/etl\u{200b}/airflow:pull",
    "repository:acme/sales\u{2215}etl/airflow:pull",
    "repository:acme/sales/etl\0/airflow:pull",
    "repository:localhost:5000/acme/sales/etl/airflow:pull",
    "acme/sales/etl/airflow",
];

/// These are, and lead to nothing, whoever asks.
const NOTHING: [&str; 11] = [
    "registry:catalog:*",
    "repository(plugin):acme/sales/etl/airflow:pull,push",
    "image:acme/sales/etl/airflow:pull",
    "repository:acme/sales/etl/airflow:*",
    "repository:acme/sales/etl/airflow:delete",
    "repository:acme/sales/etl/airflow:admin",
    "repository:acme/sales/etl:pull",
    "repository:acme/sales/etl/airflow/evil:pull,push",
    "repository:sales/etl/airflow:pull,push",
    "repository:acme/sales/none/airflow:pull,push",
    "repository:base-images/airflow-2:pull,push",
];

#[tokio::test]
async fn a_scope_that_could_be_read_otherwise_is_refused() {
    let w = World::new("registry-malformed").await;
    for scope in MALFORMED {
        let refused = w.ask(&w.owner, &[&both(ETL), scope]).await;
        assert_eq!(refused.status, 400, "{scope:?}");
        assert_eq!(refused.json()["error"], "invalid_scope", "{scope:?}");
    }
}

#[tokio::test]
async fn a_scope_of_something_else_leads_to_nothing() {
    let w = World::new("registry-nothing").await;
    for scope in NOTHING {
        assert_eq!(w.may(&w.admin, &[scope]).await, json!([]), "{scope}");
    }
    // Beside one that is good it is left out.
    let mixed = format!("repository:{ETL}:*,pull,delete");
    assert_eq!(
        w.may(&w.owner, &[&mixed]).await,
        json!([of(ETL, &["pull"])])
    );
    let all = [both(ETL), both("globex/sales/etl/airflow")];
    let all = [all[0].as_str(), all[1].as_str(), NOTHING[0]];
    assert_eq!(
        w.may(&w.owner, &all).await,
        json!([of(ETL, &["pull", "push"])])
    );
    // In one parameter, too, and twice the same is once.
    let joined = format!("repository:{ETL}:pull repository:{ETL}:push repository:{ETL}:pull");
    assert_eq!(
        w.may(&w.owner, &[&joined]).await,
        json!([of(ETL, &["pull", "push"])])
    );
}

#[tokio::test]
async fn another_tenants_repository_is_nobodys_business() {
    let w = World::new("registry-tenants").await;
    let gus = w.f.globex(&w.admin).await;
    let there = both(ETL);
    let absent = both("acme/sales/none/airflow");
    let one = w.ask(&gus, &[&there]).await.expect(200).json();
    let two = w.ask(&gus, &[&absent]).await.expect(200).json();
    // Neither says which of them there is.
    for answer in [&one, &two] {
        assert_eq!(
            (&answer["scope"], &answer["expires_in"]),
            (&json!(""), &json!(300))
        );
    }
}

#[tokio::test]
async fn ten_thousand_scopes_are_refused_before_anything_is_looked_up() {
    let w = World::new("registry-many").await;
    let few: Vec<String> = (0..50).map(|n| format!("repository:a{n}/b:pull")).collect();
    let refs: Vec<&str> = few.iter().map(String::as_str).collect();
    assert_eq!(w.may(&w.owner, &refs).await, json!([]));
    let more: Vec<&str> = refs
        .iter()
        .copied()
        .chain(["repository:c/d:pull"])
        .collect();
    let refused = w.ask(&w.owner, &more).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_scope");
    let started = tokio::time::Instant::now();
    let same = vec!["repository:a/b:pull"; 2_000].join(" ");
    w.ask(&w.owner, &[&same]).await.expect(400);
    let different: Vec<String> = (0..10_000)
        .map(|n| format!("repository:a{n}:pull"))
        .collect();
    let form = [
        ("service", "docker-registry"),
        ("grant_type", "password"),
        ("password", w.owner.as_str()),
        ("scope", &different.join(" ")),
    ];
    let refused = w.f.form("/v1/registry/authorization", &form, &[]).await;
    assert!([400, 413].contains(&refused.status.as_u16()));
    assert!(started.elapsed() < Duration::from_secs(5));
    let doubled = "/v1/registry/authorization?service=docker-registry&service=docker-registry";
    w.f.get(doubled).await.expect(400);
    for query in ["", "?service=other", "?service=docker-registry&password=x"] {
        w.f.get(&format!("/v1/registry/authorization{query}"))
            .await
            .expect(400);
    }
}
