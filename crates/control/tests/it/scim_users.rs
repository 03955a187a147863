//! Users over SCIM: what is kept, found, changed and refused.

use serde_json::{Value, json};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engines::on_every_engine;
use crate::scim_client::{Client, ENTERPRISE, LIST, USER, fixture, refused, user};

on_every_engine! {
    scim_what_was_sent_is_what_comes_back,
    scim_names_are_unique_without_case_and_keep_their_own,
    scim_users_are_found_by_each_index,
    scim_lists_are_paged_sorted_and_projected,
    scim_cursors_lead_through_all_of_a_list,
    scim_cursors_lead_from_type_to_type_and_forged_ones_nowhere,
    scim_users_are_found_by_what_has_no_index_as_by_what_has_one,
    scim_a_put_replaces_and_a_patch_changes,
    scim_what_changes_nothing_leaves_no_trace,
    scim_versions_are_conditions,
    scim_two_connections_dont_see_each_other,
    scim_of_many_who_make_the_same_one_does,
    scim_changes_at_once_are_all_kept,
    scim_bulk_does_what_it_can,
}

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

async fn scim_what_was_sent_is_what_comes_back(database: Option<String>) {
    let f = fixture("scim sent", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let sent = json!({
        "schemas": [USER, ENTERPRISE],
        "id": "mine",
        "userName": "Ada.B@corp.test",
        "externalId": "00uA",
        "name": {"givenName": "Ada", "familyName": "Byron"},
        "emails": [
            {"value": "ada@home.test", "type": "home"},
            {"value": "Ada@corp.test", "type": "work", "primary": "True"},
        ],
        "phoneNumbers": [{"value": "+1 (425) 555-0100", "type": "work"}],
        "locale": "en-US",
        "active": "True",
        "groups": [],
        "password": "hunter22222",
        ENTERPRISE: {"department": "R&D", "employeeNumber": "7"},
        "nickNames": "unknown",
    });
    let made = idp.post("/Users", sent).await.expect(201);
    assert_eq!(made.header("content-type"), "application/scim+json");
    let body = made.json();
    let id = body["id"].as_str().unwrap();
    assert_ne!(id, "mine");
    assert!(
        made.location()
            .ends_with(&format!("{}/Users/{id}", idp.base))
    );
    assert_eq!(made.header("etag"), body["meta"]["version"]);
    assert_eq!(body["meta"]["location"], made.location());
    assert_eq!(body["meta"]["resourceType"], "User");
    assert_eq!(body["userName"], "Ada.B@corp.test");
    assert_eq!(
        (&body["active"], &body["emails"][1]["primary"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(body["phoneNumbers"][0]["value"], "+1 (425) 555-0100");
    assert_eq!(body[ENTERPRISE]["department"], "R&D");
    assert_eq!((body.get("password"), body.get("nickNames")), (None, None));
    let path = format!("/Users/{id}");
    assert_eq!(idp.get(&path).await.expect(200).json(), body);
    let account = idp.account(&path).await.unwrap();
    assert_eq!(account.email.as_str(), "ada@corp.test");
    assert_eq!(
        (account.name.as_str(), account.disabled_at),
        ("Ada Byron", None)
    );
    // Nobody here knows a password of theirs.
    assert!(account.password_hash.is_none());
}

async fn scim_names_are_unique_without_case_and_keep_their_own(database: Option<String>) {
    let f = fixture("scim names", database).await;
    let idp = Client::new(&f, "entra", "microsoft").await;
    let path = idp.make("ada").await;
    let mut same = user("other");
    same["userName"] = json!("ADA@corp.test");
    refused(idp.post("/Users", same).await, 409, Some("uniqueness"));
    // The same address by another name is somebody else's as well.
    let mut same = user("other");
    same["emails"][0]["value"] = json!("Ada@corp.test");
    refused(
        idp.post("/Users", same.clone()).await,
        409,
        Some("uniqueness"),
    );
    // Its own name in other letters is no conflict (pitfall 21), and somebody else's is.
    let upper = json!([{"op": "Replace", "value": {"userName": "ADA@corp.test"}}]);
    let changed = idp.patch(&path, upper).await.expect(200).json();
    assert_eq!(changed["userName"], "ADA@corp.test");
    let other = idp.make("other").await;
    let taken = json!([
        {"op": "replace", "path": "displayName", "value": "changed"},
        {"op": "replace", "path": "userName", "value": "ada@corp.test"},
    ]);
    refused(idp.patch(&other, taken).await, 409, Some("uniqueness"));
    // Nor half of it was done.
    assert_eq!(idp.get(&other).await.json()["displayName"], "other");
    let taken = json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "ada@corp.test"}]);
    refused(idp.patch(&other, taken).await, 409, Some("uniqueness"));
    assert_eq!(
        idp.account(&other).await.unwrap().email.as_str(),
        "other@corp.test"
    );
}

async fn scim_users_are_found_by_each_index(database: Option<String>) {
    let f = fixture("scim found", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let path = idp.make("ada").await;
    idp.make("bob").await;
    let id = path.strip_prefix("/Users/").unwrap();
    for filter in [
        "userName eq \"ADA@corp.test\"".to_owned(),
        "externalId eq \"00u-ada\"".to_owned(),
        format!("id eq \"{id}\""),
        "emails[type eq \"work\"].value eq \"ada@corp.test\"".to_owned(),
        "emails.value eq \"ADA@CORP.TEST\"".to_owned(),
        "userName eq \"ada@corp.test\" and active eq true".to_owned(),
        "userName eq \"ada@corp.test\" or externalId eq \"00u-ada\"".to_owned(),
        "displayName eq \"Ada\"".to_owned(),
        "name.givenName sw \"a\"".to_owned(),
        format!("meta.location ew \"{id}\""),
    ] {
        let found = idp.found(&filter).await;
        assert_eq!(found.len(), 1, "{filter}");
        assert_eq!(found[0]["id"], id, "{filter}");
    }
    for filter in [
        "userName eq \"nobody\"",
        "externalId eq \"00U-ADA\"",
        "id eq \"not an id\"",
        "userName eq \"a\\u0000b\"",
        "userName eq \"ada@corp.test\" and active eq false",
        "not (userName pr)",
    ] {
        assert_eq!(idp.found(filter).await.len(), 0, "{filter}");
    }
    let empty = idp.filtered("userName eq \"x\"").await.expect(200).json();
    let none = json!({"schemas": [LIST], "totalResults": 0, "itemsPerPage": 0, "startIndex": 1, "Resources": []});
    assert_eq!(empty, none);
    for filter in [
        "externalId eq jyoung",
        "emails[type eq \"work\"] eq \"x\"",
        "nonsense eq 1",
        "userName",
    ] {
        refused(idp.filtered(filter).await, 400, Some("invalidFilter"));
    }
}

async fn scim_lists_are_paged_sorted_and_projected(database: Option<String>) {
    let f = fixture("scim paged", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    for n in 0..11 {
        idp.make(&format!("u{n:02}")).await;
    }
    let names = |list: &Value| -> Vec<String> {
        let all = list["Resources"].as_array().unwrap().iter();
        all.map(|one| one["userName"].as_str().unwrap()[..3].to_owned())
            .collect()
    };
    let mut seen = Vec::new();
    for (start, many) in [(1, 5), (6, 5), (11, 1)] {
        let page = idp
            .get(&format!("/Users?startIndex={start}&count=5"))
            .await
            .json();
        let figures =
            ["totalResults", "startIndex", "itemsPerPage"].map(|name| page[name].as_i64());
        assert_eq!(figures, [Some(11), Some(start), Some(many)]);
        seen.extend(names(&page));
    }
    let all: Vec<String> = (0..11).map(|n| format!("u{n:02}")).collect();
    assert_eq!(seen, all);
    let beyond = idp.get("/Users?startIndex=12&count=5").await.json();
    assert_eq!(
        (&beyond["totalResults"], names(&beyond).len()),
        (&json!(11), 0)
    );
    let none = idp.get("/Users?count=0").await.json();
    assert_eq!((&none["totalResults"], names(&none).len()), (&json!(11), 0));
    // A filter that no index answers is paged alike.
    let page = idp
        .get("/Users?filter=userName+sw+%22u%22&startIndex=3&count=2")
        .await
        .json();
    assert_eq!(
        (&page["totalResults"], names(&page)),
        (&json!(11), vec!["u02".to_owned(), "u03".to_owned()])
    );
    let page = idp
        .get("/Users?sortBy=name.givenName&sortOrder=descending&startIndex=2&count=2")
        .await
        .json();
    assert_eq!(names(&page), ["u09", "u08"]);
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName eq \"u03@corp.test\"",
        "attributes": ["userName"],
        "count": 5,
    });
    for path in ["/Users/.search", "/.search"] {
        let found = idp.post(path, search.clone()).await.expect(200).json();
        let one = &found["Resources"][0];
        assert_eq!(one["userName"], "u03@corp.test");
        let mut fields: Vec<&String> = one.as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(fields, ["id", "schemas", "userName"], "{path}");
    }
    let path = idp.make("z").await;
    let without = idp
        .get(&format!("{path}?excludedAttributes=emails,name"))
        .await
        .json();
    assert_eq!((without.get("emails"), without.get("name")), (None, None));
    refused(idp.get("/Users?count=x").await, 400, Some("invalidValue"));
}

async fn scim_cursors_lead_through_all_of_a_list(database: Option<String>) {
    let f = fixture("scim cursors", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    for n in 0..7 {
        idp.make(&format!("u{n}")).await;
    }
    for query in [
        "",
        "&filter=userName+sw+%22u%22",
        "&sortBy=userName&sortOrder=descending",
        "&filter=userName+sw+%22u%22&sortBy=displayName",
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = idp
                .get(&format!("/Users?count=3&cursor={cursor}{query}"))
                .await;
            let page = page.expect(200).json();
            assert_eq!(page["totalResults"], 7);
            let all = page["Resources"].as_array().unwrap().iter();
            seen.extend(all.map(|one| one["userName"].as_str().unwrap().to_owned()));
            match page.get("nextCursor") {
                Some(next) => next.as_str().unwrap().clone_into(&mut cursor),
                None => break,
            }
        }
        let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (7, 7), "{query}: {seen:?}");
    }
    let page = idp.get("/Users?count=3&cursor=").await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let other = format!("/Users?count=3&cursor={cursor}&filter=active+pr");
    refused(idp.get(&other).await, 400, Some("invalidCursor"));
    f.clock.advance(std::time::Duration::from_secs(3_601));
    let late = format!("/Users?count=3&cursor={cursor}");
    refused(idp.get(&late).await, 400, Some("expiredCursor"));
}

