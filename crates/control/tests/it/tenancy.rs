//! Organizations and what is in them.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, HOST, fleet};
use crate::provider::deployment;

const ACME: &str = "/v1/organizations/acme";

async fn first(f: &Fixture, bearer: &str, list: &str) -> Value {
    let answer = f.call("GET", &format!("{ACME}/{list}"), bearer, None).await;
    answer.expect(200).json()["items"][0].clone()
}

#[tokio::test]
async fn organizations_and_workspaces_come_and_go() {
    let f = Fixture::new("orgs").await;
    let admin = f.admin().await;
    let made = f
        .call(
            "POST",
            "/v1/organizations",
            &admin,
            Some(json!({"name": "globex"})),
        )
        .await;
    let made = made.expect(201).json();
    let again = f
        .call(
            "POST",
            "/v1/organizations",
            &admin,
            Some(json!({"name": "globex"})),
        )
        .await;
    assert_eq!(again.expect(409).json()["code"], "taken");
    f.call(
        "POST",
        "/v1/organizations",
        &admin,
        Some(json!({"name": "No Slug"})),
    )
    .await
    .expect(400);
    let path = format!("/v1/organizations/{}", made["id"].as_str().unwrap());
    let one = f.call("GET", &path, &admin, None).await.expect(200).json();
    assert_eq!(one["name"], "globex");
    let workspaces = format!("{path}/workspaces");
    let made = f
        .call("POST", &workspaces, &admin, Some(json!({"name": "one"})))
        .await;
    let id = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    f.call("GET", &format!("{workspaces}/one"), &admin, None)
        .await
        .expect(200);
    f.call("DELETE", &format!("{workspaces}/{id}"), &admin, None)
        .await
        .expect(200);
    f.call("GET", &format!("{workspaces}/{id}"), &admin, None)
        .await
        .expect(404);
    f.call("DELETE", &path, &admin, None).await.expect(200);
    f.call("GET", &path, &admin, None).await.expect(404);
}

#[tokio::test]
async fn where_control_or_a_plane_answers_no_deployment_does() {
    let f = Fixture::new("reserved").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let workspace = first(&f, &admin, "workspaces").await["id"].clone();
    // What a document declares is not said a second time.
    let declared = json!({"name": "eu-1", "authHost": "sign-in.eu.example.com"});
    let answer = f.call("POST", "/v1/planes", &admin, Some(declared)).await;
    assert_eq!(answer.expect(422).json()["errors"][0]["at"], "authHost");
    let plane = json!({"name": "us-1", "authHost": "sign-in.us.example.com"});
    let plane = f.call("POST", "/v1/planes", &admin, Some(plane)).await;
    let plane = plane.expect(201).json()["plane"]["id"].clone();
    let reserved = |answer: Answer| {
        let problem = answer.expect(409).json();
        assert_eq!(problem["code"], "reserved-host", "{problem}");
    };
    let path = format!("{ACME}/deployments");
    // Control's own, the plane's, and a wildcard that reaches it.
    for host in [
        "aeolus.example.com",
        "Sign-In.us.example.com",
        "*.us.example.com",
    ] {
        let body = json!({"workspaceId": workspace, "planeId": plane, "name": "two",
            "routes": [{"host": "two.example.com"}, {"host": host}]});
        reserved(f.call("POST", &path, &admin, Some(body)).await);
    }
    let near = json!({"workspaceId": workspace, "planeId": plane, "name": "two",
        "routes": [{"host": "a.sign-in.us.example.com"}, {"host": "us.example.com"}]});
    f.call("POST", &path, &admin, Some(near)).await.expect(201);
    // The other way round: what a deployment has is no plane's.
    for host in [HOST, "us.example.com"] {
        let body = json!({"name": "ap-1", "authHost": host});
        reserved(f.call("POST", "/v1/planes", &admin, Some(body)).await);
    }
    let apply = async |change: &dyn Fn(&mut Value)| {
        let mut body = fleet();
        change(&mut body["fleet"]);
        f.call("POST", "/v1/apply", &admin, Some(body)).await
    };
    let hosts = |fleet: &mut Value, hosts: Value| {
        fleet["organizations"][0]["workspaces"][0]["deployments"][0]["hosts"] = hosts;
    };
    reserved(apply(&|fleet| hosts(fleet, json!([HOST, "aeolus.example.com"]))).await);
    reserved(apply(&|fleet| fleet["planes"][0]["authHost"] = json!(HOST)).await);
    // A host that passes from a deployment to its plane in one document.
    let moved = |fleet: &mut Value| {
        fleet["planes"][0]["authHost"] = json!(HOST);
        hosts(fleet, json!(["new.example.com"]));
    };
    apply(&moved).await.expect(200);
    // Names of this machine are everybody's.
    let local = |fleet: &mut Value| {
        fleet["planes"][0]["authHost"] = json!("localhost");
        hosts(fleet, json!(["localhost"]));
    };
    apply(&local).await.expect(200);
}

