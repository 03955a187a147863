//! What an API server does, row by row, as it was measured at a real one: the double has to do the same. `make test-kube` asks a real one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::server::Server;

const SECRETS: &str = "/api/v1/namespaces/{ns}/secrets";

fn secret(name: &str, kind: &str, data: &[(&str, &str)]) -> Value {
    let data: BTreeMap<&str, &str> = data.iter().copied().collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "data": data})
}

async fn made(server: &Server, secret: &Value) -> Value {
    let (status, made) = server.ask("POST", SECRETS, secret.clone()).await;
    assert_eq!(status, 201, "{made}");
    made
}

fn at(name: &str) -> String {
    format!("{SECRETS}/{name}")
}

const APPLY: (&str, &str) = ("application/apply-patch+yaml", "");

#[tokio::test]
async fn tls_secrets_need_both_keys_and_may_be_garbage() {
    let server = Server::start().await;
    let half = secret("half", "kubernetes.io/tls", &[("tls.crt", "AA==")]);
    let (status, answer) = server.ask("POST", SECRETS, half).await;
    assert_eq!(status, 422);
    assert!(
        answer["message"]
            .as_str()
            .expect("a message")
            .contains("data[tls.key]: Required value")
    );
    made(
        &server,
        &secret(
            "whole",
            "kubernetes.io/tls",
            &[("tls.crt", "AA=="), ("tls.key", "AA==")],
        ),
    )
    .await;
}

#[tokio::test]
async fn a_type_cannot_change() {
    let server = Server::start().await;
    let mut made = made(&server, &secret("s", "Opaque", &[])).await;
    made["type"] = json!("example.com/other");
    let (status, answer) = server.ask("PUT", &at("s"), made).await;
    assert_eq!(status, 422);
    assert!(
        answer["message"]
            .as_str()
            .expect("a message")
            .contains("field is immutable")
    );
}

#[tokio::test]
async fn an_immutable_one_keeps_its_data() {
    let server = Server::start().await;
    let mut frozen = secret("s", "Opaque", &[("a", "AA==")]);
    frozen["immutable"] = json!(true);
    let mut made = made(&server, &frozen).await;
    made["data"]["a"] = json!("AQ==");
    assert_eq!(server.ask("PUT", &at("s"), made).await.0, 422);
}

#[tokio::test]
async fn an_old_version_is_a_conflict() {
    let server = Server::start().await;
    let mut old = made(&server, &secret("s", "Opaque", &[("a", "AA==")])).await;
    let mut new = old.clone();
    new["data"]["a"] = json!("AQ==");
    assert_eq!(server.ask("PUT", &at("s"), new).await.0, 200);
    old["data"]["a"] = json!("Ag==");
    let (status, answer) = server.ask("PUT", &at("s"), old).await;
    assert_eq!((status, &answer["reason"]), (409, &json!("Conflict")));
}

#[tokio::test]
async fn a_second_one_of_a_name_exists_already() {
    let server = Server::start().await;
    made(&server, &secret("s", "Opaque", &[])).await;
    let (status, answer) = server
        .ask("POST", SECRETS, secret("s", "Opaque", &[]))
        .await;
    assert_eq!((status, &answer["reason"]), (409, &json!("AlreadyExists")));
}

#[tokio::test]
async fn apply_names_who_owns_what_it_may_not_take() {
    let server = Server::start().await;
    let path = format!("{}?fieldManager", at("s"));
    let first = secret("s", "Opaque", &[("k", "AA==")]);
    assert_eq!(
        server
            .ask_as("PATCH", &format!("{path}=one"), APPLY, first.clone())
            .await
            .0,
        201
    );
    // The same value is no conflict.
    assert_eq!(
        server
            .ask_as("PATCH", &format!("{path}=two"), APPLY, first)
            .await
            .0,
        200
    );
    let other = secret("s", "Opaque", &[("k", "AQ==")]);
    let (status, answer) = server
        .ask_as("PATCH", &format!("{path}=three"), APPLY, other.clone())
        .await;
    assert_eq!(status, 409);
    let message = answer["message"].as_str().expect("a message");
    assert!(
        message.contains(".data.k") && message.contains("\"one\""),
        "{message}"
    );
    let forced = format!("{path}=three&force=true");
    assert_eq!(server.ask_as("PATCH", &forced, APPLY, other).await.0, 200);
    // As text, nobody asks whose it is.
    let text = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "x"}});
    let (status, answer) = server
        .ask_as("PATCH", &format!("{path}=four"), APPLY, text)
        .await;
    assert_eq!((status, &answer["data"]["k"]), (200, &json!("eA==")));
}

