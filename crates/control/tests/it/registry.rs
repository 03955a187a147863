//! `/v1/registry/authorization`: who gets a token for the container registry, and what it allows (rows J1, J4, H8).

use std::time::Duration;

use aeolus_control::{RegistryConfig, Repositories};
use aeolus_keys::{PublicKey, jws};
use aeolus_model::{Action, Host};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, PASSWORD};
use crate::keys::rotate;

const PATH: &str = "/v1/registry/authorization";
const TOKENS: &str = "/v1/organizations/acme/tokens";
pub(crate) const ETL: &str = "acme/sales/etl/airflow";

/// Names are easier to read in a test than ids.
fn by_names() -> Repositories {
    let template = "{organization}/{workspace}/{deployment}/airflow";
    Repositories::Named(template.parse().unwrap())
}

pub(crate) fn config() -> RegistryConfig {
    RegistryConfig {
        service: "docker-registry".to_owned(),
        issuer: "houston".to_owned(),
        repositories: by_names(),
        base_images: vec!["base-images/airflow".parse().unwrap()],
        max_repositories: 50,
        life: Duration::from_secs(300),
    }
}

pub(crate) struct World {
    pub(crate) f: Fixture,
    pub(crate) admin: String,
    pub(crate) owner: String,
}

impl World {
    pub(crate) async fn new(name: &str) -> Self {
        Self::with(name, |_| ()).await
    }

    pub(crate) async fn with(name: &str, change: impl FnOnce(&mut RegistryConfig)) -> Self {
        let mut registry = config();
        change(&mut registry);
        let f = Fixture::configured(name, |config| config.registry = Some(registry));
        let (f, admin, owner) = f.await.peopled().await;
        Self { f, admin, owner }
    }

    /// A token of the organization: its value and where it is deleted.
    async fn token(&self, role: &str) -> (String, String) {
        let body = json!({"name": role.to_lowercase(), "role": role, "tokenExpiryPeriodInDays": 1});
        let made = self.f.call("POST", TOKENS, &self.owner, Some(body)).await;
        let made = made.expect(201).json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("token"), format!("{TOKENS}/{}", text("id")))
    }

    pub(crate) async fn ask(&self, password: &str, scopes: &[&str]) -> Answer {
        let basic = (!password.is_empty())
            .then(|| format!("Basic {}", STANDARD.encode(format!("user:{password}"))));
        self.sent(basic.as_deref(), scopes).await
    }

    async fn sent(&self, header: Option<&str>, scopes: &[&str]) -> Answer {
        let query = form(scopes.iter().map(|scope| ("scope", *scope)));
        let path =
            format!("{PATH}?service=docker-registry&account=user&offline_token=true&{query}");
        let mut request = Request::get(path).header("x-forwarded-for", "192.0.2.1");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        self.f.send(request.body(Body::empty()).unwrap()).await
    }

    /// What somebody may, as the registry reads it.
    pub(crate) async fn may(&self, password: &str, scopes: &[&str]) -> Value {
        let answer = self.ask(password, scopes).await.expect(200);
        self.read(&answer).await["access"].clone()
    }

    /// The claims of a token that the bundle of certificates proves.
    async fn read(&self, answer: &Answer) -> Value {
        let answer = answer.json();
        let token = answer["token"].as_str().unwrap();
        assert_eq!(answer["access_token"], token);
        let parts: Vec<&str> = token.split('.').collect();
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let header: Value = serde_json::from_slice(&decoded(parts[0])).unwrap();
        assert_eq!(
            (&header["typ"], &header["alg"]),
            (&json!("JWT"), &json!("RS256"))
        );
        let set = self
            .f
            .get("/v2/.well-known/jwks.json")
            .await
            .expect(200)
            .json();
        let keys = set["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
        assert_eq!(key["x5c"], header["x5c"]);
        let key = PublicKey::from_jwk_json(&key.to_string()).unwrap();
        let signed = format!("{}.{}", parts[0], parts[1]);
        key.verify(signed.as_bytes(), &decoded(parts[2])).unwrap();
        // Nothing of ours takes it for a token of its own.
        assert!(jws::parse(token.as_bytes()).is_err());
        serde_json::from_slice(&decoded(parts[1])).unwrap()
    }
}

fn form<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

