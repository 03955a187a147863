//! Direct access tokens: made by organization owners, believed by gates that never heard of them.

use std::time::Duration;

use aeolus_keys::claims::Direct;
use aeolus_keys::{JwkSet, Kind, jws};
use aeolus_model::{Grant, GrantId, Resource, Role, Scope, Subject};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _};
use serde_json::{Value, json};

use crate::fixture::Fixture;

const TOKENS: &str = "/v1/organizations/acme/tokens";

struct World {
    f: Fixture,
    admin: String,
    owner: String,
    workspace: Value,
    deployment: Value,
}

impl World {
    async fn new(name: &str) -> Self {
        let (f, admin, owner) = Fixture::new(name).await.peopled().await;
        let workspace = json!(f.first(&owner, "workspaces").await);
        let deployment = json!(f.first(&owner, "deployments").await);
        Self {
            f,
            admin,
            owner,
            workspace,
            deployment,
        }
    }

    fn body(&self, scope: &str) -> Value {
        let mut body = json!({"name": "edge", "scope": scope, "kind": "DIRECT_ACCESS",
            "tokenExpiryPeriodInDays": 30});
        match scope {
            "WORKSPACE" => body["entityId"] = self.workspace.clone(),
            "DEPLOYMENT" => body["entityId"] = self.deployment.clone(),
            _ => {}
        }
        body
    }
}

fn claims(token: &Value) -> Direct {
    let value = token["token"].as_str().unwrap();
    jws::parse(value.as_bytes())
        .unwrap()
        .unverified_claims()
        .unwrap()
}

#[tokio::test]
async fn x10_only_organization_owners_make_direct_access_tokens() {
    let w = World::new("direct-owner").await;
    for scope in ["ORGANIZATION", "WORKSPACE", "DEPLOYMENT"] {
        let made =
            w.f.call("POST", TOKENS, &w.owner, Some(w.body(scope)))
                .await;
        let made = made.expect(201).json();
        let claims = claims(&made);
        assert_eq!(
            claims.aud,
            format!(
                "urn:aeolus:direct:{}",
                made["organizationId"].as_str().unwrap()
            )
        );
        assert_eq!(claims.grants.len(), 1);
        assert_eq!(claims.grants[0].role, Role::WorkspaceOperator);
        assert_eq!(claims.grants[0].resource, claims.ent);
        assert_eq!(claims.exp - claims.iat, 30 * 86_400);
        assert_eq!(made["kind"], "DIRECT_ACCESS");
        // Refused at control, whatever is asked.
        let value = made["token"].as_str().unwrap();
        w.f.call("GET", "/v1/me", value, None).await.expect(401);
    }
}

#[tokio::test]
async fn x10_every_other_role_is_refused() {
    let w = World::new("direct-roles").await;
    let f = &w.f;
    let me = |email: &'static str| async move { f.token_of(email).await };
    let users = f
        .call(
            "GET",
            "/v1/organizations/acme/users?limit=200",
            &w.owner,
            None,
        )
        .await;
    let users = users.expect(200).json();
    let of = |email: &str| {
        let all = users["items"].as_array().unwrap();
        all.iter().find(|user| user["email"] == email).unwrap()["id"].clone()
    };
    let organization = f
        .call("GET", "/v1/organizations/acme", &w.owner, None)
        .await
        .json();
    let refused = async |by: &str| {
        for scope in ["ORGANIZATION", "WORKSPACE", "DEPLOYMENT"] {
            let made = f.call("POST", TOKENS, by, Some(w.body(scope))).await;
            made.expect(403);
        }
    };
    // Who has all that owners have, and is none.
    refused(&w.admin).await;
    let grants = "/v1/organizations/acme/grants";
    let mut asked = 0;
    for role in Role::ALL {
        let (kind, id) = match role.scope() {
            Scope::System => {
                system(f, *role).await;
                refused(&me("eve@example.com").await).await;
                asked += 1;
                continue;
            }
            Scope::Organization if *role == Role::OrganizationOwner => continue,
            Scope::Organization => ("organization", &organization["id"]),
            Scope::Workspace => ("workspace", &w.workspace),
            Scope::Deployment => ("deployment", &w.deployment),
        };
        let grant = json!({"role": role.name(), "subject": {"type": "user", "id": of("eve@example.com")},
            "resource": {"type": kind, "id": id}});
        // Some she has already.
        let given = f.call("POST", grants, &w.owner, Some(grant)).await;
        refused(&me("eve@example.com").await).await;
        asked += 1;
        if given.status == 201 {
            let id = given.json()["id"].as_str().unwrap().to_owned();
            let path = format!("{grants}/{id}");
            f.call("DELETE", &path, &w.owner, None).await.expect(200);
        }
    }
    assert_eq!(asked, Role::ALL.len() - 1);
}