#[tokio::test]
async fn apply_leaves_what_others_have() {
    let server = Server::start().await;
    let path = format!("{}?fieldManager=one", at("s"));
    let both = secret("s", "Opaque", &[("a", "AA=="), ("b", "AA==")]);
    let (_, mut there) = server.ask_as("PATCH", &path, APPLY, both).await;
    there["data"]["b"] = json!("AQ==");
    there["data"]["c"] = json!("AQ==");
    assert_eq!(
        server
            .ask("PUT", &format!("{}?fieldManager=hand", at("s")), there)
            .await
            .0,
        200
    );
    let (status, now) = server
        .ask_as(
            "PATCH",
            &path,
            APPLY,
            secret("s", "Opaque", &[("a", "AA==")]),
        )
        .await;
    assert_eq!(
        (status, &now["data"]),
        (200, &json!({"a": "AA==", "b": "AQ==", "c": "AQ=="}))
    );
}

#[tokio::test]
async fn more_than_a_mebibyte_is_too_long() {
    let server = Server::start().await;
    let large = "AAAA".repeat(1_048_576 / 3 + 1);
    let (status, answer) = server
        .ask("POST", SECRETS, secret("s", "Opaque", &[("a", &large)]))
        .await;
    assert_eq!(status, 422);
    assert!(
        answer["message"]
            .as_str()
            .expect("a message")
            .contains("Too long")
    );
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let server = Server::start().await;
    let path = format!("{SECRETS}?dryRun=All");
    assert_eq!(
        server
            .ask("POST", &path, secret("s", "Opaque", &[]))
            .await
            .0,
        201
    );
    assert_eq!(server.ask("GET", &at("s"), Value::Null).await.0, 404);
}

#[tokio::test]
async fn types_and_labels_select_and_annotations_do_not() {
    let server = Server::start().await;
    let mut labelled = secret("l", "Opaque", &[]);
    labelled["metadata"]["labels"] = json!({"a": "b"});
    made(&server, &labelled).await;
    made(
        &server,
        &secret(
            "t",
            "kubernetes.io/tls",
            &[("tls.crt", ""), ("tls.key", "")],
        ),
    )
    .await;
    for (query, names) in [
        ("fieldSelector=type%3Dkubernetes.io%2Ftls", ["t"].as_slice()),
        ("labelSelector=a%3Db", &["l"]),
        ("labelSelector=!a", &["t"]),
        ("labelSelector=a+in+(b,c)", &["l"]),
    ] {
        let (status, list) = server
            .ask("GET", &format!("{SECRETS}?{query}"), Value::Null)
            .await;
        let items = list["items"].as_array().expect("items");
        let found: Vec<&str> = items
            .iter()
            .filter_map(|item| item["metadata"]["name"].as_str())
            .collect();
        assert_eq!((status, found.as_slice()), (200, names), "{query}");
    }
    let query = format!("{SECRETS}?fieldSelector=metadata.annotations.a%3Db");
    let (status, answer) = server.ask("GET", &query, Value::Null).await;
    assert_eq!(status, 400);
    assert!(
        answer["message"]
            .as_str()
            .expect("a message")
            .contains("field label not supported")
    );
}

#[tokio::test]
async fn metadata_alone_has_no_values() {
    let server = Server::start().await;
    made(&server, &secret("s", "Opaque", &[("a", "AA==")])).await;
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let (_, list) = server
        .ask_as("GET", SECRETS, ("", accept), Value::Null)
        .await;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"][0]["metadata"]["name"], "s");
    assert!(list["items"][0].get("data").is_none());
}