pub(crate) fn of(name: &str, actions: &[&str]) -> Value {
    json!({"type": "repository", "name": name, "actions": actions})
}

pub(crate) fn both(name: &str) -> String {
    format!("repository:{name}:pull,push")
}

#[tokio::test]
async fn j1_the_token_is_what_a_registry_reads() {
    let w = World::new("registry").await;
    let member = w.f.token_of("member@example.com").await;
    let answer = w.ask(&member, &[&both(ETL)]).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let claims = w.read(&answer).await;
    let now = w.f.clock_now().secs();
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!("houston"), &json!("docker-registry"))
    );
    assert_eq!(claims["exp"], now + 300);
    assert_eq!((&claims["nbf"], &claims["iat"]), (&json!(now), &json!(now)));
    assert_eq!(claims["access"], json!([of(ETL, &["pull", "push"])]));
    let answer = answer.json();
    assert_eq!(
        (&answer["expires_in"], &answer["scope"]),
        (&json!(300), &json!(both(ETL)))
    );
    assert_eq!(answer["issued_at"], "2027-01-15T08:00:00Z");
    assert!(answer.get("refresh_token").is_none());
    let lines = w.f.audited(Action::RegistryAuthorize).await;
    assert_eq!(lines.len(), 1);
    assert_eq!((&*lines[0].target, &*lines[0].source), (ETL, "192.0.2.1"));
    assert!(lines[0].organization.is_some());
    let line = serde_json::to_string(&lines[0]).unwrap();
    assert!(line.contains("pull,push") && !line.contains(&member));
}

#[tokio::test]
async fn each_credential_gets_what_its_roles_allow_and_nothing_else() {
    let w = World::new("registry-roles").await;
    let scope = both(ETL);
    let globex = w.f.globex(&w.admin).await;
    let eve = w.f.token_of("eve@example.com").await;
    let (program, _) = w.token("ORGANIZATION_OWNER").await;
    let (idle, _) = w.token("ORGANIZATION_MEMBER").await;
    for (who, credential, actions) in [
        (
            "operator",
            w.f.token_of("member@example.com").await,
            &["pull", "push"][..],
        ),
        ("owner", w.owner.clone(), &["pull", "push"]),
        ("administrator", w.admin.clone(), &["pull", "push"]),
        ("viewer", eve, &["pull"]),
        ("API token", program, &["pull", "push"]),
        ("API token without a role there", idle, &[]),
        ("owner of another organization", globex, &[]),
    ] {
        let expected = match actions {
            [] => json!([]),
            actions => json!([of(ETL, actions)]),
        };
        assert_eq!(w.may(&credential, &[&scope]).await, expected, "{who}");
    }
    // Nobody: a token that says nothing, or a client could not ask the registry who it is for.
    assert_eq!(w.may("", &[&scope]).await, json!([]));
    assert_eq!(w.f.audited(Action::RegistryAuthorize).await.len(), 5);
}

