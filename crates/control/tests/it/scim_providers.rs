//! What Okta and Entra send, request by request (reference §§2 and 3), and what strangers send (§4).

use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::scim_client::{Client, ENTERPRISE, ERROR, LIST, USER, fixture, refused, user};

on_every_engine! {
    scim_okta_spec_test,
    scim_okta_crud_test,
    scim_entra_validator_users,
    scim_entra_gallery_users,
}

#[track_caller]
fn filled(user: &Value) {
    for pointer in [
        "/id",
        "/name/familyName",
        "/name/givenName",
        "/userName",
        "/emails/0/value",
    ] {
        let text = user.pointer(pointer).and_then(Value::as_str);
        assert!(
            text.is_some_and(|text| !text.is_empty()),
            "{pointer}: {user}"
        );
    }
    assert!(user["active"].is_boolean(), "{user}");
}

/// The twelve requests of Okta's own test, by their numbers.
async fn scim_okta_spec_test(database: Option<String>) {
    let f = fixture("scim okta spec", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    idp.make("first").await;
    // 1
    let list = idp
        .get("/Users?count=1&startIndex=1")
        .await
        .expect(200)
        .json();
    assert_eq!(list["schemas"], json!([LIST]));
    for name in ["itemsPerPage", "startIndex", "totalResults"] {
        assert!(list[name].is_u64(), "{name}");
    }
    filled(&list["Resources"][0]);
    // 2
    let id = list["Resources"][0]["id"].as_str().unwrap();
    let one = idp.get(&format!("/Users/{id}")).await.expect(200).json();
    filled(&one);
    assert_eq!(one["id"], id);
    // 3 and 5
    for _ in 0..2 {
        let none = idp
            .get("/Users?filter=userName%20eq%20%22abcdefgh%40atko.com%22")
            .await;
        let none = none.expect(200).json();
        assert_eq!(
            (&none["totalResults"], &none["schemas"]),
            (&json!(0), &json!([LIST]))
        );
    }
    // 4
    let none = refused(
        idp.get("/Users/010101001010101011001010101011").await,
        404,
        None,
    );
    assert_eq!(none["schemas"], json!([ERROR]));
    // 6
    let body = json!({
        "schemas": [USER],
        "userName": "Runscope300@atko.com",
        "name": {"givenName": "Runscope", "familyName": "Test"},
        "emails": [{"primary": true, "value": "runscope300@atko.com", "type": "work"}],
        "displayName": "Runscope Test",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    });
    let kind = [("content-type", "application/json")];
    let made = idp
        .send(("POST", "/Users"), &kind, Some(body.to_string()))
        .await;
    let made = made.expect(201).json();
    assert_eq!(
        (&made["active"], &made["schemas"]),
        (&json!(true), &json!([USER]))
    );
    filled(&made);
    // 7
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    let got = idp.get(&path).await.expect(200).json();
    assert_eq!(
        (&got["userName"], &got["name"]),
        (&body["userName"], &body["name"])
    );
    // 8
    refused(idp.post("/Users", body).await, 409, Some("uniqueness"));
    // 9
    let upper = idp
        .get("/Users?filter=userName+eq+%22RUNSCOPE300@ATKO.COM%22")
        .await;
    assert_eq!(upper.expect(200).json()["totalResults"], 1);
    // 11
    let stranger = f
        .call("GET", "/v1/scim/v2/okta/Users", "non-token", None)
        .await;
    assert_ne!(stranger.header("www-authenticate"), "");
    let stranger = refused(stranger, 401, None);
    assert_eq!(stranger["status"], "401");
    // 12
    refused(idp.get("/Users/00919288221112222").await, 404, None);
}

/// What Okta does to somebody through their life with an app.
async fn scim_okta_crud_test(database: Option<String>) {
    let f = fixture("scim okta crud", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    assert_eq!(idp.found("userName eq \"ada@corp.test\"").await.len(), 0);
    let path = idp.make("ada").await;
    let mut whole = idp.get(&path).await.expect(200).json();
    whole["name"]["givenName"] = json!("Augusta");
    idp.put(&path, whole.clone()).await.expect(200);
    assert_eq!(idp.get(&path).await.json()["name"]["givenName"], "Augusta");
    for active in [false, true, false] {
        let operations = json!([{"op": "replace", "value": {"active": active}}]);
        let now = idp.patch(&path, operations).await.expect(200).json();
        assert_eq!(now["active"], active);
        let found = idp.found("userName eq \"ada@corp.test\"").await;
        assert_eq!(found[0]["active"], active);
        let disabled = idp.account(&path).await.unwrap().disabled_at.is_some();
        assert_eq!(disabled, !active);
    }
    // The wizard's apps send it all, every time.
    whole["active"] = json!(true);
    idp.put(&path, whole).await.expect(200);
    assert!(idp.account(&path).await.unwrap().disabled_at.is_none());
    // `active` left out says nothing of it being false.
    let mut silent = user("ada");
    silent.as_object_mut().unwrap().remove("active");
    idp.put(&path, silent).await.expect(200);
    assert!(idp.account(&path).await.unwrap().disabled_at.is_none());
}

/// The users' part of Entra's validator.
async fn scim_entra_validator_users(database: Option<String>) {
    let f = fixture("scim entra validator", database).await;
    let idp = Client::new(&f, "entra", "microsoft").await;
    let guid = "/Users?filter=userName+eq+%2239b5-43f5%22&aadOptscim062020=true";
    assert_eq!(idp.get(guid).await.expect(200).json()["totalResults"], 0);
    let boss = idp.make("boss").await;
    let boss = boss.strip_prefix("/Users/").unwrap();
    let path = idp.make("ada").await;
    let at = format!("{path}?aadOptscim062020");
    refused(
        idp.post("/Users", user("ada")).await,
        409,
        Some("uniqueness"),
    );
    assert_eq!(idp.found("userName eq \"ADA@CORP.test\"").await.len(), 1);
    // Attributes by value paths that match nothing yet.
    let paths = json!([
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ada.new@corp.test"},
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 425"},
        {"op": "Replace", "path": "addresses[type eq \"work\"].formatted", "value": "6 Main St"},
        {"op": "Replace", "path": format!("{ENTERPRISE}:department"), "value": "R&D"},
    ]);
    let now = idp.patch(&at, paths).await.expect(200).json();
    assert_eq!(now["emails"][0]["value"], "ada.new@corp.test");
    assert_eq!(
        now["phoneNumbers"],
        json!([{"type": "mobile", "value": "+1 425"}])
    );
    assert_eq!(now["addresses"][0]["formatted"], "6 Main St");
    assert_eq!(now[ENTERPRISE]["department"], "R&D");
    let name = json!([{"op": "replace", "value": {"userName": "ada.new@corp.test", "name.givenName": "Augusta"}}]);
    let now = idp.patch(&at, name).await.expect(200).json();
    assert_eq!(
        (&now["userName"], &now["name"]["givenName"]),
        (&json!("ada.new@corp.test"), &json!("Augusta"))
    );
    let manager = format!("{ENTERPRISE}:manager");
    for (op, value, wanted) in [
        ("Add", json!(boss), json!(boss)),
        ("Replace", json!([{"value": boss}]), json!(boss)),
        ("Replace", json!(""), Value::Null),
    ] {
        let operations = json!([{"op": op, "path": manager, "value": value}]);
        let now = idp.patch(&at, operations).await.expect(200).json();
        assert_eq!(now[ENTERPRISE]["manager"]["value"], wanted, "{op} {value}");
    }
    let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    let now = idp.patch(&at, off).await.expect(200).json();
    assert_eq!(now["active"], json!(false));
    // Several operations on the same attribute, and on different ones.
    let several = json!([
        {"op": "Add", "path": "title", "value": "a"},
        {"op": "Replace", "path": "title", "value": "b"},
        {"op": "Remove", "path": "phoneNumbers[type eq \"mobile\"]"},
    ]);
    let now = idp.patch(&at, several).await.expect(200).json();
    assert_eq!(
        (&now["title"], now.get("phoneNumbers")),
        (&json!("b"), None)
    );
    let mut roles =
        json!([{"op": "add", "path": "roles[primary eq \"True\"].value", "value": "Admin"}]);
    let now = idp.patch(&at, roles.take()).await.expect(200).json();
    assert_eq!(now["roles"][0]["primary"], json!(true));
    idp.delete(&at).await.expect(204);
    for _ in 0..2 {
        refused(idp.delete(&at).await, 404, None);
        refused(
            idp.patch(&at, json!([{"op": "add", "path": "title", "value": "x"}]))
                .await,
            404,
            None,
        );
    }
}

/// What the gallery's checks ask besides.
async fn scim_entra_gallery_users(database: Option<String>) {
    let f = fixture("scim entra gallery", database).await;
    let idp = Client::new(&f, "entra", "microsoft").await;
    let schemas = idp.get("/Schemas").await.expect(200).json();
    assert_eq!(schemas["schemas"], json!([LIST]));
    let named: Vec<&str> = schemas["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|schema| schema["id"].as_str().unwrap())
        .collect();
    assert!(
        named.contains(&USER) && named.contains(&ENTERPRISE),
        "{named:?}"
    );
    assert!(!schemas.to_string().contains("null"), "no nulls");
    // "" and null both clear.
    let path = idp.make("ada").await;
    for value in [json!(""), Value::Null] {
        let set = json!([{"op": "replace", "path": "title", "value": "x"}]);
        idp.patch(&path, set).await.expect(200);
        let clear = json!([{"op": "replace", "path": "title", "value": value}]);
        let now = idp.patch(&path, clear).await.expect(200).json();
        assert_eq!(now.get("title"), None);
    }
    // Restored, they are found again by the address as ever.
    let found = idp
        .found("emails[type eq \"work\"].value eq \"ada@corp.test\"")
        .await;
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn scim_discovery_is_read_only_and_whole() {
    let f = fixture("scim discovery", None).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let config = idp.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config.header("content-type"), "application/scim+json");
    let config = config.json();
    assert_eq!(config["authenticationSchemes"][0]["type"], "httpbasic");
    assert_eq!(config["bulk"]["maxOperations"], 1_000);
    let kinds = idp.get("/ResourceTypes").await.expect(200).json();
    for kind in kinds["Resources"].as_array().unwrap() {
        let path = format!("/ResourceTypes/{}", kind["id"].as_str().unwrap());
        assert_eq!(idp.get(&path).await.expect(200).json(), *kind);
        let path = format!("/Schemas/{}", kind["schema"].as_str().unwrap());
        idp.get(&path).await.expect(200);
    }
    for endpoint in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let body = Some("{}".to_owned());
            refused(idp.send((method, endpoint), &[], body).await, 405, None);
        }
    }
    refused(idp.get("/Schemas?filter=id+pr").await, 403, None);
    for unknown in [
        "/ResourceTypes/Nothing",
        "/Schemas/urn:x",
        "/Nothing",
        "/",
        "",
        "/Users/a/b",
    ] {
        refused(idp.get(unknown).await, 404, None);
    }
    refused(idp.send(("DELETE", "/Users"), &[], None).await, 405, None);
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        refused(idp.send((method, "/Me"), &[], None).await, 501, None);
    }
}