#[tokio::test]
async fn long_lists_come_in_pages_and_an_old_page_is_gone() {
    let server = Server::start().await;
    for name in ["a", "b", "c"] {
        made(&server, &secret(name, "Opaque", &[])).await;
    }
    let (_, first) = server
        .ask("GET", &format!("{SECRETS}?limit=2"), Value::Null)
        .await;
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    let token = first["metadata"]["continue"].as_str().expect("a token");
    let rest = format!("{SECRETS}?limit=2&continue={token}");
    let (_, second) = server.ask("GET", &rest, Value::Null).await;
    assert_eq!(second["items"][0]["metadata"]["name"], "c");
    if server.forgets("the page before") {
        assert_eq!(server.ask("GET", &rest, Value::Null).await.0, 410);
    }
}

#[tokio::test]
async fn a_namespace_that_ends_takes_nothing_new() {
    let server = Server::start().await;
    server.end_namespace(&server.namespace).await;
    let (status, answer) = server
        .ask("POST", SECRETS, secret("s", "Opaque", &[]))
        .await;
    assert_eq!(status, 403);
    assert!(
        answer["message"]
            .as_str()
            .expect("a message")
            .contains("because it is being terminated")
    );
    assert_eq!(
        answer["details"]["causes"][0]["reason"],
        "NamespaceTerminating"
    );
}

#[tokio::test]
async fn a_collection_is_deleted_by_label() {
    let server = Server::start().await;
    let mut labelled = secret("l", "Opaque", &[]);
    labelled["metadata"]["labels"] = json!({"a": "b"});
    made(&server, &labelled).await;
    made(&server, &secret("s", "Opaque", &[])).await;
    let path = format!("{SECRETS}?labelSelector=a%3Db");
    assert_eq!(server.ask("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(server.ask("GET", &at("l"), Value::Null).await.0, 404);
    assert_eq!(server.ask("GET", &at("s"), Value::Null).await.0, 200);
}

#[tokio::test]
async fn a_deletion_says_which_one_it_means() {
    let server = Server::start().await;
    let made = made(&server, &secret("s", "Opaque", &[])).await;
    let other = json!({"preconditions": {"uid": "11111111-0000-4000-8000-000000000000"}});
    assert_eq!(server.ask("DELETE", &at("s"), other).await.0, 409);
    let it = json!({"preconditions": {
        "uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"],
    }});
    assert_eq!(server.ask("DELETE", &at("s"), it).await.0, 200);
}

#[tokio::test]
async fn rights_are_asked_and_refused_by_verb_and_namespace() {
    let mut server = Server::start().await;
    server.may_not_delete().await;
    made(&server, &secret("s", "Opaque", &[])).await;
    let (status, answer) = server.ask("DELETE", &at("s"), Value::Null).await;
    assert_eq!((status, &answer["reason"]), (403, &json!("Forbidden")));
    for (verb, allowed) in [("delete", false), ("create", true)] {
        let review = json!({"spec": {"resourceAttributes": {
            "verb": verb, "resource": "secrets", "namespace": server.namespace,
        }}});
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let (status, answer) = server.ask("POST", path, review).await;
        assert_eq!(
            (status, &answer["status"]["allowed"]),
            (201, &json!(allowed)),
            "{verb}"
        );
    }
}

#[tokio::test]
async fn a_namespace_made_again_is_another_one() {
    let server = Server::start().await;
    let path = format!("/api/v1/namespaces/{}", server.namespace);
    let first = server.ask("GET", &path, Value::Null).await.1;
    if server.is_made_again().await {
        let second = server.ask("GET", &path, Value::Null).await.1;
        assert_ne!(second["metadata"]["uid"], first["metadata"]["uid"]);
    }
}

#[tokio::test]
async fn a_lease_has_a_version_too() {
    let server = Server::start().await;
    let path = "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases";
    let lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}});
    let (status, made) = server.ask("POST", path, lease).await;
    assert_eq!(status, 201);
    let mut mine = made.clone();
    mine["spec"]["holderIdentity"] = json!("b");
    assert_eq!(server.ask("PUT", &format!("{path}/l"), mine).await.0, 200);
    assert_eq!(server.ask("PUT", &format!("{path}/l"), made).await.0, 409);
}