#[tokio::test]
async fn deployments_are_checked_before_they_are_made() {
    let f = Fixture::new("deployments").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let workspace = first(&f, &admin, "workspaces").await["id"].clone();
    let plane = f.call("GET", "/v1/planes/eu-1", &admin, None).await.json()["id"].clone();
    let body = |host: &str| {
        json!({"workspaceId": workspace, "planeId": plane, "name": "two",
        "routes": [{"host": host}], "upstream": "http://127.0.0.1:9000"})
    };
    let path = format!("{ACME}/deployments");
    f.call("POST", &path, &admin, Some(body("etl.example.com")))
        .await
        .expect(409);
    f.call("POST", &path, &admin, Some(body("not a host")))
        .await
        .expect(422);
    for upstream in ["http://a/b", "ftp://a", "http://u:p@a", "x"] {
        let mut body = body("two.example.com");
        body["upstream"] = json!(upstream);
        let refused = f
            .call("POST", &path, &admin, Some(body))
            .await
            .expect(422)
            .json();
        assert_eq!(refused["errors"][0]["at"], "upstream", "{upstream}");
    }
    // Nor does an organization take a host out of another's wildcard, or what lies below its names.
    f.call(
        "POST",
        "/v1/organizations",
        &admin,
        Some(json!({"name": "beside"})),
    )
    .await
    .expect(201);
    let theirs = "/v1/organizations/beside";
    let space = json!({"name": "space"});
    let space = f
        .call("POST", &format!("{theirs}/workspaces"), &admin, Some(space))
        .await;
    let mut wild = body("*.example.com");
    wild["workspaceId"] = space.expect(201).json()["id"].clone();
    f.call("POST", &format!("{theirs}/deployments"), &admin, Some(wild))
        .await
        .expect(409);
    let made = f
        .call("POST", &path, &admin, Some(body("two.example.com")))
        .await;
    let made = made.expect(201).json();
    assert_eq!(made["staleness"]["maxStale"], 86_400);
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    f.call("GET", &one, &admin, None).await.expect(200);
    // Somebody with a role elsewhere in the organization doesn't learn that it exists.
    let eve = f.token_of("eve@example.com").await;
    f.call("GET", &one, &eve, None).await.expect(404);
    let hers = deployment(&f, &eve).await;
    f.call("GET", &format!("{path}/{hers}"), &eve, None)
        .await
        .expect(200);
    f.call("DELETE", &format!("{path}/{hers}"), &eve, None)
        .await
        .expect(403);
    f.call("DELETE", &one, &admin, None).await.expect(200);
    f.call("DELETE", &one, &admin, None).await.expect(404);
    // What has deployments isn't removed by one call.
    f.call("DELETE", &format!("{ACME}/workspaces/sales"), &admin, None)
        .await
        .expect(409);
    f.call("DELETE", ACME, &admin, None).await.expect(409);
}

#[tokio::test]
async fn a9_nobody_promotes_themselves_and_the_last_owner_stays() {
    let f = Fixture::new("a9-grants").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let me = |token: String| {
        let f = &f;
        async move {
            f.call("GET", "/v1/me", &token, None)
                .await
                .expect(200)
                .json()
        }
    };
    let member = f.token_of("member@example.com").await;
    let owner = f.token_of("owner@example.com").await;
    let member_id = me(member.clone()).await["actor"]["id"].clone();
    let owner_id = me(owner.clone()).await["actor"]["id"].clone();
    let org = first(&f, &admin, "workspaces").await["organizationId"].clone();
    let grant = |role: &str| {
        json!({"subject": {"type": "user", "id": member_id}, "role": role,
        "resource": {"type": "organization", "id": org}})
    };
    let path = format!("{ACME}/grants");
    f.call("POST", &path, &member, Some(grant("ORGANIZATION_OWNER")))
        .await
        .expect(403);
    f.call("POST", &path, &owner, Some(grant("SYSTEM_ADMIN")))
        .await
        .expect(422);
    let system = json!({"subject": {"type": "user", "id": member_id}, "role": "SYSTEM_ADMIN",
        "resource": {"type": "system"}});
    f.call("POST", &path, &owner, Some(system))
        .await
        .expect(404);
    let last = format!("{ACME}/users/{}", owner_id.as_str().unwrap());
    f.call("DELETE", &last, &owner, None).await.expect(409);
    let made = f
        .call("POST", &path, &owner, Some(grant("ORGANIZATION_OWNER")))
        .await;
    let made = made.expect(201).json();
    f.call("POST", &path, &owner, Some(grant("ORGANIZATION_OWNER")))
        .await
        .expect(409);
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    f.call("DELETE", &one, &owner, None).await.expect(200);
    f.call("DELETE", &one, &owner, None).await.expect(404);
}

#[tokio::test]
async fn people_are_added_listed_and_taken_out() {
    let f = Fixture::new("people").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let owner = f.token_of("owner@example.com").await;
    let path = format!("{ACME}/users");
    let new = json!({"email": "New@Example.com", "role": "ORGANIZATION_MEMBER"});
    let made = f
        .call("POST", &path, &owner, Some(new))
        .await
        .expect(201)
        .json();
    assert_eq!(made["email"], "new@example.com");
    let wrong = json!({"email": "a@b.example", "role": "WORKSPACE_OWNER"});
    f.call("POST", &path, &owner, Some(wrong)).await.expect(422);
    let all = f
        .call("GET", &format!("{path}?limit=2"), &owner, None)
        .await
        .expect(200)
        .json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    assert!(all["next_cursor"].is_string());
    let eve = f.token_of("eve@example.com").await;
    f.call("GET", &path, &eve, None).await.expect(403);
    let id = f.call("GET", "/v1/me", &eve, None).await.json()["actor"]["id"].clone();
    let one = format!("{path}/{}", id.as_str().unwrap());
    f.call("DELETE", &one, &owner, None).await.expect(200);
    // Her role is gone at once; the organization is out of her sight.
    f.call("GET", ACME, &eve, None).await.expect(404);
    let log = f
        .call("GET", &format!("{ACME}/audit"), &owner, None)
        .await
        .expect(200)
        .text();
    assert!(
        log.contains("user.create") && log.contains("user.delete"),
        "{log}"
    );
    let teams = f
        .call("GET", &format!("{ACME}/teams"), &owner, None)
        .await
        .expect(200)
        .json();
    assert_eq!(teams["items"][0]["name"], "data");
}
