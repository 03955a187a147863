//! Groups over SCIM: Okta's and Entra's request forms, and what they come to.

use aeolus_model::{Action, TeamId};
use aeolus_store::Unit as _;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::scim_client::{Client, LIST, fixture, refused};

pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

on_every_engine! {
    scim_2_entra_makes_renames_fills_and_removes_a_group,
    scim_3_okta_pushes_a_group_in_its_order_and_says_nothing_twice,
    scim_3_okta_wizard_apps_put_whole_groups,
    scim_4_9_a_group_of_20000_and_patches_of_hundreds,
    scim_4_19_one_unknown_member_refuses_all_of_them,
    scim_5_groups_are_found_by_index_and_members_are_only_read_where_asked_for,
    scim_8_no_connection_sees_or_fills_the_groups_of_another,
    scim_14_ids_that_clients_choose_and_names_that_are_taken,
    scim_20_a_patch_does_everything_or_nothing,
    scim_users_show_their_groups_and_leave_them_when_they_are_deleted,
}

/// A group as clients push it.
pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    json!({"schemas": [GROUP], "displayName": name, "externalId": format!("ext-{name}"),
        "members": members.iter().map(|id| json!({"value": id})).collect::<Vec<_>>()})
}

/// The id at the end of a path.
pub(crate) fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// Makes a group; returns its path.
pub(crate) async fn pushed(client: &Client<'_>, name: &str, members: &[&str]) -> String {
    let made = client.post("/Groups", group(name, members)).await;
    format!(
        "/Groups/{}",
        made.expect(201).json()["id"].as_str().unwrap()
    )
}