async fn scim_cursors_lead_from_type_to_type_and_forged_ones_nowhere(database: Option<String>) {
    let f = fixture("scim types", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    for n in 0..4 {
        idp.make(&format!("u{n}")).await;
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": format!("g{n}"),
        });
        idp.post("/Groups", group).await.expect(201);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        // Two pages of users are full: the next cursor says where groups begin.
        let asked = json!({"schemas": [SEARCH], "count": 2, "cursor": cursor});
        let page = idp.post("/.search", asked).await.expect(200).json();
        assert_eq!(page["totalResults"], 8);
        let all = page["Resources"].as_array().unwrap().iter();
        seen.extend(all.map(|one| one["displayName"].as_str().unwrap().to_owned()));
        match page.get("nextCursor") {
            Some(next) => next.as_str().unwrap().clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, ["u0", "u1", "u2", "u3", "g0", "g1", "g2", "g3"]);
    for (query, own, forged) in [
        ("", "0.ku", ["1.ku", "0.u", "x.ku"]),
        ("&sortBy=displayName", "0.p2", ["0.px", "0.ku", "0.p"]),
    ] {
        let page = idp.get(&format!("/Users?count=2&cursor={query}")).await;
        let page = page.expect(200).json();
        let bytes = URL_SAFE_NO_PAD.decode(page["nextCursor"].as_str().unwrap());
        let text = String::from_utf8(bytes.unwrap()).unwrap();
        for other in forged {
            assert!(text.contains(own), "{text}");
            let cursor = URL_SAFE_NO_PAD.encode(text.replace(own, other));
            let path = format!("/Users?count=2&cursor={cursor}{query}");
            refused(idp.get(&path).await, 400, Some("invalidCursor"));
        }
    }
}

