//! What happens around provisioning: who may say what it gives, groups that vanish on either side, and its end.

use aeolus_model::{BuiltIns, Permission, Role};
use aeolus_store::Unit as _;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::Fixture;
use crate::scim_client::{Client, fixture, refused};
use crate::scim_groups::{group, id, members, pushed};
use crate::scim_guards::grant;

on_every_engine! {
    scim_what_provisioning_gives_is_said_by_who_says_who_has_which_role,
    scim_c11_a_group_that_vanished_on_either_side_is_made_anew,
    scim_c11_teams_are_peoples_once_nobody_provisions,
}

/// Whoever may change connections and not roles: an editor as this installation has them.
fn editors() -> BuiltIns {
    let mut here = BuiltIns::default();
    for permission in [
        Permission::SystemApply,
        Permission::SystemConnectionsGet,
        Permission::SystemConnectionsUpdate,
    ] {
        here.customise(Role::SystemEditor, permission, true)
            .unwrap();
    }
    here
}

async fn scim_what_provisioning_gives_is_said_by_who_says_who_has_which_role(
    database: Option<String>,
) {
    let f = Fixture::pair_configured("scim gives", database, |config| {
        config.built_ins = editors();
    })
    .await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let idp = Client::new(&f, "made", "okta").await;
    let member = "member@example.com".parse().unwrap();
    let store = f.store().await;
    let mut read = store.read().await.unwrap();
    let member = read.users().by_email(&member).await.unwrap().unwrap();
    drop(read);
    grant(&f, member.id, Role::SystemEditor, None).await;
    let editor = f.token_of("member@example.com").await;
    let says = async |bearer: &str, scim: Value, status: u16| {
        let connection = json!({"name": "idp", "type": "okta", "scim": scim});
        let fleet = json!({"version": 1, "connections": [connection]});
        let body = json!({"fleet": fleet, "secrets": {}});
        let applied = f.call("POST", "/v1/apply", bearer, Some(body)).await;
        applied.expect(status);
    };
    let templates = json!([{"match": "owners", "role": "ORGANIZATION_OWNER"}]);
    // How a connection provisions is a matter of connections, what it gives one of roles: also what is taken back.
    says(
        &editor,
        json!({"organization": "acme", "profile": "strict"}),
        200,
    )
    .await;
    for gives in [
        json!({"organization": "acme", "teamTemplates": templates}),
        json!({"organization": "acme", "matchExisting": true}),
        json!({"organization": "acme", "matchAdministrators": true}),
    ] {
        says(&editor, gives.clone(), 403).await;
        says(&admin, gives.clone(), 200).await;
        says(&editor, gives, 200).await;
        says(&editor, json!({"organization": "acme"}), 403).await;
    }
    let held = f.call("GET", "/v1/connections", &admin, None).await;
    let held = held.expect(200).json();
    let held = held["items"].as_array().unwrap();
    let of = |name: &str| {
        let found = held.iter().find(|connection| connection["name"] == name);
        found.unwrap()["scimProfile"].clone()
    };
    assert_eq!((of("idp"), of("made")), (json!("okta"), json!("okta")));
    says(&editor, json!({"organization": "acme"}), 403).await;
    idp.get("/Users").await.expect(200);
}

async fn scim_c11_a_group_that_vanished_on_either_side_is_made_anew(database: Option<String>) {
    let f = fixture("scim vanished", database).await;
    let entra = Client::new(&f, "entra", "microsoft").await;
    let ann = entra.make("ann").await;
    let path = pushed(&entra, "Data Ops", &[id(&ann)]).await;
    // Somebody here removed the Team, whatever way.
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    write
        .teams()
        .delete(id(&path).parse().unwrap())
        .await
        .unwrap();
    write.commit().await.unwrap();
    // Entra asks for what it remembers, gets 404, and matches anew.
    let add = json!([{"op": "Add", "path": "members", "value": [{"value": id(&ann)}]}]);
    refused(entra.patch(&path, add.clone()).await, 404, None);
    refused(entra.get(&path).await, 404, None);
    refused(entra.put(&path, group("Data Ops", &[])).await, 404, None);
    let filter = "/Groups?excludedAttributes=members&filter=displayName+eq+%22data+ops%22";
    assert_eq!(
        entra.get(filter).await.expect(200).json()["totalResults"],
        0
    );
    let shown = entra.get(&ann).await.expect(200).json();
    assert_eq!(shown["groups"].as_array().map_or(0, Vec::len), 0);
    let again = pushed(&entra, "Data Ops", &[]).await;
    assert_ne!(again, path);
    entra.patch(&again, add).await.expect(204);
    assert_eq!(members(&entra, &again).await, [id(&ann)]);
    // The client removes what was removed here: nothing is there for it, and the name is free.
    let mut write = store.write().await.unwrap();
    write
        .teams()
        .delete(id(&again).parse().unwrap())
        .await
        .unwrap();
    write.commit().await.unwrap();
    refused(entra.delete(&again).await, 404, None);
    // And what the client removes can be made here, and there anew.
    let third = pushed(&entra, "Data Ops", &[id(&ann)]).await;
    entra.delete(&third).await.expect(204);
    refused(entra.delete(&third).await, 404, None);
    let admin = f.admin().await;
    let own = json!({"name": "data-ops"});
    f.call("POST", "/v1/organizations/acme/teams", &admin, Some(own))
        .await
        .expect(201);
    let fourth = pushed(&entra, "Data Ops", &[id(&ann)]).await;
    assert_eq!(members(&entra, &fourth).await, [id(&ann)]);
    entra.delete(&ann).await.expect(204);
    assert_eq!(members(&entra, &fourth).await, Vec::<String>::new());
}

async fn scim_c11_teams_are_peoples_once_nobody_provisions(database: Option<String>) {
    let f = fixture("scim end", database).await;
    let okta = Client::new(&f, "okta", "okta").await;
    let ann = okta.make("ann").await;
    let full = pushed(&okta, "full", &[id(&ann)]).await;
    let empty = pushed(&okta, "empty", &[]).await;
    let admin = f.admin().await;
    let team = |path: &str| format!("/v1/organizations/acme/teams/{}", id(path));
    let out = format!("{}/members/{}", team(&full), id(&ann));
    f.call("DELETE", &team(&empty), &admin, None)
        .await
        .expect(409);
    f.call("DELETE", &out, &admin, None).await.expect(409);
    // With the last credential nobody is left who says who is in them.
    let credentials = "/v1/connections/okta/scim/credentials";
    let listed = f.call("GET", credentials, &admin, None).await.expect(200);
    let listed = listed.json();
    let credential = listed["items"][0]["id"].as_str().unwrap();
    let gone = format!("{credentials}/{credential}");
    f.call("DELETE", &gone, &admin, None).await.expect(200);
    okta.get("/Groups").await.expect(401);
    f.call("DELETE", &team(&empty), &admin, None)
        .await
        .expect(200);
    f.call("DELETE", &out, &admin, None).await.expect(200);
    f.call("DELETE", &team(&full), &admin, None)
        .await
        .expect(200);
}