/// Who is in a group, sorted.
pub(crate) async fn members(client: &Client<'_>, path: &str) -> Vec<String> {
    let shown = client.get(path).await.expect(200).json();
    let members = shown["members"].as_array().cloned().unwrap_or_default();
    let ids = members
        .iter()
        .map(|member| member["value"].as_str().unwrap().to_owned());
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

fn sorted(ids: &[&str]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    ids.sort();
    ids
}

/// What a filter on groups finds, by names.
async fn found(client: &Client<'_>, filter: &str, more: &str) -> Vec<Value> {
    let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let answer = client.get(&format!("/Groups?filter={query}{more}")).await;
    let answer = answer.expect(200).json();
    assert_eq!(answer["schemas"], json!([LIST]));
    answer["Resources"].as_array().unwrap().clone()
}

async fn scim_2_entra_makes_renames_fills_and_removes_a_group(database: Option<String>) {
    let f = fixture("scim_2_entra", database).await;
    let entra = Client::new(&f, "microsoft", "microsoft").await;
    let (ann, bob) = (entra.make("ann").await, entra.make("bob").await);
    let made = entra
        .post("/Groups?aadOptscim062020", group("Data Ops", &[]))
        .await;
    let made = made.expect(201);
    let shown = made.json();
    let path = format!("/Groups/{}", shown["id"].as_str().unwrap());
    assert!(made.location().ends_with(&path), "{}", made.location());
    assert_eq!(shown["displayName"], "Data Ops");
    assert_eq!(shown["meta"]["resourceType"], "Group");
    // Duplicates are those that differ in case alone, too.
    let again = entra.post("/Groups", group("data ops", &[])).await;
    refused(again, 409, Some("uniqueness"));

    // The older form: text in any case, and removals that list values.
    let operations = json!([{"op": "Add", "path": "members",
        "value": [{"value": id(&ann)}, {"value": id(&bob)}]}]);
    let answer = entra.patch(&path, operations).await.expect(204);
    assert_eq!(answer.body, b"");
    assert_eq!(members(&entra, &path).await, sorted(&[id(&ann), id(&bob)]));
    let operations = json!([{"op": "Remove", "path": "members", "value": [{"value": id(&bob)}]}]);
    entra.patch(&path, operations).await.expect(204);
    assert_eq!(members(&entra, &path).await, sorted(&[id(&ann)]));
    // The newer: by a path; and pathless replacement of names.
    let selected = format!("members[value eq \"{}\"]", id(&ann));
    let operations = json!([{"op": "remove", "path": selected}]);
    entra.patch(&path, operations).await.expect(204);
    assert_eq!(members(&entra, &path).await, sorted(&[]));
    let operations = json!([{"op": "replace", "value": {"displayName": "Data Operations"}}]);
    entra.patch(&path, operations).await.expect(204);
    let operations = json!([{"op": "Replace", "path": "externalId", "value": "object-1"}]);
    entra.patch(&path, operations).await.expect(204);

    // The Team keeps the name by which documents know it; the list says what the group is called now.
    let admin = f.admin().await;
    let teams = f
        .call("GET", "/v1/organizations/acme/teams", &admin, None)
        .await;
    let teams = teams.expect(200).json();
    let team = teams["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|team| team["name"] == "data-ops");
    let group = &team.unwrap()["group"];
    assert_eq!(group["name"], "Data Operations");
    assert_eq!(group["id"], "object-1");
    assert_eq!(group["provisioned"], true);

    entra.delete(&path).await.expect(204);
    refused(entra.delete(&path).await, 404, None);
    refused(entra.get(&path).await, 404, None);
    let teams = f
        .call("GET", "/v1/organizations/acme/teams", &admin, None)
        .await;
    assert!(!teams.text().contains("data-ops"));
    // The name is free again.
    pushed(&entra, "Data Operations", &[]).await;
}

async fn scim_3_okta_pushes_a_group_in_its_order_and_says_nothing_twice(database: Option<String>) {
    let f = fixture("scim_3_okta", database).await;
    let okta = Client::new(&f, "okta", "okta").await;
    let (ann, bob) = (okta.make("ann").await, okta.make("bob").await);
    let path = pushed(&okta, "Ops", &[]).await;
    let add = |who: &str| json!({"op": "add", "path": "members", "value": [{"value": id(who), "display": "x"}]});
    let answer = okta.patch(&path, json!([add(&ann)])).await.expect(200);
    assert_eq!(answer.json()["members"][0]["value"], id(&ann));
    assert_eq!(answer.json()["members"][0]["type"], "User");
    assert!(
        answer.json()["members"][0]["$ref"]
            .as_str()
            .unwrap()
            .ends_with(&ann)
    );

    // With each change comes a rename to what it is called, which is none.
    let before = okta.get(&path).await.expect(200).json();
    let lines = f.audited(Action::TeamUpdate).await.len();
    f.clock.advance(std::time::Duration::from_secs(60));
    let rename = json!([{"op": "replace", "value": {"id": id(&path), "displayName": "Ops"}}]);
    let answer = okta.patch(&path, rename).await.expect(200);
    assert_eq!(answer.json()["meta"], before["meta"]);
    assert_eq!(f.audited(Action::TeamUpdate).await.len(), lines);
    let members_lines = f.audited(Action::TeamMembers).await.len();
    let answer = okta.patch(&path, json!([add(&ann)])).await.expect(200);
    assert_eq!(answer.json()["meta"], before["meta"]);
    assert_eq!(f.audited(Action::TeamMembers).await.len(), members_lines);

    // Mixed in one request, the order counts: the last word about each is what holds.
    let out =
        |who: &str| json!({"op": "remove", "path": format!("members[value eq \"{}\"]", id(who))});
    let mixed = json!([out(&ann), add(&bob), add(&ann), out(&bob)]);
    okta.patch(&path, mixed).await.expect(200);
    assert_eq!(members(&okta, &path).await, sorted(&[id(&ann)]));
    // A full push.
    let whole = json!([{"op": "replace", "path": "members", "value": [{"value": id(&bob)}]}]);
    okta.patch(&path, whole).await.expect(200);
    assert_eq!(members(&okta, &path).await, sorted(&[id(&bob)]));
    let lines = f.audited(Action::TeamMembers).await;
    let last = lines.iter().max_by_key(|line| line.at).unwrap();
    assert_eq!(last.target, id(&path));
    let told: Vec<_> = last
        .changes
        .iter()
        .map(|c| (c.before.as_deref(), c.after.as_deref()))
        .collect();
    assert_eq!(told, [(Some(id(&ann)), None), (None, Some(id(&bob)))]);
}

async fn scim_3_okta_wizard_apps_put_whole_groups(database: Option<String>) {
    let f = fixture("scim_3_wizard", database).await;
    let okta = Client::new(&f, "okta", "okta").await;
    let (ann, bob) = (okta.make("ann").await, okta.make("bob").await);
    let path = pushed(&okta, "Ops", &[id(&ann)]).await;
    let put = okta
        .put(&path, group("Operations", &[id(&bob)]))
        .await
        .expect(200)
        .json();
    assert_eq!(put["displayName"], "Operations");
    assert_eq!(put["members"].as_array().unwrap().len(), 1);
    assert_eq!(members(&okta, &path).await, sorted(&[id(&bob)]));
    // The same once more is no change, and a body without members leaves them.
    let same = okta
        .put(&path, group("Operations", &[id(&bob)]))
        .await
        .expect(200)
        .json();
    assert_eq!(same["meta"], put["meta"]);
    let bare = json!({"schemas": [GROUP], "displayName": "Operations", "members": null});
    okta.put(&path, bare).await.expect(200);
    let bare =
        json!({"schemas": [GROUP], "displayName": "operations", "id": "another", "meta": {}});
    okta.put(&path, bare).await.expect(200);
    let shown = okta.get(&path).await.expect(200).json();
    assert_eq!(shown["displayName"], "operations");
}

async fn scim_4_9_a_group_of_20000_and_patches_of_hundreds(database: Option<String>) {
    // Fewer, where this runs for every change; the numbers of the row are in the bench.
    const MANY: usize = 600;
    let f = fixture("scim_4_9", database).await;
    let okta = Client::new(&f, "okta", "okta").await;
    let people = crate::scim_templates::many(&f, &okta, MANY).await;
    let ids: Vec<&str> = people.iter().map(String::as_str).collect();
    let path = pushed(&okta, "All", &[]).await;
    let values = |ids: &[&str]| {
        ids.iter()
            .map(|id| json!({"value": id}))
            .collect::<Vec<_>>()
    };
    let add = |ids: &[&str]| json!([{"op": "add", "path": "members", "value": values(ids)}]);
    // Okta's largest batch is answered with the group, and one more without it.
    let first = okta.patch(&path, add(&ids[..256])).await.expect(200).json();
    assert_eq!(first["members"].as_array().unwrap().len(), 256);
    okta.patch(&path, add(&ids[256..257])).await.expect(204);
    let whole = json!([{"op": "replace", "path": "members", "value": values(&ids)}]);
    okta.patch(&path, whole).await.expect(204);
    assert_eq!(members(&okta, &path).await.len(), MANY);
    // One operation each, as clients send them.
    let out: Vec<Value> = ids[1..]
        .iter()
        .map(|id| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}))
        .collect();
    okta.patch(&path, json!(out)).await.expect(200);
    assert_eq!(members(&okta, &path).await, sorted(&ids[..1]));
}

