//! A gate on real sockets over a snapshot made in the test, and an application that records what
//! reaches it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aeolus_api::oauth::{SessionHint, TokenAnswer};
use aeolus_api::plane::{CheckAnswer, CheckRequest, TokenUse};
use aeolus_decide::{Deployment, SessionCookie, World};
use aeolus_gate::listeners::{Checks, Metrics, Proxy};
use aeolus_gate::observe::Share;
use aeolus_gate::ports::{
    Central, CodeExchange, Consenting, Exchanged, Journal, Knowledge, Moved, ProviderCode,
    ProviderTokens, Redeemed, Refused, SessionBegun, Sessions, Standing, TokenEndpoint, TokenError,
    Unanswered, UseAfterRevocation,
};
use aeolus_gate::{Gate, Live, Parts, Patience, PlaneSecret, Settings, server};
use aeolus_keys::claims::{Access, AccessKind, Api, ApiKind, IdToken};
use aeolus_keys::seal::{Keyring, Purpose, Sealer};
use aeolus_keys::{Alg, Kind, SigningKey};
use aeolus_model::{
    Clock, ConnectionId, DeploymentId, OrganizationId, PlaneId, Resource, Role, Secret, SessionId,
    Time, TokenId, UserId, WorkspaceId,
};
use aeolus_snapshot::{Position, Sections, section};
use aeolus_testkit::{ManualClock, SeededRng};
use aeolus_tls::{AuthorityFiles, Believed, Bound, HandedOver, Keeper, Listener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub(crate) const NOW: Time = Time::from_secs(1_900_000_000);
pub(crate) const ISSUER: &str = "https://control.test";
pub(crate) const PLANE: PlaneId = PlaneId::from_bytes([42; 16]);
pub(crate) const ORG: OrganizationId = OrganizationId::from_bytes([1; 16]);
pub(crate) const SPACE: WorkspaceId = WorkspaceId::from_bytes([2; 16]);
pub(crate) const ETL: DeploymentId = DeploymentId::from_bytes([3; 16]);
pub(crate) const BI: DeploymentId = DeploymentId::from_bytes([4; 16]);
pub(crate) const ANN: UserId = UserId::from_bytes([5; 16]);
pub(crate) const EVE: UserId = UserId::from_bytes([6; 16]);
pub(crate) const BOT: TokenId = TokenId::from_bytes([7; 16]);
pub(crate) const SESSION: SessionId = SessionId::from_bytes([8; 16]);
pub(crate) const LOCAL: ConnectionId = ConnectionId::from_bytes([9; 16]);

/// Short, for the tests of slow clients; long for everybody else.
pub(crate) fn live() -> Live {
    Live {
        allow_sample: Share::of(1.0),
        parent_cookie: Some("parent".to_owned()),
        patience: Patience {
            head: Duration::from_secs(2),
            stall: Duration::from_secs(2),
        },
        ..Live::default()
    }
}

/// What the gate's ports are in these tests.
pub(crate) struct Fake {
    pub(crate) clock: ManualClock,
    pub(crate) sections: Mutex<Sections>,
    pub(crate) world: Mutex<Option<Arc<World>>>,
    pub(crate) age: Mutex<Option<Duration>>,
    pub(crate) standing: Mutex<Option<Standing>>,
    pub(crate) panics: AtomicBool,
    pub(crate) renewed: Mutex<HashMap<SessionId, Time>>,
    pub(crate) ended: Mutex<HashSet<SessionId>>,
    pub(crate) asked: Mutex<Vec<SessionId>>,
    pub(crate) refused: Mutex<Vec<Refused>>,
    pub(crate) late: Mutex<Vec<UseAfterRevocation>>,
    pub(crate) used: Mutex<Vec<TokenUse>>,
    pub(crate) answer: Mutex<Option<Result<TokenAnswer, TokenError>>>,
    pub(crate) exchanged: Mutex<Vec<(String, String)>>,
    pub(crate) moved: Mutex<Vec<Moved>>,
    pub(crate) begun: Mutex<Vec<SessionBegun>>,
    pub(crate) id_token: Mutex<Option<Result<Secret<String>, TokenError>>>,
    pub(crate) redeemed: Mutex<Vec<ProviderCode>>,
    pub(crate) central: Mutex<Said>,
    pub(crate) questions: Mutex<Vec<serde_json::Value>>,
}

/// What control says of a check.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Verdict(&'static str),
    Error,
    /// It hangs.
    Nothing,
}