/// Gives Eve this one role in the whole installation.
async fn system(f: &Fixture, role: Role) {
    let mut write = f.store().await.write().await.unwrap();
    let email = "eve@example.com".parse().unwrap();
    let eve = write.users().by_email(&email).await.unwrap().unwrap().id;
    for held in write.grants().of(Subject::User(eve)).await.unwrap() {
        if held.grant.resource == Resource::System {
            write.grants().delete(held.grant.id).await.unwrap();
        }
    }
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*f.clock, &*f.rng),
            subject: Subject::User(eve),
            role: role.into(),
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&grant).await.unwrap();
    write.commit().await.unwrap();
}

/// An administrator takes one away in an emergency, and can't make its value anew to have it.
#[tokio::test]
async fn x10_an_administrator_ends_a_direct_access_token_and_does_not_get_its_value() {
    let w = World::new("direct-admin").await;
    let made =
        w.f.call("POST", TOKENS, &w.owner, Some(w.body("WORKSPACE")));
    let made = made.await.expect(201).json();
    let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
    let rotate = format!("{path}/rotate");
    let refused = w.f.call("POST", &rotate, &w.admin, None).await.expect(403);
    assert!(
        refused
            .text()
            .contains("ORGANIZATION_OWNER of this organization")
    );
    w.f.call("POST", &rotate, &w.owner, None).await.expect(200);
    w.f.call("DELETE", &path, &w.admin, None).await.expect(200);
}

#[tokio::test]
async fn its_power_is_a_workspace_operators_at_most_and_can_be_narrowed() {
    let w = World::new("direct-power").await;
    let f = &w.f;
    for role in [
        "WORKSPACE_OWNER",
        "DEPLOYMENT_ADMIN",
        "ORGANIZATION_OWNER",
        "SYSTEM_ADMIN",
        "WORKSPACE_ACCESSOR",
    ] {
        let mut body = w.body("WORKSPACE");
        body["role"] = json!(role);
        f.call("POST", TOKENS, &w.owner, Some(body))
            .await
            .expect(422);
    }
    let mut body = w.body("DEPLOYMENT");
    body["permissions"] = json!(["deployment.airflow.get", "deployment.airflow.get"]);
    let made = f
        .call("POST", TOKENS, &w.owner, Some(body.clone()))
        .await
        .expect(201)
        .json();
    assert_eq!(claims(&made).perms.unwrap().len(), 1);
    assert_eq!(made["permissions"], json!(["deployment.airflow.get"]));
    for beyond in [json!([]), json!(["deployment.airflow.admin"])] {
        body["permissions"] = beyond;
        f.call("POST", TOKENS, &w.owner, Some(body.clone()))
            .await
            .expect(422);
    }
    // A standard token isn't narrowed, a direct one has no second role.
    let narrowed = json!({"name": "x", "role": "ORGANIZATION_MEMBER", "permissions": []});
    f.call("POST", TOKENS, &w.owner, Some(narrowed))
        .await
        .expect(422);
    let mut two = w.body("ORGANIZATION");
    two["roles"] = json!([{"entityType": "WORKSPACE", "entityId": w.workspace,
        "role": "WORKSPACE_MEMBER"}]);
    f.call("POST", TOKENS, &w.owner, Some(two))
        .await
        .expect(422);
}