async fn scim_4_19_one_unknown_member_refuses_all_of_them(database: Option<String>) {
    let f = fixture("scim_4_19", database).await;
    let okta = Client::new(&f, "okta", "okta").await;
    let other = Client::new(&f, "other", "okta").await;
    let (ann, bob) = (okta.make("ann").await, okta.make("bob").await);
    let stranger = other.make("zoe").await;
    let path = pushed(&okta, "Ops", &[id(&ann)]).await;
    let admin = f.first(&f.admin().await, "users").await;
    for unknown in [
        id(&stranger),
        admin.as_str(),
        "01890000-0000-7000-8000-000000000000",
        "nobody",
        id(&path),
    ] {
        let operations = json!([{"op": "add", "path": "members",
            "value": [{"value": id(&bob)}, {"value": unknown}]}]);
        let body = refused(
            okta.patch(&path, operations).await,
            400,
            Some("invalidValue"),
        );
        assert!(body["detail"].as_str().unwrap().contains(unknown), "{body}");
        let body = refused(
            okta.post("/Groups", group("New", &[unknown])).await,
            400,
            Some("invalidValue"),
        );
        assert!(body["detail"].as_str().unwrap().contains(unknown), "{body}");
        // Out of a group is whoever isn't a user here, already.
        let operations =
            json!([{"op": "remove", "path": format!("members[value eq \"{unknown}\"]")}]);
        okta.patch(&path, operations).await.expect(200);
    }
    let nested =
        json!([{"op": "add", "path": "members", "value": [{"value": id(&ann), "type": "Group"}]}]);
    refused(okta.patch(&path, nested).await, 400, Some("invalidValue"));
    assert_eq!(members(&okta, &path).await, sorted(&[id(&ann)]));
    assert_eq!(
        found(&okta, "displayName eq \"New\"", "").await,
        Vec::<Value>::new()
    );
}