/// The fake's time as the machine's.
struct Wall(Arc<Fake>);

impl Clock for Wall {
    fn now(&self) -> Time {
        self.0.clock.now()
    }
}

impl Knowledge for Fake {
    fn world(&self) -> Option<Arc<World>> {
        assert!(!self.panics.load(Ordering::SeqCst), "the fail point");
        self.world.lock().unwrap().clone()
    }

    fn age(&self) -> Option<Duration> {
        *self.age.lock().unwrap()
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn standing(&self) -> Option<Standing> {
        *self.standing.lock().unwrap()
    }
}

impl Sessions for Fake {
    fn renewed(&self, session: SessionId, _: OrganizationId) -> Option<Time> {
        self.renewed.lock().unwrap().get(&session).copied()
    }

    fn ended(&self, session: SessionId, _: OrganizationId) -> bool {
        self.ended.lock().unwrap().contains(&session)
    }

    fn renew(&self, session: &SessionCookie, _: &Deployment) {
        self.asked.lock().unwrap().push(session.session);
    }

    fn end(&self, session: &SessionCookie, _: DeploymentId, _: Time) {
        self.ended.lock().unwrap().insert(session.session);
    }
}

impl Journal for Fake {
    fn checked(&self) {}

    fn refused(&self, refused: Refused) {
        self.refused.lock().unwrap().push(refused);
    }

    fn used_after_revocation(&self, late: UseAfterRevocation) {
        self.late.lock().unwrap().push(late);
    }

    fn tokens_used(&self, uses: Vec<TokenUse>) {
        self.used.lock().unwrap().extend(uses);
    }

    fn moved(&self, moved: Moved) {
        self.moved.lock().unwrap().push(moved);
    }

    fn session_begun(&self, begun: SessionBegun) {
        self.begun.lock().unwrap().push(begun);
    }
}

impl Central for Fake {
    fn check<'a>(&'a self, question: &'a CheckRequest) -> Consenting<'a> {
        let question = serde_json::to_value(question).unwrap();
        self.questions.lock().unwrap().push(question);
        let said = self.central.lock().unwrap().clone();
        Box::pin(async move {
            match said {
                Said::Verdict(verdict) => Ok(CheckAnswer {
                    verdict: verdict.to_owned(),
                }),
                Said::Error => Err(Unanswered("down".to_owned())),
                Said::Nothing => std::future::pending().await,
            }
        })
    }
}

impl ProviderTokens for Fake {
    fn redeem(&self, code: ProviderCode) -> Redeemed<'_> {
        self.redeemed.lock().unwrap().push(code);
        let id_token = self.id_token.lock().unwrap().take();
        Box::pin(async move { id_token.unwrap_or(Err(TokenError::Unavailable)) })
    }
}

impl TokenEndpoint for Fake {
    fn exchange(&self, code: CodeExchange) -> Exchanged<'_> {
        let asked = (code.code.expose().clone(), code.redirect_uri);
        self.exchanged.lock().unwrap().push(asked);
        let answer = self.answer.lock().unwrap().take();
        Box::pin(async move { answer.unwrap_or(Err(TokenError::Unavailable)) })
    }
}

