//! Every route, asked without, with a bad and with a weak credential. A route that is not in the
//! table fails the test.

use aeolus_control::ROUTES;
use serde_json::json;

use crate::fixture::{Fixture, Gate};

/// What a route does for people it doesn't know.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// Public: strangers get this status.
    Anybody(u16),
    /// Needs a bearer; a member without roles gets this status.
    Bearer(u16),
    /// Needs a plane's assertion.
    Plane,
}

use Who::{Anybody, Bearer, Plane};

const REGISTERED: &str = "/v1/connections/{connection}/planes/{plane}";

const TABLE: &[(&str, &str, Who)] = &[
    ("get", "/", Anybody(303)),
    ("get", "/assets/style.css", Anybody(200)),
    ("get", "/assets/mark.svg", Anybody(200)),
    ("get", "/login", Anybody(200)),
    ("post", "/login", Anybody(403)),
    // Nobody has given a password.
    ("get", "/login/code", Anybody(303)),
    ("post", "/login/code", Anybody(403)),
    ("get", "/second-factor", Anybody(303)),
    ("post", "/second-factor/begin", Anybody(403)),
    ("post", "/second-factor/confirm", Anybody(403)),
    ("post", "/second-factor/codes", Anybody(403)),
    ("post", "/second-factor/remove", Anybody(403)),
    ("post", "/account/ways/remove", Anybody(403)),
    // There is no such invitation.
    ("get", "/invitation/{value}", Anybody(410)),
    ("post", "/invitation/accept", Anybody(403)),
    ("post", "/invitation/join", Anybody(403)),
    // No e-mails are sent.
    ("get", "/password/forgot", Anybody(404)),
    ("post", "/password/forgot", Anybody(403)),
    // There is no such link, and no form.
    ("get", "/password/reset/{value}", Anybody(410)),
    ("post", "/password/reset", Anybody(415)),
    // Somebody administers the installation.
    ("get", "/setup", Anybody(404)),
    ("post", "/setup", Anybody(403)),
    ("post", "/setup/account", Anybody(403)),
    ("get", "/logout", Anybody(200)),
    ("post", "/logout", Anybody(403)),
    ("get", "/device", Anybody(303)),
    ("post", "/device", Anybody(403)),
    ("post", "/device/decide", Anybody(403)),
    ("get", "/token", Anybody(303)),
    ("post", "/token", Anybody(403)),
    ("post", "/token/reveal", Anybody(403)),
    ("get", "/livez", Anybody(200)),
    ("get", "/readyz", Anybody(200)),
    ("get", "/v1/healthz", Anybody(200)),
    ("get", "/.well-known/openid-configuration", Anybody(200)),
    (
        "get",
        "/.well-known/oauth-authorization-server",
        Anybody(200),
    ),
    ("get", "/.well-known/jwks.json", Anybody(200)),
    ("get", "/oauth2/authorize", Anybody(400)),
    ("post", "/oauth2/token", Anybody(400)),
    ("post", "/oauth2/device_authorization", Anybody(400)),
    ("post", "/oauth2/revoke", Anybody(400)),
    ("post", "/oauth2/introspect", Anybody(400)),
    ("get", "/oauth2/logout", Anybody(303)),
    ("post", "/oauth2/logout", Anybody(415)),
    // Through no connection.
    ("get", "/v1/oauth/start", Anybody(404)),
    ("post", "/v1/oauth/start", Anybody(403)),
    ("get", "/v1/oauth/callback", Anybody(400)),
    ("post", "/v1/oauth/callback", Anybody(415)),
    ("get", "/v1/oauth/callback/", Anybody(400)),
    ("post", "/v1/oauth/callback/", Anybody(415)),
    ("get", "/v1/oauth/redirect", Anybody(200)),
    ("post", "/v1/oauth/redirect", Anybody(415)),
    ("get", "/v1/oauth/redirect/", Anybody(200)),
    ("post", "/v1/oauth/redirect/", Anybody(415)),
    (
        "post",
        "/v1/oauth/backchannel-logout/{connection}",
        Anybody(400),
    ),
    ("get", "/oauth2/userinfo", Bearer(200)),
    ("post", "/oauth2/userinfo", Bearer(200)),
    // Nobody may ask unless a secret is configured.
    ("get", "/v1/authorization", Anybody(404)),
    ("get", "/v1/.well-known/jwks.json", Anybody(404)),
    ("get", "/v2/.well-known/jwks.json", Anybody(404)),
    // There is no container registry.
    ("get", "/v1/registry/authorization", Anybody(404)),
    ("post", "/v1/registry/authorization", Anybody(404)),
    ("get", "/v1/authorization/permission-groups", Bearer(200)),
    ("get", "/v1/me", Bearer(200)),
    // Without a subject and a resource.
    ("get", "/v1/explain", Bearer(422)),
    ("get", "/v1/sessions", Bearer(200)),
    // Asked with `others=true`: else the credential that the next rows need would be gone.
    ("delete", "/v1/sessions", Bearer(200)),
    ("delete", "/v1/sessions/{id}", Bearer(404)),
    ("delete", "/v1/users/{id}/second-factor", Bearer(403)),
    ("post", "/v1/users/{id}/disable", Bearer(403)),
    ("post", "/v1/users/{id}/enable", Bearer(403)),
    ("post", "/v1/users/{id}/password-reset", Bearer(403)),
    ("get", "/v1/openapi.json", Anybody(200)),
    // Of an organization that there isn't.
    ("get", "/v1/status-lists/{organization}/{n}", Anybody(404)),
    ("post", "/v1/apply", Bearer(403)),
    ("get", "/v1/organizations", Bearer(200)),
    ("post", "/v1/organizations", Bearer(403)),
    ("get", "/v1/organizations/{o}", Bearer(200)),
    ("delete", "/v1/organizations/{o}", Bearer(403)),
    ("get", "/v1/organizations/{o}/workspaces", Bearer(200)),
    ("post", "/v1/organizations/{o}/workspaces", Bearer(403)),
    ("get", "/v1/organizations/{o}/workspaces/{id}", Bearer(404)),
    (
        "delete",
        "/v1/organizations/{o}/workspaces/{id}",
        Bearer(404),
    ),
    ("get", "/v1/organizations/{o}/deployments", Bearer(200)),
    ("post", "/v1/organizations/{o}/deployments", Bearer(403)),
    ("get", "/v1/organizations/{o}/deployments/{id}", Bearer(404)),
    (
        "delete",
        "/v1/organizations/{o}/deployments/{id}",
        Bearer(404),
    ),
    ("get", "/v1/organizations/{o}/users", Bearer(403)),
    ("post", "/v1/organizations/{o}/users", Bearer(403)),
    ("delete", "/v1/organizations/{o}/users/{id}", Bearer(403)),
    (
        "post",
        "/v1/organizations/{o}/users/{id}/offboard",
        Bearer(403),
    ),
    ("get", "/v1/organizations/{o}/invitations", Bearer(403)),
    ("post", "/v1/organizations/{o}/invitations", Bearer(403)),
    (
        "delete",
        "/v1/organizations/{o}/invitations/{id}",
        Bearer(403),
    ),
    ("get", "/v1/organizations/{o}/teams", Bearer(200)),
    ("post", "/v1/organizations/{o}/teams", Bearer(403)),
    ("post", "/v1/organizations/{o}/teams:import", Bearer(403)),
    ("get", "/v1/organizations/{o}/teams/{id}", Bearer(200)),
    ("put", "/v1/organizations/{o}/teams/{id}", Bearer(403)),
    ("delete", "/v1/organizations/{o}/teams/{id}", Bearer(403)),
    (
        "get",
        "/v1/organizations/{o}/teams/{id}/members",
        Bearer(403),
    ),
    (
        "post",
        "/v1/organizations/{o}/teams/{id}/members",
        Bearer(403),
    ),
    (
        "delete",
        "/v1/organizations/{o}/teams/{id}/members/{user}",
        Bearer(403),
    ),
    ("get", "/v1/organizations/{o}/roles", Bearer(200)),
    ("post", "/v1/organizations/{o}/roles", Bearer(403)),
    ("get", "/v1/organizations/{o}/roles/{id}", Bearer(200)),
    ("put", "/v1/organizations/{o}/roles/{id}", Bearer(403)),
    ("delete", "/v1/organizations/{o}/roles/{id}", Bearer(403)),
    ("get", "/v1/organizations/{o}/grants", Bearer(403)),
    ("post", "/v1/organizations/{o}/grants", Bearer(403)),
    ("delete", "/v1/organizations/{o}/grants/{id}", Bearer(403)),
    ("get", "/v1/organizations/{o}/tokens", Bearer(200)),
    ("post", "/v1/organizations/{o}/tokens", Bearer(403)),
    ("get", "/v1/organizations/{o}/tokens/{id}", Bearer(404)),
    ("post", "/v1/organizations/{o}/tokens/{id}", Bearer(404)),
    ("delete", "/v1/organizations/{o}/tokens/{id}", Bearer(404)),
    ("post", "/v1/organizations/{o}/tokens:revoke", Bearer(403)),
    (
        "post",
        "/v1/organizations/{o}/tokens/{id}/roles",
        Bearer(404),
    ),
    (
        "post",
        "/v1/organizations/{o}/tokens/{id}/rotate",
        Bearer(404),
    ),
    (
        "post",
        "/v1/organizations/{o}/tokens/{id}/rotate/end",
        Bearer(404),
    ),
    ("get", "/v1/organizations/{o}/access", Bearer(403)),
    ("get", "/v1/organizations/{o}/policy", Bearer(200)),
    ("put", "/v1/organizations/{o}/policy", Bearer(403)),
    ("get", "/v1/organizations/{o}/quota", Bearer(200)),
    ("put", "/v1/organizations/{o}/quota", Bearer(403)),
    ("get", "/v1/organizations/{o}/audit", Bearer(403)),
    ("get", "/v1/organizations/{o}/audit:export", Bearer(403)),
    ("get", "/v1/organizations/{o}/audit:verify", Bearer(403)),
    ("get", "/v1/organizations/{o}/audit:checkpoint", Bearer(403)),
    ("get", "/v1/audit", Bearer(403)),
    ("get", "/v1/audit:export", Bearer(403)),
    ("get", "/v1/audit:verify", Bearer(403)),
    ("get", "/v1/audit:checkpoint", Bearer(403)),
    ("get", "/v1/connections", Bearer(403)),
    ("get", "/v1/connections/{connection}/planes", Bearer(403)),
    (
        "get",
        "/v1/connections/{connection}/scim/credentials",
        Bearer(403),
    ),
    (
        "post",
        "/v1/connections/{connection}/scim/credentials",
        Bearer(403),
    ),
    (
        "delete",
        "/v1/connections/{connection}/scim/credentials/{id}",
        Bearer(403),
    ),
    (
        "post",
        "/v1/connections/{connection}/scim/credentials/{id}/rotate",
        Bearer(403),
    ),
    (
        "get",
        "/v1/connections/{connection}/scim/requests",
        Bearer(403),
    ),
    (
        "get",
        "/v1/connections/{connection}/scim/events",
        Bearer(403),
    ),
    (
        "post",
        "/v1/connections/{connection}/scim/templates:apply",
        Bearer(403),
    ),
    // Its own credentials count there.
    (
        "get",
        "/v1/scim/v2/{connection}/ServiceProviderConfig",
        Anybody(401),
    ),
    ("get", "/v1/scim/v2/{connection}/Users", Anybody(401)),
    ("post", "/v1/scim/v2/{connection}/Users", Anybody(401)),
    ("get", "/v1/scim/v2/{connection}/Users/{id}", Anybody(401)),
    ("put", "/v1/scim/v2/{connection}/Users/{id}", Anybody(401)),
    ("patch", "/v1/scim/v2/{connection}/Users/{id}", Anybody(401)),
    (
        "delete",
        "/v1/scim/v2/{connection}/Users/{id}",
        Anybody(401),
    ),
    (
        "post",
        "/v1/scim/v2/{connection}/Users/.search",
        Anybody(401),
    ),
    ("get", "/v1/scim/v2/{connection}/Groups", Anybody(401)),
    ("post", "/v1/scim/v2/{connection}/Groups", Anybody(401)),
    ("get", "/v1/scim/v2/{connection}/Groups/{id}", Anybody(401)),
    ("put", "/v1/scim/v2/{connection}/Groups/{id}", Anybody(401)),
    (
        "patch",
        "/v1/scim/v2/{connection}/Groups/{id}",
        Anybody(401),
    ),
    (
        "delete",
        "/v1/scim/v2/{connection}/Groups/{id}",
        Anybody(401),
    ),
    (
        "post",
        "/v1/scim/v2/{connection}/Groups/.search",
        Anybody(401),
    ),
    ("post", "/v1/scim/v2/{connection}/.search", Anybody(401)),
    ("post", "/v1/scim/v2/{connection}/Bulk", Anybody(401)),
    (
        "get",
        "/v1/scim/v2/{connection}/ResourceTypes",
        Anybody(401),
    ),
    (
        "get",
        "/v1/scim/v2/{connection}/ResourceTypes/{id}",
        Anybody(401),
    ),
    ("get", "/v1/scim/v2/{connection}/Schemas", Anybody(401)),
    ("get", "/v1/scim/v2/{connection}/Schemas/{id}", Anybody(401)),
    ("get", REGISTERED, Bearer(403)),
    ("put", REGISTERED, Bearer(403)),
    ("delete", REGISTERED, Bearer(403)),
    ("get", "/v1/keys", Bearer(403)),
    ("delete", "/v1/keys/{id}", Bearer(403)),
    ("post", "/v1/keys/{id}/rotate", Bearer(403)),
    ("post", "/v1/email:test", Bearer(403)),
    ("get", "/v1/planes", Bearer(403)),
    ("post", "/v1/planes", Bearer(403)),
    ("post", "/v1/planes/enroll", Anybody(415)),
    ("get", "/v1/planes/{id}", Bearer(403)),
    ("post", "/v1/planes/{id}/quarantine", Bearer(403)),
    ("post", "/v1/planes/{id}/release", Bearer(403)),
    ("get", "/v1/planes/self/manifest", Plane),
    ("get", "/v1/planes/self/sections/{sha256}", Plane),
    ("post", "/v1/planes/self/events", Plane),
    ("post", "/v1/planes/self/status", Plane),
    ("post", "/v1/planes/self/sessions/{sid}/renew", Plane),
    ("post", "/v1/planes/self/check", Plane),
    ("get", "/v1/rollouts", Bearer(403)),
    ("get", "/v1/rollouts/{name}", Bearer(403)),
    ("put", "/v1/rollouts/{name}", Bearer(403)),
    ("delete", "/v1/rollouts/{name}", Bearer(403)),
    ("post", "/v1/rollouts/{name}/promote", Bearer(403)),
    ("post", "/v1/rollouts/{name}/abort", Bearer(403)),
];