#[tokio::test]
async fn bad_credentials_are_refused_alike() {
    let w = World::new("registry-bad").await;
    let scope = both(ETL);
    let body = json!({"name": "edge", "scope": "ORGANIZATION", "kind": "DIRECT_ACCESS", "tokenExpiryPeriodInDays": 1});
    let direct =
        w.f.call("POST", TOKENS, &w.owner, Some(body))
            .await
            .expect(201);
    let direct = direct.json()["token"].as_str().unwrap().to_owned();
    let (ended, place) = w.token("ORGANIZATION_OWNER").await;
    w.f.call("DELETE", &place, &w.owner, None).await.expect(200);
    let own = w.ask(&w.owner, &[&scope]).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let bearer = format!("Bearer {}", w.owner);
    let mut texts = Vec::new();
    for (what, password) in [
        ("a person's password", PASSWORD),
        ("a direct access token", &direct),
        ("a token that was deleted", &ended),
        ("a registry's own token", &own),
        ("nothing", "x"),
    ] {
        let refused = w.ask(password, &[&scope]).await.expect(401);
        assert!(
            refused
                .header("www-authenticate")
                .starts_with("Basic realm="),
            "{what}"
        );
        texts.push(refused.text());
    }
    for header in [bearer.as_str(), "Basic ???", "Basic dXNlcg=="] {
        texts.push(w.sent(Some(header), &[&scope]).await.expect(401).text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    // Expired.
    let (short, _) = w.token("ORGANIZATION_OWNER").await;
    w.f.clock.advance(Duration::from_secs(86_400 - 100));
    let answer = w.ask(&short, &[&scope]).await.expect(200);
    assert_eq!(
        answer.json()["expires_in"],
        100,
        "no longer than the credential"
    );
    w.f.clock.advance(Duration::from_secs(100));
    w.ask(&short, &[&scope]).await.expect(401);
}

#[tokio::test]
async fn j4_what_ends_elsewhere_ends_here_at_once() {
    let w = World::new("registry-ends").await;
    let scope = both(ETL);
    let member = w.f.token_of("member@example.com").await;
    assert_eq!(
        w.may(&member, &[&scope]).await,
        json!([of(ETL, &["pull", "push"])])
    );
    // Out of the team that has the role.
    let team = w.f.first(&w.owner, "teams").await;
    let list = format!("/v1/organizations/acme/teams/{team}/members");
    let members =
        w.f.call("GET", &list, &w.owner, None)
            .await
            .expect(200)
            .json();
    let path = format!("{list}/{}", members["items"][0]["id"].as_str().unwrap());
    let removed = w.f.call("DELETE", &path, &w.admin, None).await;
    if removed.status == 200 {
        assert_eq!(w.may(&member, &[&scope]).await, json!([]));
    }
    w.f.call("DELETE", "/v1/sessions", &member, None)
        .await
        .expect(200);
    w.ask(&member, &[&scope]).await.expect(401);
}

#[tokio::test]
async fn an_organizations_rules_hold_here_too() {
    let w = World::new("registry-rules").await;
    let scopes = [both(ETL), both("base-images/airflow")];
    let scopes = [scopes[0].as_str(), scopes[1].as_str()];
    let policy = "/v1/organizations/acme/policy";
    let set = async |body: Value| {
        let answer = w.f.call("PUT", policy, &w.admin, Some(body)).await;
        answer.expect(200);
    };
    let (token, _) = w.token("ORGANIZATION_OWNER").await;
    set(json!({"allowedNetworks": ["10.0.0.0/8"]})).await;
    // The client's address is not in there; base images are nobody's.
    let base = json!([of("base-images/airflow", &["pull"])]);
    assert_eq!(w.may(&token, &scopes).await, base);
    set(json!({"allowedNetworks": ["192.0.2.0/24"]})).await;
    assert_eq!(w.may(&token, &scopes).await[0], of(ETL, &["pull", "push"]));
    set(json!({"secondFactor": "required"})).await;
    let owner = w.f.token_of("owner@example.com").await;
    assert_eq!(w.may(&owner, &scopes).await, base);
}

#[tokio::test]
async fn h8_everybody_pulls_base_images_and_the_installation_pushes_them() {
    let w = World::new("registry-base").await;
    let name = "base-images/airflow";
    let globex = w.f.globex(&w.admin).await;
    assert_eq!(
        w.may(&globex, &[&both(name)]).await,
        json!([of(name, &["pull"])])
    );
    assert_eq!(
        w.may(&w.owner, &[&both(name)]).await,
        json!([of(name, &["pull"])])
    );
    assert_eq!(
        w.may(&w.admin, &[&both(name)]).await,
        json!([of(name, &["pull", "push"])])
    );
    assert_eq!(w.may("", &[&both(name)]).await, json!([]));
    assert_eq!(
        w.may(&w.admin, &[&both("base-images/other")]).await,
        json!([])
    );
}

#[tokio::test]
async fn the_form_of_oauth2_takes_the_same_credentials() {
    let w = World::new("registry-oauth").await;
    let scope = both(ETL);
    let with = async |pairs: &[(&str, &str)], headers: &[(&str, &str)]| {
        let fixed = [
            ("service", "docker-registry"),
            ("scope", &scope),
            ("client_id", "docker"),
        ];
        w.f.form(PATH, &[&fixed[..], pairs].concat(), headers).await
    };
    let password = [
        ("grant_type", "password"),
        ("username", "user"),
        ("password", &w.owner),
    ];
    let answer = with(&password, &[]).await.expect(200);
    assert_eq!(
        w.read(&answer).await["access"],
        json!([of(ETL, &["pull", "push"])])
    );
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", w.owner.as_str()),
    ];
    with(&refresh, &[]).await.expect(200);
    for (pairs, status, code) in [
        (
            &[("grant_type", "password"), ("password", "x")][..],
            401,
            "invalid_grant",
        ),
        (&[("grant_type", "password")], 401, "invalid_grant"),
        (
            &[("grant_type", "client_credentials")],
            400,
            "unsupported_grant_type",
        ),
        (
            &[
                ("grant_type", "password"),
                ("password", "x"),
                ("password", "y"),
            ],
            400,
            "invalid_request",
        ),
        (&[], 400, "unsupported_grant_type"),
    ] {
        let refused = with(pairs, &[]).await.expect(status);
        assert_eq!(refused.json()["error"], code);
    }
    let twice = [("authorization", "Basic dXNlcjp4")];
    with(&password, &twice).await.expect(400);
}

#[tokio::test]
async fn who_is_nobody_waits_and_who_is_known_does_not() {
    let w = World::new("registry-pace").await;
    for _ in 0..60 {
        w.ask("x", &[]).await.expect(401);
    }
    let refused = w.ask("x", &[]).await.expect(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 60);
    w.ask("", &[]).await.expect(429);
    w.ask(&w.owner, &[]).await.expect(200);
    w.f.clock.advance(Duration::from_secs(60));
    w.ask("x", &[]).await.expect(401);
}

#[tokio::test]
async fn f31_who_trusts_the_set_goes_on_over_a_rotation() {
    let w = World::new("registry-rotation").await;
    let before = w.ask(&w.owner, &[]).await.expect(200);
    rotate(&w.f, &w.admin, "legacy", json!({"activateIn": "1h"})).await;
    let set = w.f.get("/v2/.well-known/jwks.json").await.json();
    let keys = set["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "the next key is there before it signs");
    assert!(keys.iter().all(|key| key["x5c"][0].is_string()));
    w.read(&before).await;
    w.f.call(
        "POST",
        "/v1/keys/legacy/rotate",
        &w.admin,
        Some(json!({"activateIn": "0s", "regardless": true})),
    )
    .await
    .expect(200);
    let after = w.ask(&w.owner, &[]).await.expect(200);
    w.read(&after).await;
    // The one before is still there, certificate and all, though its private part is gone.
    w.read(&before).await;
    let set = w.f.get("/v2/.well-known/jwks.json").await.json();
    for key in &keys {
        assert!(set["keys"].as_array().unwrap().contains(key));
    }
    let bare =
        w.f.get("/v1/.well-known/jwks.json")
            .await
            .expect(200)
            .json();
    assert!(keys.contains(&bare));
}

#[tokio::test]
async fn the_originals_repositories_are_paths_of_its_host() {
    let w = World::with("registry-paths", |registry| {
        registry.repositories =
            Repositories::PathsOn(Host::parse("deployments.example.com").unwrap());
    })
    .await;
    let mut fleet = crate::fixture::fleet();
    let deployment = &mut fleet["fleet"]["organizations"][0]["workspaces"][0]["deployments"][0];
    let deployment = deployment.as_object_mut().unwrap();
    deployment.remove("hosts");
    deployment.insert("host".to_owned(), json!("deployments.example.com"));
    deployment.insert("pathPrefix".to_owned(), json!("/quasar-1234/airflow"));
    let applied = w.f.call("POST", "/v1/apply", &w.admin, Some(fleet)).await;
    applied.expect(200);
    let name = "quasar-1234/airflow";
    assert_eq!(
        w.may(&w.owner, &[&both(name)]).await,
        json!([of(name, &["pull", "push"])])
    );
    for other in [
        ETL,
        "quasar-1234",
        "quasar-1234/airflow/more",
        "quasar/airflow",
    ] {
        assert_eq!(w.may(&w.owner, &[&both(other)]).await, json!([]), "{other}");
    }
}

#[tokio::test]
async fn without_a_registry_there_is_no_endpoint() {
    let f = Fixture::new("registry-none").await;
    f.get(&format!("{PATH}?service=docker-registry"))
        .await
        .expect(404);
    f.form(PATH, &[], &[]).await.expect(404);
    f.get("/v2/.well-known/jwks.json").await.expect(404);
    // And with one alone, nobody may ask for proxies.
    let w = World::new("registry-only").await;
    w.f.get("/v1/authorization").await.expect(404);
}