/// A running gate.
pub(crate) struct Fleet {
    pub(crate) fake: Arc<Fake>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) checks: String,
    pub(crate) proxy: String,
    pub(crate) metrics: String,
    pub(crate) access: SigningKey,
    pub(crate) api: SigningKey,
    pub(crate) id: SigningKey,
    pub(crate) sealer: Sealer,
    pub(crate) airflow: Airflow,
    pub(crate) stop: CancellationToken,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn deployment(id: DeploymentId, hosts: &[&str], upstream: &str) -> section::Deployment {
    let route = |host: &&str| section::Route {
        host: (*host).to_owned(),
        path_prefix: String::new(),
    };
    section::Deployment {
        id: id.as_bytes().to_vec(),
        organization: ORG.as_bytes().to_vec(),
        workspace: SPACE.as_bytes().to_vec(),
        name: hosts[0].split('.').next().unwrap().to_owned(),
        routes: hosts.iter().map(route).collect(),
        upstream: upstream.to_owned(),
        profile: section::Profile::Airflow3 as i32,
        max_stale: 86_400,
        hard_stale: 604_800,
        stale_then: section::StalePolicy::ServeUntilExp as i32,
        task_execution_from: vec!["192.0.2.0/24".to_owned()],
        ..section::Deployment::default()
    }
}

fn grant(kind: section::SubjectKind, subject: &[u8], at: Resource, role: Role) -> section::Grant {
    let (resource_kind, resource) = match at {
        Resource::Workspace(id) => (section::ResourceKind::Workspace, id.as_bytes().to_vec()),
        Resource::Deployment(id) => (section::ResourceKind::Deployment, id.as_bytes().to_vec()),
        other => panic!("{other:?}"),
    };
    section::Grant {
        subject_kind: kind as i32,
        subject: subject.to_vec(),
        resource_kind: resource_kind as i32,
        resource,
        permissions: role.shipped().to_bytes().to_vec(),
    }
}

pub(crate) fn sections(upstream: &str, keys: &[(Kind, &SigningKey)]) -> Sections {
    use section::SubjectKind::{Token, User};
    let subject = |kind: section::SubjectKind, id: &[u8], email: &str| section::Subject {
        id: id.to_vec(),
        kind: kind as i32,
        email: email.to_owned(),
        name: email.to_owned(),
        ..section::Subject::default()
    };
    let key = |(kind, key): &(Kind, &SigningKey)| section::TokenKey {
        kind: kind.name().to_owned(),
        jwk: key.public().to_jwk().to_json(),
    };
    let revocations = section::Revocations {
        status: vec![0; 8],
        ..section::Revocations::default()
    };
    Sections {
        deployments: section::Deployments {
            deployments: vec![
                deployment(ETL, &["etl.test", "etl.localhost"], upstream),
                deployment(BI, &["bi.test"], "http://127.0.0.1:1"),
            ],
        },
        subjects: section::Subjects {
            subjects: vec![
                subject(User, ANN.as_bytes(), "ann@example.com"),
                subject(User, EVE.as_bytes(), "eve@example.com"),
                subject(Token, BOT.as_bytes(), ""),
            ],
            teams: vec![],
        },
        grants: section::GrantList {
            grants: vec![
                grant(
                    User,
                    ANN.as_bytes(),
                    Resource::Workspace(SPACE),
                    Role::WorkspaceOwner,
                ),
                grant(
                    User,
                    EVE.as_bytes(),
                    Resource::Deployment(ETL),
                    Role::DeploymentViewer,
                ),
                grant(
                    Token,
                    BOT.as_bytes(),
                    Resource::Workspace(SPACE),
                    Role::WorkspaceOperator,
                ),
            ],
        },
        keys: section::Keys {
            issuer: ISSUER.to_owned(),
            keys: keys.iter().map(key).collect(),
        },
        connections: section::Connections {
            connections: vec![section::Connection {
                id: LOCAL.as_bytes().to_vec(),
                name: "local".to_owned(),
                kind: "local".to_owned(),
                session_tokens: None,
                plane_registration: None,
            }],
            identity_salt: Vec::new(),
            auth_host: String::new(),
        },
        rollouts: section::Rollouts::default(),
        certificates: section::Certificates::default(),
        changes: section::Changes::default(),
        revocations: [(ORG, revocations)].into(),
    }
}