#[tokio::test]
async fn it_is_rotated_and_revoked_but_never_given_other_roles() {
    let w = World::new("direct-life").await;
    let f = &w.f;
    let made = f
        .call("POST", TOKENS, &w.owner, Some(w.body("WORKSPACE")))
        .await;
    let made = made.expect(201).json();
    let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
    let roles = json!({"roles": [{"entityType": "WORKSPACE", "entityId": w.workspace,
        "role": "WORKSPACE_OWNER"}]});
    f.call("POST", &format!("{path}/roles"), &w.owner, Some(roles))
        .await
        .expect(409);
    let grant = json!({"role": "WORKSPACE_MEMBER", "subject": {"type": "token", "id": made["id"]},
        "resource": {"type": "workspace", "id": w.workspace}});
    f.call(
        "POST",
        "/v1/organizations/acme/grants",
        &w.owner,
        Some(grant),
    )
    .await
    .expect(422);
    // What it has is in its value, whatever the record would say.
    let grants = f.call(
        "GET",
        "/v1/organizations/acme/grants?limit=200",
        &w.owner,
        None,
    );
    let grants = grants.await.expect(200).json();
    let mut all = grants["items"].as_array().unwrap().iter();
    let own = all.find(|grant| grant["subject"]["id"] == made["id"]);
    let own = format!(
        "/v1/organizations/acme/grants/{}",
        own.unwrap()["id"].as_str().unwrap()
    );
    f.call("DELETE", &own, &w.owner, None).await.expect(409);
    // An operator of the workspace may rotate its other tokens.
    let member = f.token_of("member@example.com").await;
    f.call("POST", &format!("{path}/rotate"), &member, None)
        .await
        .expect(403);
    f.clock.advance(Duration::from_secs(60));
    let rotated = f
        .call("POST", &format!("{path}/rotate"), &w.owner, None)
        .await;
    let rotated = rotated.expect(200).json();
    let (before, after) = (claims(&made), claims(&rotated));
    assert_eq!(
        (before.sub, &before.grants, before.ent),
        (after.sub, &after.grants, after.ent)
    );
    assert_ne!(before.idx, after.idx);
    f.call("DELETE", &path, &w.owner, None).await.expect(200);
    f.call("GET", &path, &w.owner, None).await.expect(404);
}

#[tokio::test]
async fn its_key_is_published_and_signs_nothing_else() {
    let w = World::new("direct-key").await;
    let made =
        w.f.call("POST", TOKENS, &w.owner, Some(w.body("ORGANIZATION")))
            .await;
    let direct = made.expect(201).json();
    let body = json!({"name": "api", "role": "ORGANIZATION_MEMBER"});
    let api =
        w.f.call("POST", TOKENS, &w.owner, Some(body))
            .await
            .expect(201)
            .json();
    let set = w.f.get("/.well-known/jwks.json").await.expect(200);
    let set = JwkSet::parse(set.text().as_bytes()).unwrap();
    let kid = |token: &Value| {
        let value = token["token"].as_str().unwrap();
        jws::parse(value.as_bytes()).unwrap().kid()
    };
    let (own, other) = (kid(&direct), kid(&api));
    assert_ne!(own, other);
    let known = |kid: aeolus_keys::Kid| set.iter().any(|key| key.kid() == Some(&kid.to_string()));
    assert!(known(own) && known(other));
    let value = direct["token"].as_str().unwrap();
    assert_eq!(
        jws::parse(value.as_bytes()).unwrap().typ(),
        Kind::Direct.typ()
    );
    assert!(matches!(claims(&direct).ent, Resource::Organization(_)));
    w.f.call("GET", "/v1/me", &w.admin, None).await.expect(200);
}
