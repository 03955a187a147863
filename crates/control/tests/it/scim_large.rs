//! Resources that are as large as they may be: questions about many of them are refused before they are all in memory.

use aeolus_model::{OrganizationId, TeamId, UserId};
use aeolus_store::{ManagedBy, ScimGroup, ScimUser, Team, Unit as _, User, Write};
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::Fixture;
use crate::scim_client::{Client, fixture, refused};

on_every_engine! {
    scim_many_large_resources_are_refused_and_few_are_shown,
    scim_limits_hold_to_the_byte,
}

/// More than are answered together: 32 MiB.
const MANY: usize = 40;

/// As large as all texts of a resource may be together: 1 MiB (note 030).
fn tree(name: &str) -> Value {
    let title = "x".repeat(60_000);
    let addresses: Vec<Value> = (0..17)
        .map(|at| json!({"type": format!("t{at}"), "formatted": title}))
        .collect();
    json!({"userName": name, "externalId": "same", "active": true, "addresses": addresses})
}

async fn person(f: &Fixture, write: &mut Write, client: &Client<'_>, name: &str) -> UserId {
    let now = f.clock_now();
    let user = User {
        id: UserId::random(&*f.rng),
        email: format!("{name}@corp.test").parse().unwrap(),
        name: name.to_owned(),
        password_hash: None,
        disabled_at: None,
        created_at: now,
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    write.users().insert(&user).await.unwrap();
    let scim = ScimUser {
        connection: client.connection,
        id: user.id,
        user_name: name.to_owned(),
        name_key: name.to_owned(),
        external_id: Some("same".to_owned()),
        tree: tree(name).to_string(),
        made: true,
        off: false,
        version: 1,
        created_at: now,
        changed_at: now,
    };
    write.scim_users().insert(&scim, &[]).await.unwrap();
    user.id
}

async fn group(
    f: &Fixture,
    write: &mut Write,
    (client, organization): (&Client<'_>, OrganizationId),
    (name, member): (&str, UserId),
) {
    let now = f.clock_now();
    let team = Team {
        id: TeamId::new(&*f.clock, &*f.rng),
        organization,
        name: name.parse().unwrap(),
        description: String::new(),
        managed_by: ManagedBy::Configuration,
        revision: 1,
    };
    let group = ScimGroup {
        team: team.id,
        connection: client.connection,
        display_name: name.to_owned(),
        name_key: name.to_owned(),
        external_id: Some("same".to_owned()),
        made_as: name.to_owned(),
        tree: json!({"displayName": name, "externalId": "x".repeat(1_000_000)}).to_string(),
        version: 1,
        created_at: now,
        changed_at: now,
    };
    write.teams().insert(&team).await.unwrap();
    write.scim_groups().insert(&group).await.unwrap();
    let mut groups = write.scim_groups();
    groups.put_in(team.id, &[member]).await.unwrap();
}

async fn scim_many_large_resources_are_refused_and_few_are_shown(database: Option<String>) {
    let f = fixture("scim large", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let store = f.store().await;
    let mut last = None;
    for number in 0..MANY {
        let mut write = store.write().await.unwrap();
        let acme = write
            .organizations()
            .by_name(&"acme".parse().unwrap())
            .await;
        let acme = acme.unwrap().unwrap().id;
        let who = match last {
            Some(who) => who,
            None => person(&f, &mut write, &idp, "member").await,
        };
        last = Some(who);
        person(&f, &mut write, &idp, &format!("large-{number:02}")).await;
        let name = format!("group-{number:02}");
        group(&f, &mut write, (&idp, acme), (&name, who)).await;
        write.commit().await.unwrap();
    }
    let member = format!("members.value eq \"{}\"", last.unwrap());
    let queries = [
        ("Users", "externalId eq \"same\"".to_owned()),
        ("Groups", "externalId eq \"same\"".to_owned()),
        ("Groups", member),
    ];
    for (kind, filter) in queries {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let path = format!("/{kind}?excludedAttributes=members&count=1&filter={filter}");
        let body = refused(idp.get(&path).await, 400, Some("tooMany"));
        assert!(body["detail"].as_str().unwrap().contains("33554432"));
        let path = format!("/{kind}?count={MANY}");
        refused(idp.get(&path).await, 400, Some("tooMany"));
        // A part of them, and one by its name.
        let page = idp.get(&format!("/{kind}?count=9")).await.expect(200);
        assert_eq!(page.json()["Resources"].as_array().unwrap().len(), 9);
    }
    let one = idp
        .found("userName eq \"large-07\" and externalId eq \"same\"")
        .await;
    assert_eq!(one.len(), 1);
    // What is looked at and doesn't fit isn't kept.
    let few = idp.found("userName sw \"large-3\"").await;
    assert_eq!(few.len(), 10);
}

/// Note 030's limits, through the whole of control.
async fn scim_limits_hold_to_the_byte(database: Option<String>) {
    let f = fixture("scim bytes", database).await;
    let idp = Client::new(&f, "okta", "okta").await;
    let with = |title: String| {
        let mut body = crate::scim_client::user("ada");
        body["title"] = json!(title);
        body
    };
    // One text: 64 KiB.
    let long = idp.post("/Users", with("x".repeat(64 * 1024 + 1))).await;
    refused(long, 400, Some("invalidValue"));
    let made = idp.post("/Users", with("x".repeat(64 * 1024))).await;
    let path = format!("/Users/{}", made.expect(201).json()["id"].as_str().unwrap());
    // All texts of one resource: 1 MiB, also by what a PATCH adds.
    let add = |places: std::ops::Range<usize>| {
        let values: Vec<Value> = places
            .map(|at| json!({"type": format!("a{at}"), "formatted": "x".repeat(60_000)}))
            .collect();
        json!([{"op": "add", "path": "addresses", "value": values}])
    };
    refused(
        idp.patch(&path, add(0..20)).await,
        400,
        Some("invalidValue"),
    );
    idp.patch(&path, add(0..10)).await.expect(200);
    refused(
        idp.patch(&path, add(10..20)).await,
        400,
        Some("invalidValue"),
    );
    // What an index keeps: 1,000 bytes, by bytes and not by letters.
    let named = |name: &str, value: String| {
        let mut body = crate::scim_client::user("bob");
        body[name] = json!(value);
        body
    };
    for (name, fits) in [
        ("userName", "é".repeat(500)),
        ("externalId", "é".repeat(500)),
    ] {
        let beyond = idp.post("/Users", named(name, format!("{fits}x"))).await;
        refused(beyond, 400, Some("invalidValue"));
        let made = idp
            .post("/Users", named(name, fits))
            .await
            .expect(201)
            .json();
        let made = format!("/Users/{}", made["id"].as_str().unwrap());
        idp.delete(&made).await.expect(204);
    }
    let named = |name: String| {
        let mut body = crate::scim_groups::group(&name, &[]);
        body["externalId"] = json!("short");
        body
    };
    let beyond = idp.post("/Groups", named("x".repeat(1_001))).await;
    refused(beyond, 400, Some("invalidValue"));
    idp.post("/Groups", named("x".repeat(1_000)))
        .await
        .expect(201);
    // The body: 5 MiB.
    let padded = |length: usize| {
        let body = crate::scim_client::user("cyd").to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let most = 5 * 1024 * 1024;
    let beyond = idp
        .send(("POST", "/Users"), &[], Some(padded(most + 1)))
        .await;
    refused(beyond, 413, None);
    let made = idp.send(("POST", "/Users"), &[], Some(padded(most))).await;
    made.expect(201);
}