/// One RSA key for all tests: making one takes longer than most of them.
fn airflow2_key() -> Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    let make = || Arc::new(SigningKey::generate(Alg::Rs256, &SeededRng::new("rsa")).unwrap());
    Arc::clone(KEY.get_or_init(make))
}

/// What a gate believes where a company has an authority of its own.
fn certificates() -> Arc<Keeper> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../api/src/egress/tests/ca.pem"
    );
    let files = AuthorityFiles::beside_system("tls.privateCaCerts", vec![file.into()]);
    let mut keeper = Keeper::default();
    keeper.keep(Believed::open(files).unwrap());
    Arc::new(keeper)
}

impl Fleet {
    pub(crate) async fn start() -> Self {
        Self::start_with(Some(airflow2_key())).await
    }

    /// With or without the plane's key for Airflow 2.
    pub(crate) async fn start_with(airflow2: Option<Arc<SigningKey>>) -> Self {
        let rng = Arc::new(SeededRng::new("gate"));
        let airflow = Airflow::start().await;
        let key = |name: &str| SigningKey::generate(Alg::EdDsa, &SeededRng::new(name)).unwrap();
        let (access, api) = (key("access"), key("api"));
        let id = SigningKey::generate(Alg::Rs256, &*rng).unwrap();
        let keys = [(Kind::Access, &access), (Kind::Api, &api), (Kind::Id, &id)];
        let sections = sections(&format!("http://{}", airflow.address), &keys);
        let world = World::from_sections(&sections, &BTreeSet::new());
        let fake = Arc::new(Fake {
            clock: ManualClock::new(NOW),
            sections: Mutex::new(sections),
            world: Mutex::new(Some(Arc::new(world))),
            age: Mutex::new(Some(Duration::ZERO)),
            standing: Mutex::new(Some(Standing {
                position: Position { epoch: 1, seq: 7 },
                from_disk: false,
            })),
            panics: AtomicBool::new(false),
            renewed: Mutex::default(),
            ended: Mutex::default(),
            asked: Mutex::default(),
            refused: Mutex::default(),
            late: Mutex::default(),
            used: Mutex::default(),
            answer: Mutex::default(),
            exchanged: Mutex::default(),
            moved: Mutex::default(),
            begun: Mutex::default(),
            id_token: Mutex::default(),
            redeemed: Mutex::default(),
            central: Mutex::new(Said::Verdict("allow")),
            questions: Mutex::default(),
        });
        let mut keyring = Keyring::generate(&*rng);
        if let Some(key) = airflow2 {
            keyring.adopt_rsa(key);
        }
        let sealer = Sealer::new(&keyring, PLANE.as_bytes(), NOW);
        let secret = Arc::new(PlaneSecret::new(PLANE, keyring, NOW, 0));
        let gate = Arc::new(Gate::new(Parts {
            plane: PLANE,
            secret,
            knowledge: Arc::clone(&fake) as _,
            sessions: Arc::clone(&fake) as _,
            journal: Arc::clone(&fake) as _,
            tokens: Some(Arc::clone(&fake) as _),
            central: Some(Arc::clone(&fake) as _),
            providers: Some(Arc::clone(&fake) as _),
            rng,
            wall: Arc::new(Wall(Arc::clone(&fake))),
            settings: Settings::new(live()),
            lines_lost: Arc::default(),
            certificates: certificates(),
            upstream_tls: aeolus_gate::upstream::UpstreamTls::default(),
        }));
        let stop = CancellationToken::new();
        let checks = listen(Arc::new(Checks(Arc::clone(&gate))), &stop).await;
        let proxy = listen(Arc::new(Proxy(Arc::clone(&gate), None)), &stop).await;
        let metrics = listen(Arc::new(Metrics(Arc::clone(&gate))), &stop).await;
        Self {
            fake,
            gate,
            checks,
            proxy,
            metrics,
            access,
            api,
            id,
            sealer,
            airflow,
            stop,
        }
    }

