//! A control plane on a database of its own, driven through its router.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aeolus_api::JoinToken;
use aeolus_api::oauth::{ASSERTION_TYPE, TokenAnswer};
use aeolus_api::plane::{EnrollAnswer, EnrollRequest, PlaneCreated};
use aeolus_api::quota::Quota;
use aeolus_control::{
    AuditConfig, Control, ControlConfig, FirstAdmin, NewKeys, Publishing, ScimConfig, SessionLife,
    SignInConfig, SignUp, Upgrades,
};
use aeolus_keys::claims::PlaneAssertion;
use aeolus_keys::envelope::MasterKey;
use aeolus_keys::{Alg, Kind, SigningKey, digest};
use aeolus_model::{Action, AuditEvent, BuiltIns, Clock, Email, PlaneId, Rng, Secret, Time};
use aeolus_store::{Page, Store, Unit as _};
use aeolus_testkit::{ManualClock, SeededRng};
use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) const ISS: &str = "https://aeolus.example.com";
pub(crate) const ADMIN: &str = "admin@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const CLI_REDIRECT: &str = "http://127.0.0.1:4711/callback";
pub(crate) const HOST: &str = "etl.example.com";

pub(crate) const MASTER: Secret<[u8; 32]> = Secret::new([42; 32]);

pub(crate) struct Fixture {
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) rng: Arc<SeededRng>,
    pub(crate) router: Router,
    pub(crate) dir: tempfile::TempDir,
    /// The URL of its database.
    pub(crate) database: String,
    pub(crate) stop: CancellationToken,
    /// Of another replica, where every second request goes to that one.
    beside: Option<Router>,
    sent: AtomicUsize,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn of<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION)
    }

    /// A parameter of the query of the redirect.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(ISS).unwrap().join(self.location()).unwrap();
        let mut pairs = url.query_pairs();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// `name=value` of the cookie that was set.
    pub(crate) fn cookie(&self) -> String {
        self.header(SET_COOKIE)
            .split(';')
            .next()
            .unwrap()
            .to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}

pub(crate) fn config(dir: &std::path::Path) -> ControlConfig {
    ControlConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        metrics: None,
        public_url: None,
        database: format!("sqlite:{}", dir.join("control.db").display()),
        master_key: MASTER,
        root_dir: Some(dir.join("root")),
        first_admin: Some(FirstAdmin {
            email: Email::parse(ADMIN).unwrap(),
            password: Secret::new(PASSWORD.to_owned()),
        }),
        sign_in: SignInConfig::default(),
        sign_up: SignUp::default(),
        session: SessionLife::default(),
        device_flow: true,
        trusted_hops: 1,
        hash_permits: Some(2),
        parent_cookie: None,
        proxy_secrets: Vec::new(),
        registry: None,
        publishing: Publishing {
            // However busy this machine is, a plane of a test is a small one.
            at_once: Duration::from_secs(3600),
            rest: (Duration::from_millis(100), Duration::from_secs(30)),
            silence: Duration::from_millis(500),
        },
        rotate_keys: None,
        upgrades: Upgrades {
            version: semver::Version::new(1, 2, 3),
            keys: NewKeys::None,
        },
        built_ins: BuiltIns::default(),
        audit: AuditConfig::default(),
        egress: aeolus_api::egress::Way::default(),
        scim: ScimConfig::default(),
        email: None,
        quota: Quota::default(),
        tls: aeolus_control::ListenerTls::default(),
        authorities: aeolus_api::trust::Authorities::default(),
        kept: Vec::new(),
        handed_over: aeolus_tls::HandedOver::default(),
    }
}

/// Nobody looks at the configuration.
pub(crate) fn quiet() -> tokio::sync::mpsc::Receiver<aeolus_control::Reload> {
    tokio::sync::mpsc::channel(1).1
}