#[tokio::test]
async fn scim_hostile_requests_are_refused_before_they_cost() {
    let f = fixture("scim hostile", None).await;
    let idp = Client::new(&f, "entra", "microsoft").await;
    let path = idp.make("ada").await;
    let send = async |body: String| idp.send(("POST", "/Users"), &[], Some(body)).await;
    refused(send("{".to_owned()).await, 400, Some("invalidSyntax"));
    refused(
        send(r#"{"userName": "a", "userName": "b"}"#.to_owned()).await,
        400,
        Some("invalidSyntax"),
    );
    refused(send("[".repeat(100)).await, 400, Some("invalidSyntax"));
    refused(send(" ".repeat(6 * 1024 * 1024)).await, 413, None);
    let mut long = user("long");
    long["title"] = json!("x".repeat(65 * 1024));
    refused(idp.post("/Users", long).await, 400, Some("invalidValue"));
    for (name, value) in [
        ("userName", "x".repeat(1_001)),
        ("externalId", "a\0b".to_owned()),
    ] {
        let mut body = user("odd");
        body[name] = json!(value);
        refused(idp.post("/Users", body).await, 400, Some("invalidValue"));
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    refused(
        idp.send(("POST", "/Users"), &form, Some("a=b".to_owned()))
            .await,
        415,
        None,
    );
    let packed = [
        ("content-type", "application/scim+json"),
        ("content-encoding", "gzip"),
    ];
    refused(
        idp.send(("POST", "/Users"), &packed, Some("x".to_owned()))
            .await,
        415,
        None,
    );
    let deep = format!("/Users?filter={}", "(".repeat(4_000));
    refused(idp.get(&deep).await, 400, Some("invalidFilter"));
    refused(
        idp.get("/Users?filter=password+eq+%22a%22").await,
        400,
        Some("invalidFilter"),
    );
    let many = vec![json!({"op": "remove", "path": "title"}); 5_001];
    refused(idp.patch(&path, json!(many)).await, 400, Some("tooMany"));
    for id in ["..%2FGroups", "%00", "%0d%0aX:y", "a%20b"] {
        refused(idp.get(&format!("/Users/{id}")).await, 404, None);
    }
    // What is shown of them keeps no line of its own.
    let mut odd = user("odd");
    odd["displayName"] = json!("a\r\nX-Evil: 1 \u{202e}<script>");
    let made = idp.post("/Users", odd.clone()).await.expect(201);
    assert_eq!(made.json()["displayName"], odd["displayName"]);
    assert!(made.headers.get("x-evil").is_none());
}

/// One bulk request can't do what one PATCH may not.
#[tokio::test]
async fn scim_a_bulk_request_has_one_budget() {
    let f = fixture("scim budget", None).await;
    let idp = Client::new(&f, "entra", "microsoft").await;
    let mut body = user("ada");
    let values =
        (0..400).map(|n| json!({"value": format!("{n}{}", "x".repeat(60)), "type": "other"}));
    body["phoneNumbers"] = json!(values.collect::<Vec<_>>());
    let made = idp.post("/Users", body).await.expect(201).json();
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    // Each of these is well within what one request may do.
    let remove = json!({"op": "remove", "path": "phoneNumbers[value eq \"nothing\"]"});
    let operations = json!({"Operations": vec![remove; 100]});
    idp.patch(&path, operations["Operations"].clone())
        .await
        .expect(200);
    let one = json!({"method": "PATCH", "path": path, "data": operations});
    let done = idp
        .post("/Bulk", json!({"Operations": vec![one; 50]}))
        .await;
    let done = done.expect(200).json();
    let done = done["Operations"].as_array().unwrap();
    let too_many = |done: &&Value| done["response"]["scimType"] == "tooMany";
    assert_eq!(done[0]["status"], "200");
    assert!(done.iter().filter(too_many).count() > 10, "{done:?}");
}