async fn scim_users_are_found_by_what_has_no_index_as_by_what_has_one(database: Option<String>) {
    let f = fixture("scim unindexed", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    for name in ["ada", "bob", "eve"] {
        idp.make(name).await;
    }
    for (filter, many) in [
        ("displayName eq \"ADA\" or displayName eq \"bob\"", 2),
        ("displayName eq \"ada\" or userName eq \"eve@corp.test\"", 2),
        (
            "displayName eq \"ada\" and userName eq \"ada@corp.test\"",
            1,
        ),
        (
            "displayName eq \"ada\" and userName eq \"eve@corp.test\"",
            0,
        ),
        ("displayName eq \"a\\u0000\"", 0),
    ] {
        assert_eq!(idp.found(filter).await.len(), many, "{filter}");
    }
}

async fn scim_a_put_replaces_and_a_patch_changes(database: Option<String>) {
    let f = fixture("scim put", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let path = idp.make("ada").await;
    let mut body = user("ada");
    body["nickName"] = json!("A");
    body.as_object_mut().unwrap().remove("displayName");
    body["emails"][0]["value"] = json!("ada.b@corp.test");
    let put = idp.put(&path, body).await.expect(200);
    assert_eq!(put.header("etag"), "W/\"2\"");
    let put = put.json();
    assert_eq!(
        (&put["nickName"], put.get("displayName")),
        (&json!("A"), None)
    );
    let account = idp.account(&path).await.unwrap();
    assert_eq!(
        (account.email.as_str(), account.name.as_str()),
        ("ada.b@corp.test", "ada Byron")
    );
    // Found by what it is now, and not by what it was.
    assert_eq!(
        idp.found("emails.value eq \"ada.b@corp.test\"").await.len(),
        1
    );
    assert_eq!(
        idp.found("emails.value eq \"ada@corp.test\"").await.len(),
        0
    );
    let nothing = json!([{"op": "remove", "path": "userName"}]);
    refused(idp.patch(&path, nothing).await, 400, Some("mutability"));
    let absent =
        json!([{"op": "replace", "path": "emails[type eq \"other\"].value", "value": "x@y"}]);
    refused(idp.patch(&path, absent).await, 400, Some("noTarget"));
    refused(
        idp.put(&path, json!({"schemas": [USER]})).await,
        400,
        Some("invalidValue"),
    );
    refused(idp.put("/Users/nobody", user("x")).await, 404, None);
}

async fn scim_what_changes_nothing_leaves_no_trace(database: Option<String>) {
    let f = fixture("scim nothing", database).await;
    let idp = Client::new(&f, "entra", "microsoft").await;
    let path = idp.make("ada").await;
    let before = idp.get(&path).await.json();
    let store = f.store().await;
    let feed = || async {
        let mut read = store.read().await.unwrap();
        let feed = aeolus_store::Unit::settings(&mut read).feed().await;
        feed.unwrap().position
    };
    let position = feed().await;
    f.clock.advance(std::time::Duration::from_secs(60));
    idp.put(&path, user("ada")).await.expect(200);
    for operations in [
        json!([{"op": "Replace", "path": "active", "value": "True"}]),
        json!([{"op": "add", "path": "displayName", "value": "ada"}]),
        json!([{"op": "remove", "path": "nickName"}]),
        json!([{"op": "replace", "value": {"password": "secret", "id": "x"}}]),
    ] {
        idp.patch(&path, operations).await.expect(200);
    }
    assert_eq!(idp.get(&path).await.json(), before);
    assert_eq!(feed().await, position);
}

async fn scim_versions_are_conditions(database: Option<String>) {
    let f = fixture("scim versions", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let path = idp.make("ada").await;
    let known = idp
        .send(("GET", &path), &[("if-none-match", "W/\"1\"")], None)
        .await;
    let known = known.expect(304);
    assert_eq!((known.header("etag"), known.body.len()), ("W/\"1\"", 0));
    let body = Some(user("bob").to_string());
    for method in ["PUT", "DELETE"] {
        let stale = idp
            .send((method, &path), &[("if-match", "W/\"7\"")], body.clone())
            .await;
        refused(stale, 412, None);
    }
    let fits = idp
        .send(("PUT", &path), &[("if-match", "W/\"1\"")], body)
        .await;
    assert_eq!(fits.expect(200).header("etag"), "W/\"2\"");
    let gone = idp
        .send(("DELETE", &path), &[("if-match", "*")], None)
        .await;
    gone.expect(204);
}

async fn scim_two_connections_dont_see_each_other(database: Option<String>) {
    let f = fixture("scim two", database).await;
    let one = Client::new(&f, "okta", "okta").await;
    let two = Client::new(&f, "entra", "microsoft").await;
    let path = one.make("ada").await;
    refused(two.get(&path).await, 404, None);
    refused(two.put(&path, user("ada")).await, 404, None);
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    refused(two.patch(&path, off).await, 404, None);
    refused(two.delete(&path).await, 404, None);
    assert_eq!(two.found("userName eq \"ada@corp.test\"").await.len(), 0);
    assert_eq!(two.get("/Users").await.json()["totalResults"], 0);
    // The account is somebody's, so it isn't taken; the name alone is free there.
    refused(
        two.post("/Users", user("ada")).await,
        409,
        Some("uniqueness"),
    );
    let mut same = user("ada");
    same["emails"][0]["value"] = json!("another@corp.test");
    two.post("/Users", same).await.expect(201);
    assert_eq!(one.found("userName eq \"ada@corp.test\"").await.len(), 1);
    assert!(one.account(&path).await.unwrap().disabled_at.is_none());
}

async fn scim_of_many_who_make_the_same_one_does(database: Option<String>) {
    let f = fixture("scim races", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let tries = (0..8).map(|n| {
        let mut body = user("ada");
        body["userName"] = json!(if n % 2 == 0 {
            "ada@corp.test"
        } else {
            "ADA@corp.test"
        });
        // Another address, so that the name alone decides.
        body["emails"][0]["value"] = json!(format!("ada{n}@corp.test"));
        idp.post("/Users", body)
    });
    let mut statuses: Vec<u16> = Vec::new();
    for answer in join_all(tries).await {
        statuses.push(answer.status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(idp.get("/Users").await.json()["totalResults"], 1);
}

async fn scim_changes_at_once_are_all_kept(database: Option<String>) {
    let f = fixture("scim at once", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let path = idp.make("ada").await;
    let names = [
        "nickName",
        "title",
        "locale",
        "timezone",
        "userType",
        "profileUrl",
    ];
    let tries = names.map(|name| {
        let operations = json!([{"op": "replace", "path": name, "value": name}]);
        idp.patch(&path, operations)
    });
    for answer in join_all(tries).await {
        answer.expect(200);
    }
    let after = idp.get(&path).await.json();
    for name in names {
        assert_eq!(after[name], name, "{after}");
    }
    assert_eq!(after["meta"]["version"], "W/\"7\"");
}

async fn scim_bulk_does_what_it_can(database: Option<String>) {
    let f = fixture("scim bulk", database).await;
    let idp = Client::new(&f, "strict", "custom").await;
    let path = idp.make("ada").await;
    let operations = json!([
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("bob")},
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": user("ada")},
        {"method": "PATCH", "path": "/Users/bulkId:b", "data": {"Operations": [
            {"op": "add", "path": "title", "value": "x"}]}},
        {"method": "PUT", "path": path, "version": "W/\"9\"", "data": user("ada")},
        {"method": "DELETE", "path": path},
        {"method": "DELETE", "path": path},
        {"method": "POST", "path": "/Nothing", "bulkId": "c", "data": {}},
    ]);
    let schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    let body = json!({"schemas": [schema], "Operations": operations});
    let done = idp.post("/Bulk", body.clone()).await.expect(200).json();
    let statuses: Vec<&str> = done["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|done| done["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["201", "409", "200", "412", "204", "404", "404"],
        "{done}"
    );
    let bob = done["Operations"][0]["location"].as_str().unwrap();
    assert_eq!(done["Operations"][2]["location"], bob);
    assert_eq!(idp.found("title eq \"x\"").await.len(), 1);
    let mut stops = body;
    stops["failOnErrors"] = json!(1);
    let done = idp.post("/Bulk", stops).await.expect(200).json();
    assert_eq!(done["Operations"].as_array().unwrap().len(), 1);
}

/// All of them at once.
async fn join_all<T>(all: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (one, done) in &mut all {
            if done.is_none() {
                match one.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    all.into_iter().filter_map(|(_, done)| done).collect()
}