async fn scim_5_groups_are_found_by_index_and_members_are_only_read_where_asked_for(
    database: Option<String>,
) {
    let f = fixture("scim_5_groups", database).await;
    let entra = Client::new(&f, "microsoft", "microsoft").await;
    let (ann, bob) = (entra.make("ann").await, entra.make("bob").await);
    let one = pushed(&entra, "One", &[id(&ann)]).await;
    pushed(&entra, "Two", &[id(&ann), id(&bob)]).await;
    pushed(&entra, "Three", &[]).await;
    for (filter, expected) in [
        ("displayName eq \"ONE\"".to_owned(), vec!["One"]),
        ("externalId eq \"ext-Two\"".to_owned(), vec!["Two"]),
        ("externalId eq \"EXT-Two\"".to_owned(), vec![]),
        (
            format!("members.value eq \"{}\"", id(&ann)),
            vec!["One", "Two"],
        ),
        (format!("members eq \"{}\"", id(&bob)), vec!["Two"]),
        (
            format!("id eq \"{}\" and members eq \"{}\"", id(&one), id(&ann)),
            vec!["One"],
        ),
        (
            format!("id eq \"{}\" and members eq \"{}\"", id(&one), id(&bob)),
            vec![],
        ),
        (format!("members[value eq \"{}\"]", id(&bob)), vec!["Two"]),
        ("displayName sw \"t\"".to_owned(), vec!["Three", "Two"]),
        (
            "displayName eq \"one\" or displayName eq \"three\"".to_owned(),
            vec!["One", "Three"],
        ),
        ("not (members pr)".to_owned(), vec!["Three"]),
        ("displayName eq \"nobody's\"".to_owned(), vec![]),
    ] {
        let shown = found(&entra, &filter, "&excludedAttributes=members").await;
        let names: Vec<&str> = shown
            .iter()
            .map(|group| group["displayName"].as_str().unwrap())
            .collect();
        let mut expected = expected;
        expected.sort_unstable_by_key(|name| name.to_lowercase());
        let mut names = names;
        names.sort_unstable_by_key(|name| name.to_lowercase());
        assert_eq!(names, expected, "{filter}");
        assert!(
            shown.iter().all(|group| group.get("members").is_none()),
            "{filter}"
        );
    }
    let shown = entra
        .get(&format!("{one}?excludedAttributes=members"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (shown.get("members"), &shown["displayName"]),
        (None, &json!("One"))
    );
    let shown = found(&entra, "displayName eq \"one\"", "").await;
    assert_eq!(shown[0]["members"][0]["value"], id(&ann));
    // Pages of an import: stable, and numbers are numbers.
    let mut names = Vec::new();
    for start in [1, 3] {
        let page = entra
            .get(&format!("/Groups?startIndex={start}&count=2"))
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&page["totalResults"], &page["startIndex"]),
            (&json!(3), &json!(start))
        );
        let page = page["Resources"].as_array().unwrap().clone();
        names.extend(
            page.iter()
                .map(|group| group["displayName"].as_str().unwrap().to_owned()),
        );
    }
    names.sort();
    assert_eq!(names, ["One", "Three", "Two"]);
    let schemas = entra.get("/Schemas").await.expect(200).text();
    assert!(schemas.contains(GROUP) && schemas.contains("members"));
}

async fn scim_8_no_connection_sees_or_fills_the_groups_of_another(database: Option<String>) {
    let f = fixture("scim_8_groups", database).await;
    let (okta, other) = (
        Client::new(&f, "okta", "okta").await,
        Client::new(&f, "other", "okta").await,
    );
    let ann = okta.make("ann").await;
    let path = pushed(&okta, "Ops", &[id(&ann)]).await;
    // The same name is another group there, with a Team of another name.
    let theirs = pushed(&other, "Ops", &[]).await;
    assert_ne!(path, theirs);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": id(&ann)}]}]);
    for answer in [
        other.get(&path).await,
        other.put(&path, group("Ops", &[])).await,
        other.patch(&path, add).await,
        other.delete(&path).await,
    ] {
        refused(answer, 404, None);
    }
    for filter in [
        format!("id eq \"{}\"", id(&path)),
        format!("members.value eq \"{}\"", id(&ann)),
    ] {
        assert_eq!(found(&other, &filter, "").await, Vec::<Value>::new());
    }
    // Nor any Team that no client made.
    let admin = f.admin().await;
    let data = f.call("GET", "/v1/organizations/acme/teams/data", &admin, None);
    let data = data.await.expect(200).json();
    let team = data["id"].as_str().unwrap();
    for client in [&okta, &other] {
        refused(client.get(&format!("/Groups/{team}")).await, 404, None);
        refused(client.delete(&format!("/Groups/{team}")).await, 404, None);
    }
    assert_eq!(members(&okta, &path).await, sorted(&[id(&ann)]));
}