#[test]
fn no_route_is_without_a_row() {
    let known = |route: &&(&str, &str)| TABLE.iter().any(|(m, p, _)| (*m, *p) == **route);
    let uncovered: Vec<_> = ROUTES.iter().filter(|route| !known(route)).collect();
    assert!(uncovered.is_empty(), "{uncovered:?}");
    assert_eq!(ROUTES.len(), TABLE.len());
}

/// Things that exist, for paths and bodies that are right but for the credential.
pub(crate) struct World {
    pub(crate) f: Fixture,
    pub(crate) admin: String,
    weak: String,
    pub(crate) gate: Gate,
    ids: Vec<(&'static str, String)>,
    bodies: Vec<(&'static str, serde_json::Value)>,
}

/// Bodies of what is done to tokens, for an organization.
fn of_tokens(organization: &serde_json::Value) -> [(&'static str, serde_json::Value); 3] {
    let role = json!({"entityType": "ORGANIZATION", "entityId": organization,
        "role": "ORGANIZATION_OWNER"});
    [
        ("/v1/organizations/{o}/tokens:revoke", json!({"ids": []})),
        (
            "/v1/organizations/{o}/tokens/{id}",
            json!({"name": "another"}),
        ),
        (
            "/v1/organizations/{o}/tokens/{id}/roles",
            json!({"roles": [role]}),
        ),
    ]
}

fn role() -> serde_json::Value {
    crate::roles::role("on-call", "DEPLOYMENT", &["deployment.airflow.get"])
}

fn of_roles_and_teams() -> [(&'static str, serde_json::Value); 7] {
    [
        (
            "/v1/connections/{connection}/scim/credentials",
            json!({"name": "n"}),
        ),
        ("/v1/organizations/{o}/roles", role()),
        ("/v1/organizations/{o}/roles/{id}", role()),
        ("/v1/organizations/{o}/teams", json!({"name": "n"})),
        (
            "/v1/organizations/{o}/teams:import",
            json!({"rows": [{"team": "n"}]}),
        ),
        ("/v1/organizations/{o}/teams/{id}", json!({"name": "n"})),
        (
            "/v1/organizations/{o}/teams/{id}/members",
            json!({"users": ["weak@example.com"]}),
        ),
    ]
}

/// Everybody's password is the same, so that each can sign in.
fn fleet_with_weak() -> serde_json::Value {
    let mut fleet = crate::fixture::fleet();
    let users = fleet["fleet"]["organizations"][0]["users"]
        .as_array_mut()
        .unwrap();
    users.push(
        json!({"email": "weak@example.com", "role": "ORGANIZATION_MEMBER",
            "password": {"env": "P"}}),
    );
    fleet["secrets"]["organizations[0].users[3].password"] = json!(crate::fixture::PASSWORD);
    fleet
}

impl World {
    pub(crate) async fn new(name: &str) -> Self {
        let f = Fixture::new(name).await;
        let admin = f.admin().await;
        f.fleet(&admin).await;
        let gate = f.join(&admin, "eu-1").await;
        let extra = json!({"email": "weak@example.com", "role": "ORGANIZATION_MEMBER"});
        f.call("POST", "/v1/organizations/acme/users", &admin, Some(extra))
            .await
            .expect(201);
        f.call("POST", "/v1/apply", &admin, Some(fleet_with_weak()))
            .await
            .expect(200);
        let weak = f.token_of("weak@example.com").await;
        let owner = f.token_of("owner@example.com").await;
        let token = json!({"name": "x", "role": "ORGANIZATION_MEMBER"});
        let path = "/v1/organizations/acme/tokens";
        f.call("POST", path, &owner, Some(token.clone()))
            .await
            .expect(201);
        let path = "/v1/organizations/acme/roles";
        let made = f.call("POST", path, &owner, Some(role())).await.expect(201);
        let mut ids = vec![("roles", made.json()["id"].as_str().unwrap().to_owned())];
        for name in [
            "workspaces",
            "deployments",
            "users",
            "grants",
            "tokens",
            "teams",
        ] {
            ids.push((name, f.first(&admin, name).await));
        }
        let id = |name: &str| ids.iter().find(|(n, _)| *n == name).unwrap().1.clone();
        let plane = gate.plane.to_string();
        let organization = f
            .call("GET", "/v1/organizations/acme", &admin, None)
            .await
            .json();
        let mut bodies = vec![
            ("/v1/apply", crate::fixture::fleet()),
            ("/v1/organizations", json!({"name": "n"})),
            ("/v1/organizations/{o}/workspaces", json!({"name": "n"})),
            (
                "/v1/organizations/{o}/deployments",
                json!({"name": "n", "workspaceId": id("workspaces"),
                "planeId": plane, "routes": [{"host": "n.example.com"}]}),
            ),
            (
                "/v1/organizations/{o}/users",
                json!({"email": "n@example.com", "role": "ORGANIZATION_MEMBER"}),
            ),
            (
                "/v1/organizations/{o}/users/{id}/offboard",
                json!({"dryRun": true}),
            ),
            (
                "/v1/organizations/{o}/grants",
                json!({"role": "ORGANIZATION_MEMBER",
                "subject": {"type": "user", "id": id("users")},
                "resource": {"type": "organization", "id": organization["id"]}}),
            ),
            ("/v1/organizations/{o}/tokens", token),
            (
                "/v1/organizations/{o}/invitations",
                json!({"email": "n@example.com"}),
            ),
            ("/v1/organizations/{o}/policy", json!({})),
            ("/v1/organizations/{o}/quota", json!({})),
            ("/v1/email:test", json!({"to": "n@example.com"})),
            ("/v1/planes", json!({"name": "n"})),
            (
                "/v1/planes/self/status",
                json!({"replica": "r", "epoch": 1, "seq": 1, "version": "1"}),
            ),
            (
                "/v1/planes/self/sessions/{sid}/renew",
                json!({"deployment": id("deployments")}),
            ),
            (
                "/v1/planes/self/check",
                json!({"method": "GET", "host": "etl.example.com", "target": "Lw==",
                "deployment": id("deployments")}),
            ),
            (REGISTERED, json!({"clientId": "aeolus-eu-1"})),
            (
                "/v1/rollouts/{name}",
                json!({"name": "r", "path": "plane", "percent": 5}),
            ),
        ];
        bodies.extend(of_tokens(&organization["id"]));
        bodies.extend(of_roles_and_teams());
        Self {
            f,
            admin,
            weak,
            gate,
            ids,
            bodies,
        }
    }

    /// The path of something that exists, as of an organization.
    pub(crate) fn path_in(&self, route: &str, organization: &str) -> String {
        let list = self
            .ids
            .iter()
            .find(|(name, _)| route.contains(&format!("/{name}/{{id}}")));
        let plane = self.gate.plane.to_string();
        let id = list.map_or(plane.as_str(), |(_, id)| id.as_str());
        route
            .replace("{o}", organization)
            .replace("{name}", "r")
            .replace("{organization}", id)
            .replace("{n}", "0")
            .replace("{connection}", "idp")
            .replace("{plane}", &plane)
            .replace("{id}", id)
            .replace("{user}", "weak@example.com")
            .replace("{sid}", "01890a5d-ac96-774b-bcce-b302099a8057")
            .replace("{sha256}", &"0".repeat(64))
    }

    /// A body that is right for a route.
    pub(crate) fn body(&self, method: &str, route: &str) -> Option<serde_json::Value> {
        let mut bodies = self.bodies.iter();
        let body = bodies.find(|(r, _)| matches!(method, "post" | "put") && *r == route);
        body.map(|(_, body)| body.clone())
    }

    pub(crate) async fn organization_id(&self) -> String {
        let path = "/v1/organizations/acme";
        let acme = self
            .f
            .call("GET", path, &self.admin, None)
            .await
            .expect(200);
        acme.json()["id"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, method: &str, route: &str, bearer: &str) -> u16 {
        let body = self.body(method, route);
        let method = method.to_uppercase();
        let mut path = self.path_in(route, "acme");
        if (method.as_str(), route) == ("DELETE", "/v1/sessions") {
            path.push_str("?others=true");
        }
        let answer = self.f.call(&method, &path, bearer, body).await;
        answer.status.as_u16()
    }
}

#[tokio::test]
async fn every_route_judges_no_bad_and_weak_credentials() {
    let world = World::new("coverage").await;
    let bad = format!("{}x", &world.weak[..world.weak.len() - 1]);
    let assertion = || world.f.assertion(&world.gate);
    let mut wrong = Vec::new();
    for (method, route, who) in TABLE {
        if route.starts_with("/v1/scim/") {
            // After many bad credentials nobody there is listened to for a minute.
            world.f.clock.advance(std::time::Duration::from_secs(60));
        }
        let (none, forged, weak, plane) = (
            world.ask(method, route, "").await,
            world.ask(method, route, &bad).await,
            world.ask(method, route, &world.weak).await,
            world.ask(method, route, &assertion()).await,
        );
        let fits = match who {
            Anybody(status) => none == *status && forged == *status && weak == *status,
            Bearer(status) => (none, forged, weak, plane) == (401, 401, *status, 401),
            Plane => (none, forged, weak) == (401, 401, 401) && plane != 401,
        };
        if !fits {
            wrong.push(format!(
                "{method} {route} {who:?}: {none} {forged} {weak} {plane}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn odd_requests_are_refused_in_the_same_form() {
    let f = Fixture::new("odd").await;
    let admin = f.admin().await;
    assert_eq!(
        f.get("/v1/nothing").await.expect(404).json()["code"],
        "no-endpoint"
    );
    assert_eq!(
        f.call("PATCH", "/v1/me", &admin, None)
            .await
            .expect(405)
            .json()["code"],
        "method"
    );
    let two = http::Request::get("/v1/me")
        .header("authorization", format!("Bearer {admin}"))
        .header("authorization", format!("Bearer {admin}"));
    f.send(two.body(axum::body::Body::empty()).unwrap())
        .await
        .expect(401);
    // A23: a form can't reach the JSON API.
    let fields = [("name", "x")];
    let bearer = format!("Bearer {admin}");
    let form = f
        .form("/v1/organizations", &fields, &[("authorization", &bearer)])
        .await;
    assert_eq!(form.expect(415).json()["code"], "media-type");
    f.call("GET", "/v1/organizations?limit=0", &admin, None)
        .await
        .expect(422);
    f.call("POST", "/v1/apply?dry_run=", &admin, None)
        .await
        .expect(422);
    f.call("GET", "/v1/organizations?limit=5&limit=5", &admin, None)
        .await
        .expect(422);
    f.call("GET", "/v1/organizations?cursor=x", &admin, None)
        .await
        .expect(422);
}