    /// Changes the snapshot, as a new one from control would.
    pub(crate) fn publish(&self, change: impl FnOnce(&mut Sections)) {
        let mut sections = self.fake.sections.lock().unwrap();
        change(&mut sections);
        let world = World::from_sections(&sections, &BTreeSet::new());
        *self.fake.world.lock().unwrap() = Some(Arc::new(world));
    }

    pub(crate) fn api_token(&self) -> String {
        let now = self.fake.clock.now().secs();
        let claims = Api {
            iss: ISSUER.to_owned(),
            aud: format!("urn:aeolus:org:{ORG}"),
            sub: BOT,
            client_id: BOT,
            iat: now,
            nbf: now,
            exp: now + 3_600,
            jti: "b".to_owned(),
            idx: 5,
            status: None,
            ent: Resource::Workspace(SPACE),
            surfaces: None,
            kind: ApiKind,
        };
        self.api.sign(Kind::Api, &claims).unwrap()
    }

    pub(crate) fn access_token(&self, user: UserId) -> String {
        self.access_for(&format!("urn:aeolus:deployment:{ETL}"), user)
    }

    pub(crate) fn access_for(&self, aud: &str, user: UserId) -> String {
        let now = self.fake.clock.now().secs();
        let claims = Access {
            iss: ISSUER.to_owned(),
            aud: aud.to_owned(),
            sub: user,
            iat: now,
            exp: now + 3_600,
            jti: "a".to_owned(),
            client_id: format!("urn:aeolus:plane:{PLANE}"),
            org: Some(ORG),
            sid: SESSION,
            auth_time: now - 10,
            amr: vec![],
            acr: None,
            kind: AccessKind,
        };
        self.access.sign(Kind::Access, &claims).unwrap()
    }

    /// What control answers to a code: tokens for Ann.
    pub(crate) fn token_answer(&self, nonce: &str) -> TokenAnswer {
        let now = self.fake.clock.now().secs();
        let id = IdToken {
            iss: ISSUER.to_owned(),
            aud: format!("urn:aeolus:plane:{PLANE}"),
            sub: ANN,
            iat: now,
            exp: now + 600,
            jti: "i".to_owned(),
            nonce: Some(nonce.to_owned()),
            auth_time: now - 10,
            sid: SESSION,
            amr: vec![],
            acr: None,
            at_hash: None,
            email: "ann@example.com".to_owned(),
            email_verified: true,
            name: "Ann".to_owned(),
        };
        TokenAnswer {
            access_token: self.access_token(ANN),
            issued_token_type: None,
            token_type: "Bearer".to_owned(),
            expires_in: 3_600,
            scope: "openid".to_owned(),
            id_token: Some(self.id.sign(Kind::Id, &id).unwrap()),
            refresh_token: None,
            aeolus: Some(SessionHint {
                connection: LOCAL,
                absolute_end: now + 86_400,
            }),
        }
    }

    pub(crate) fn session(&self, user: UserId) -> SessionCookie {
        let now = self.fake.clock.now();
        SessionCookie {
            session: SESSION,
            user,
            connection: LOCAL,
            auth_time: now.minus(Duration::from_secs(10)),
            access_start: now,
            access_end: now.plus(Duration::from_secs(8 * 3_600)),
            absolute_end: now.plus(Duration::from_secs(30 * 86_400)),
            begun: aeolus_decide::Begun::AtControl,
        }
    }

    /// A `Cookie` pair for a real host.
    pub(crate) fn cookie(&self, host: &str, user: UserId) -> String {
        let plain = self.session(user).encode();
        let rng = SeededRng::new("cookie");
        let sealed = self.sealer.seal(Purpose::Session, host, &plain, &rng);
        format!("__Host-aeolus={}", sealed.unwrap())
    }