async fn scim_14_ids_that_clients_choose_and_names_that_are_taken(database: Option<String>) {
    let f = fixture("scim_14_groups", database).await;
    let okta = Client::new(&f, "okta", "okta").await;
    let one = pushed(&okta, "One", &[]).await;
    let mut chosen = group("Two", &[]);
    chosen["id"] = json!(id(&one));
    let two = okta.post("/Groups", chosen).await.expect(201).json();
    assert_ne!(two["id"], id(&one));
    let two = format!("/Groups/{}", two["id"].as_str().unwrap());
    // 21, 22: in another case it is its own name; another's is taken, and nothing of the request is done.
    okta.patch(
        &two,
        json!([{"op": "replace", "path": "displayName", "value": "TWO"}]),
    )
    .await
    .expect(200);
    let collides = json!([{"op": "replace", "path": "externalId", "value": "new"},
        {"op": "replace", "path": "displayName", "value": "oNE"}]);
    refused(okta.patch(&two, collides).await, 409, Some("uniqueness"));
    refused(
        okta.put(&two, group("one", &[])).await,
        409,
        Some("uniqueness"),
    );
    let shown = okta.get(&two).await.expect(200).json();
    assert_eq!(
        (&shown["displayName"], &shown["externalId"]),
        (&json!("TWO"), &json!("ext-Two"))
    );
    // Names that can't be a Team's are a Team's with a hash.
    for name in [
        "\u{430}dmins",
        "Dom\u{e4}ne (EU)",
        "<script>=1+1",
        "x\r\ny",
        "\u{202e}txt",
    ] {
        pushed(&okta, name, &[]).await;
        let query = format!("displayName eq {}", json!(name));
        assert_eq!(found(&okta, &query, "").await.len(), 1, "{name:?}");
    }
    for bad in [
        json!({"schemas": [GROUP]}),
        json!({"schemas": [GROUP], "displayName": ""}),
        json!({"schemas": [GROUP], "displayName": "x".repeat(1_001)}),
        json!({"schemas": [GROUP], "displayName": "a\u{0}b"}),
    ] {
        refused(okta.post("/Groups", bad).await, 400, Some("invalidValue"));
    }
}

async fn scim_20_a_patch_does_everything_or_nothing(database: Option<String>) {
    let f = fixture("scim_20_groups", database).await;
    let okta = Client::new(&f, "okta", "okta").await;
    let ann = okta.make("ann").await;
    let path = pushed(&okta, "Ops", &[]).await;
    let before = okta.get(&path).await.expect(200);
    let half = json!([
        {"op": "add", "path": "members", "value": [{"value": id(&ann)}]},
        {"op": "replace", "path": "displayName", "value": "New"},
        {"op": "replace", "path": "nothing", "value": "x"}]);
    refused(okta.patch(&path, half).await, 400, Some("invalidPath"));
    assert_eq!(okta.get(&path).await.expect(200).json(), before.json());
    // E26: a version that is named is the one that is changed, of members too.
    let tag = before.header("etag").to_owned();
    let add = json!({"schemas": [crate::scim_client::PATCH], "Operations": [
        {"op": "add", "path": "members", "value": [{"value": id(&ann)}]}]});
    let send = |tag: String| {
        let (okta, path, add) = (&okta, path.as_str(), add.to_string());
        async move {
            okta.send(("PATCH", path), &[("if-match", &tag)], Some(add))
                .await
        }
    };
    send(tag.clone()).await.expect(200);
    refused(send(tag).await, 412, None);
}

async fn scim_users_show_their_groups_and_leave_them_when_they_are_deleted(
    database: Option<String>,
) {
    let f = fixture("scim_users_groups", database).await;
    let okta = Client::new(&f, "okta", "okta").await;
    let ann = okta.make("ann").await;
    let two = pushed(&okta, "Two", &[id(&ann)]).await;
    let one = pushed(&okta, "one", &[id(&ann)]).await;
    let shown = okta.get(&ann).await.expect(200).json();
    let groups = shown["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!(
        (&groups[0]["value"], &groups[0]["display"]),
        (&json!(id(&one)), &json!("one"))
    );
    assert!(groups[1]["$ref"].as_str().unwrap().ends_with(&two));
    let listed = okta.get("/Users").await.expect(200).json();
    assert_eq!(listed["Resources"][0]["groups"], shown["groups"]);
    // What a client writes there means nothing.
    let mut body = crate::scim_client::user("ann");
    body["groups"] = json!([]);
    okta.put(&ann, body).await.expect(200);
    assert_eq!(
        okta.get(&ann).await.expect(200).json()["groups"],
        shown["groups"]
    );
    // C11: who may not sign in stays in, for they are not pushed again.
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    okta.patch(&ann, off).await.expect(200);
    assert_eq!(members(&okta, &one).await, sorted(&[id(&ann)]));
    let before = okta.get(&one).await.expect(200).json();
    okta.delete(&ann).await.expect(204);
    let after = okta.get(&one).await.expect(200).json();
    assert_eq!(after.get("members"), None);
    assert_ne!(after["meta"]["version"], before["meta"]["version"]);
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let team: TeamId = id(&two).parse().unwrap();
    assert_eq!(view.teams().members(team).await.unwrap(), []);
}