/// A root key kept online, as a development fleet has it.
pub(crate) fn dev_root(dir: &std::path::Path, rng: &dyn Rng) {
    let key = SigningKey::generate(Alg::EdDsa, rng).unwrap();
    std::fs::create_dir_all(dir.join("root")).unwrap();
    let der = key.to_pkcs8().unwrap();
    std::fs::write(dir.join("root/root.key"), der.expose()).unwrap();
}

impl Fixture {
    pub(crate) async fn new(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rng = Arc::new(SeededRng::new(name));
        dev_root(dir.path(), &rng.child("root"));
        Self::at(dir, rng).await
    }

    /// With a configuration of its own.
    pub(crate) async fn configured(name: &str, change: impl FnOnce(&mut ControlConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rng = Arc::new(SeededRng::new(name));
        dev_root(dir.path(), &rng.child("root"));
        let mut config = config(dir.path());
        change(&mut config);
        Self::opened(dir, rng, &config).await
    }

    /// Two replicas of the control plane on a database, SQLite if none is named, which answer in turn: what
    /// holds of one control plane holds of them.
    pub(crate) async fn pair(name: &str, database: Option<String>) -> Self {
        Self::pair_configured(name, database, |_| ()).await
    }

    /// The same with a configuration of their own.
    pub(crate) async fn pair_configured(
        name: &str,
        database: Option<String>,
        change: impl Fn(&mut ControlConfig),
    ) -> Self {
        let mut one = Self::configured(name, |config| {
            config.database = database.unwrap_or_else(|| config.database.clone());
            change(config);
        })
        .await;
        let two = one.replica(&change).await;
        one.beside = Some(two.router.clone());
        one
    }

    pub(crate) async fn at(dir: tempfile::TempDir, rng: Arc<SeededRng>) -> Self {
        let config = config(dir.path());
        Self::opened(dir, rng, &config).await
    }

    async fn opened(dir: tempfile::TempDir, rng: Arc<SeededRng>, config: &ControlConfig) -> Self {
        let clock = Arc::new(ManualClock::new(Time::from_secs(1_800_000_000)));
        let parts = (clock.clone() as Arc<dyn Clock>, rng.clone() as Arc<dyn Rng>);
        let control = Control::open(config, ISS, parts.0, parts.1).await.unwrap();
        control.started().await.unwrap();
        Self {
            router: control.router(),
            control: Arc::new(control),
            clock,
            rng,
            dir,
            database: config.database.clone(),
            stop: CancellationToken::new(),
            beside: None,
            sent: AtomicUsize::new(0),
        }
    }

    /// Copies everything that an operator backs up.
    pub(crate) fn backup(&self) -> tempfile::TempDir {
        let to = tempfile::tempdir().unwrap();
        std::fs::create_dir(to.path().join("root")).unwrap();
        for folder in ["", "root"] {
            for entry in std::fs::read_dir(self.dir.path().join(folder)).unwrap() {
                let from = entry.unwrap().path();
                if from.is_file() && from.extension().is_none_or(|kind| kind != "db-shm") {
                    let to = to.path().join(folder).join(from.file_name().unwrap());
                    std::fs::copy(&from, to).unwrap();
                }
            }
        }
        to
    }

    /// Ends this control and starts one over a backup, at the same time of day.
    pub(crate) async fn restored(self, backup: tempfile::TempDir) -> Self {
        let now = self.clock.now();
        let next = Self::at(backup, self.rng.clone()).await;
        next.clock.advance(now.since(next.clock.now()));
        next
    }

    /// Another replica of the control plane, on the same database and by the same clock.
    pub(crate) async fn replica(&self, change: impl FnOnce(&mut ControlConfig)) -> Self {
        let replica = self.beside(change).await;
        replica.control.started().await.unwrap();
        replica
    }

    /// The same before it answers requests.
    pub(crate) async fn beside(&self, change: impl FnOnce(&mut ControlConfig)) -> Self {
        let mut config = config(self.dir.path());
        config.database.clone_from(&self.database);
        change(&mut config);
        let parts = (self.clock.clone(), self.rng.clone());
        let control = Control::open(&config, ISS, parts.0.clone(), parts.1.clone());
        let control = control.await.unwrap();
        Self {
            router: control.router(),
            control: Arc::new(control),
            clock: parts.0,
            rng: parts.1,
            dir: tempfile::tempdir().unwrap(),
            database: config.database,
            stop: CancellationToken::new(),
            beside: None,
            sent: AtomicUsize::new(0),
        }
    }

    /// Runs the publisher beside the test.
    pub(crate) fn work(&self) {
        let (control, stop) = (self.control.clone(), self.stop.clone());
        tokio::spawn(async move { Box::pin(control.work(stop)).await });
    }

    pub(crate) fn clock_now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let turn = self.sent.fetch_add(1, Ordering::Relaxed) % 2;
        let beside = self.beside.as_ref().filter(|_| turn == 1);
        let router = beside.unwrap_or(&self.router).clone();
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    /// The database, behind control's back.
    pub(crate) async fn store(&self) -> Store {
        Store::connect(&self.database.parse().unwrap())
            .await
            .unwrap()
    }

    /// The private key that control signs a kind with.
    pub(crate) async fn signing_key(&self, kind: Kind) -> SigningKey {
        let store = self.store().await;
        let mut read = store.read().await.unwrap();
        let active = read.keys().active(kind.name()).await.unwrap().unwrap();
        let master = MasterKey::new(&MASTER).unwrap();
        let opened = master.open(active.id, kind, &active.sealed).unwrap();
        SigningKey::from_pkcs8(&opened).unwrap()
    }

    /// The audit log's lines of an action.
    pub(crate) async fn audited(&self, action: Action) -> Vec<AuditEvent> {
        let store = self.store().await;
        let mut read = store.read().await.unwrap();
        let listed = read.audit_log().list(None, Page::first(10_000)).await;
        let events = listed.unwrap().items.into_iter().map(|line| line.event);
        events.filter(|event| event.action == action).collect()
    }

    /// What is measured of it.
    pub(crate) async fn metrics(&self) -> String {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let router = self.control.metrics_router();
        let answer = router.oneshot(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// A GET with a cookie.
    pub(crate) async fn visit(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A request with a bearer credential and perhaps a JSON body.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        bearer: &str,
        body: Option<Value>,
    ) -> Answer {
        self.call_with((method, path), bearer, &[], body).await
    }

    /// The same with headers of its own.
    pub(crate) async fn call_with(
        &self,
        (method, path): (&str, &str),
        bearer: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !bearer.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let body = match body {
            Some(value) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(value.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// A batch of events, as a gate sends it.
    pub(crate) async fn events(&self, gate: &Gate, key: &str, lines: String) -> Answer {
        let request = Request::post("/v1/planes/self/events")
            .header(AUTHORIZATION, format!("Bearer {}", self.assertion(gate)))
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header("idempotency-key", key);
        self.send(request.body(Body::from(lines)).unwrap()).await
    }

    /// A form, as our own pages send it.
    pub(crate) async fn form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        extra: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut request =
            Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn try_login(&self, email: &str, password: &str, rd: &str) -> Answer {
        let fields = [("email", email), ("password", password), ("rd", rd)];
        self.form("/login", &fields, &[("origin", ISS)]).await
    }

    /// Signs in on the page; returns the cookie.
    pub(crate) async fn login(&self, email: &str) -> String {
        self.try_login(email, PASSWORD, "/")
            .await
            .expect(303)
            .cookie()
    }

    pub(crate) fn cli_authorize(extra: &str) -> String {
        let redirect = url::form_urlencoded::byte_serialize(CLI_REDIRECT.as_bytes());
        let redirect: String = redirect.collect();
        format!(
            "/oauth2/authorize?response_type=code&client_id=aeolus-cli&redirect_uri={redirect}\
             &scope=openid&state=st&nonce=no&code_challenge={CHALLENGE}\
             &code_challenge_method=S256{extra}"
        )
    }

    pub(crate) async fn cli_code(&self, cookie: &str) -> String {
        let answer = self
            .visit(&Self::cli_authorize(""), cookie)
            .await
            .expect(303);
        answer.param("code").unwrap()
    }

    pub(crate) async fn cli_exchange(&self, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CLI_REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", "aeolus-cli"),
        ];
        self.form("/oauth2/token", &fields, &[]).await
    }

    /// An access token for control, got as the command line gets it.
    pub(crate) async fn token_of(&self, email: &str) -> String {
        let cookie = self.login(email).await;
        self.token_of_cookie(&cookie).await
    }

    pub(crate) async fn token_of_cookie(&self, cookie: &str) -> String {
        let code = self.cli_code(cookie).await;
        let answer: TokenAnswer = self.cli_exchange(&code).await.expect(200).of();
        answer.access_token
    }

    pub(crate) async fn admin(&self) -> String {
        self.token_of(ADMIN).await
    }

    /// A fleet with an organization, people of several roles, a workspace and a deployment.
    pub(crate) async fn fleet(&self, admin: &str) -> Value {
        let body = fleet();
        let answer = self.call("POST", "/v1/apply", admin, Some(body)).await;
        answer.expect(200).json()
    }

    /// With that fleet, and the credentials of who administers the installation and of who owns the
    /// organization.
    pub(crate) async fn peopled(self) -> (Self, String, String) {
        let admin = self.admin().await;
        self.fleet(&admin).await;
        let owner = self.token_of("owner@example.com").await;
        (self, admin, owner)
    }

    /// The id of the first of a list of that organization's.
    pub(crate) async fn first(&self, bearer: &str, list: &str) -> String {
        let path = format!("/v1/organizations/acme/{list}");
        let list = self.call("GET", &path, bearer, None).await.expect(200);
        list.json()["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Another organization, globex, and the credential of Gus, who owns it.
    pub(crate) async fn globex(&self, admin: &str) -> String {
        let document = json!({
            "fleet": {"version": 1, "planes": [], "organizations": [{"name": "globex",
                "users": [{"email": "gus@example.com", "role": "ORGANIZATION_OWNER",
                    "password": {"env": "P"}}]}]},
            "secrets": {"organizations[0].users[0].password": PASSWORD},
        });
        let applied = self.call("POST", "/v1/apply", admin, Some(document)).await;
        applied.expect(200);
        self.token_of("gus@example.com").await
    }

    pub(crate) async fn join(&self, admin: &str, name: &str) -> Gate {
        let body = Some(json!({ "name": name }));
        let created = self
            .call("POST", "/v1/planes", admin, body)
            .await
            .expect(201);
        let created: PlaneCreated = created.of();
        let token = JoinToken::parse(&created.join_token.unwrap()).unwrap();
        let identity = SigningKey::generate(Alg::EdDsa, &*self.rng).unwrap();
        let request = enroll_request(&token, &identity);
        let body = Some(serde_json::to_value(request).unwrap());
        let answer = self
            .call("POST", "/v1/planes/enroll", "", body)
            .await
            .expect(200);
        let answer: EnrollAnswer = answer.of();
        Gate {
            plane: token.plane,
            identity,
            root: answer.root,
        }
    }

    pub(crate) fn assertion(&self, gate: &Gate) -> String {
        let now = self.clock.now().secs();
        let jti = digest::random_token(&*self.rng, 16).expose().clone();
        gate.sign(&gate.claims(ISS, now, now + 60, &jti))
    }

    /// A code for a deployment, as a gate asks for it, and what it is exchanged for.
    pub(crate) async fn gate_sign_in(&self, gate: &Gate, deployment: &str, cookie: &str) -> Answer {
        let answer = self
            .visit(&gate.authorize(deployment), cookie)
            .await
            .expect(303);
        let code = answer.param("code").unwrap();
        self.gate_exchange(gate, &code, &self.assertion(gate)).await
    }

    pub(crate) async fn gate_exchange(&self, gate: &Gate, code: &str, assertion: &str) -> Answer {
        let redirect = format!("https://{HOST}/.aeolus/callback");
        let client = format!("urn:aeolus:plane:{}", gate.plane);
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect.as_str()),
            ("code_verifier", VERIFIER),
            ("client_id", client.as_str()),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        ];
        self.form("/oauth2/token", &fields, &[]).await
    }

    /// Asks until an answer fits, within a deadline.
    pub(crate) async fn until(
        &self,
        path: &str,
        bearer: impl Fn() -> String,
        fits: impl Fn(&Answer) -> bool,
    ) -> Answer {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.call("GET", path, &bearer(), None).await;
            if fits(&answer) {
                return answer;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "never: {}",
                answer.text()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// An enrolled gate.
pub(crate) struct Gate {
    pub(crate) plane: PlaneId,
    pub(crate) identity: SigningKey,
    pub(crate) root: String,
}

impl Gate {
    pub(crate) fn claims(&self, aud: &str, iat: i64, exp: i64, jti: &str) -> PlaneAssertion {
        let plane = format!("plane:{}", self.plane);
        PlaneAssertion {
            iss: plane.clone(),
            sub: plane,
            aud: aud.to_owned(),
            iat,
            exp,
            jti: jti.to_owned(),
        }
    }

    pub(crate) fn sign(&self, claims: &impl serde::Serialize) -> String {
        self.identity.sign(Kind::PlaneAssertion, claims).unwrap()
    }

    pub(crate) fn authorize(&self, deployment: &str) -> String {
        format!(
            "/oauth2/authorize?response_type=code&client_id=urn%3Aaeolus%3Aplane%3A{}\
             &redirect_uri=https%3A%2F%2F{HOST}%2F.aeolus%2Fcallback&scope=openid&state=st&nonce=no\
             &code_challenge={CHALLENGE}&code_challenge_method=S256\
             &resource=urn%3Aaeolus%3Adeployment%3A{deployment}",
            self.plane
        )
    }
}

pub(crate) fn enroll_request(token: &JoinToken, identity: &SigningKey) -> EnrollRequest {
    let nonce = [5; 32];
    let root = hex(&token.root_sha256);
    let raw = identity.public().as_ed25519().unwrap();
    let proof = digest::hmac(token.secret.expose(), &[raw, &nonce, &root]);
    EnrollRequest {
        plane: token.plane,
        nonce: URL_SAFE_NO_PAD.encode(nonce),
        identity_jwk: serde_json::to_value(identity.public().to_jwk()).unwrap(),
        proof: URL_SAFE_NO_PAD.encode(proof),
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// The document of [`Fixture::fleet`].
pub(crate) fn fleet() -> Value {
    let user = |name: &str, role: &str| json!({"email": format!("{name}@example.com"), "role": role, "password": {"env": "P"}});
    json!({
        "fleet": {
            "version": 1,
            "planes": [{"name": "eu-1"}],
            "organizations": [{
                "name": "acme",
                "users": [
                    user("owner", "ORGANIZATION_OWNER"),
                    user("member", "ORGANIZATION_MEMBER"),
                    user("eve", "ORGANIZATION_MEMBER"),
                ],
                "teams": [{"name": "data", "members": ["member@example.com"]}],
                "workspaces": [{
                    "name": "sales",
                    "grants": [{"team": "data", "role": "WORKSPACE_OPERATOR"}],
                    "deployments": [{
                        "name": "etl",
                        "plane": "eu-1",
                        "hosts": [HOST],
                        "upstream": "http://127.0.0.1:8080",
                        "grants": [{"user": "eve@example.com", "role": "DEPLOYMENT_VIEWER"}],
                    }],
                }],
            }],
        },
        "secrets": {
            "organizations[0].users[0].password": PASSWORD,
            "organizations[0].users[1].password": PASSWORD,
            "organizations[0].users[2].password": PASSWORD,
        },
    })
}