    /// A check as nginx sends it.
    pub(crate) async fn check(&self, line: &str, headers: &str) -> Answer {
        let (method, url) = line.split_once(' ').unwrap();
        let request = format!(
            "GET /authz/nginx/{ETL} HTTP/1.1\r\nHost: aeolus-gate\r\nX-Original-Method: {method}\r\n\
             X-Original-URL: {url}\r\nX-Forwarded-For: 198.51.100.7\r\n{headers}Connection: close\r\n\r\n"
        );
        raw(&self.checks, request.as_bytes()).await
    }

    /// A request through the built-in proxy. Each header line ends with CRLF.
    pub(crate) async fn ask(&self, line: &str, headers: &str) -> Answer {
        let request =
            format!("{line} HTTP/1.1\r\nHost: etl.test\r\n{headers}Connection: close\r\n\r\n");
        raw(&self.proxy, request.as_bytes()).await
    }
}

/// Serves a handler on loopback; its address.
pub(crate) async fn listen(handler: Arc<dyn server::Handler>, stop: &CancellationToken) -> String {
    let at = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind("test", &at, &mut HandedOver::default())
        .await
        .unwrap();
    let Bound::Tcp(address) = listener.bound().clone() else {
        panic!()
    };
    tokio::spawn(server::run(listener, handler, stop.clone()));
    address.to_string()
}

/// A raw answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    /// The value of a header; a repeated one only once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        head.lines().skip(1).find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap().1
    }
}

/// Sends bytes as they are and reads until the other end closes. A client library would tidy an
/// attack away.
pub(crate) async fn raw(address: &str, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let limit = Duration::from_secs(20);
    // A reset after the answer is how a server closes on unread input; what was read counts.
    let _ = tokio::time::timeout(limit, stream.read_to_end(&mut answer))
        .await
        .expect("an answer in time");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        text,
    }
}

/// An application that records each request's head and answers 200, or upgrades.
pub(crate) struct Airflow {
    pub(crate) address: String,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Airflow {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                tokio::spawn(one(stream, Arc::clone(&record)));
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(crate) fn stop(&self) {
        self.task.abort();
    }

    /// The only request's head.
    pub(crate) fn only(&self) -> String {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    /// Whether an endless answer is still being written.
    pub(crate) fn streaming() -> bool {
        STREAMING.load(Ordering::SeqCst)
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

/// Only one test has an endless answer.
static STREAMING: AtomicBool = AtomicBool::new(true);

async fn one(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => head.extend_from_slice(&buffer[..n]),
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    seen.lock().unwrap().push(text.clone());
    if text.to_ascii_lowercase().contains("upgrade: websocket") {
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        let _ = stream.write_all(switch).await;
        while let Ok(n) = stream.read(&mut buffer).await {
            if n == 0 || stream.write_all(&buffer[..n]).await.is_err() {
                return;
            }
        }
        return;
    }
    if text.starts_with("GET /endless") {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        STREAMING.store(true, Ordering::SeqCst);
        while stream.write_all(&[b'x'; 8_192]).await.is_ok() {}
        STREAMING.store(false, Ordering::SeqCst);
        return;
    }
    if text.starts_with("POST /slow") {
        while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
        return;
    }
    if text.starts_with("GET /stream") {
        let start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        let _ = stream.write_all(start).await;
        // The rest comes when the client has seen the first part, or never.
        let _ = stream.read(&mut buffer).await;
        return;
    }
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nSet-Cookie: __Host-aeolus=evil\r\nSet-Cookie: lang=de\r\nConnection: close\r\n\r\nairflow";
    let _ = stream.write_all(answer).await;
}

/// The claims of the Airflow token in a header block.
pub(crate) fn airflow_claims(authorization: &str) -> serde_json::Value {
    use base64::Engine as _;
    let token = authorization.trim().strip_prefix("Bearer ").unwrap();
    let payload = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
