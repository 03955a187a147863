//! Gates that have to show certificates: at whatever route a plane is proved, and each its own plane's.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::JoinToken;
use aeolus_api::oauth::ASSERTION_TYPE;
use aeolus_api::plane::PlaneCreated;
use aeolus_keys::{Alg, SigningKey};
use aeolus_model::{Clock as _, PlaneId, SystemClock};
use aeolus_pki::{Authority, KeyKind, Life, PrivateKey, Profile, San, Wanted, certificates_pem};
use aeolus_testkit::SeededRng;
use aeolus_tls::{
    AuthorityFiles, ClientChain, ClientFiles, ClientsFiles, Keeper, PairFiles, Protocol,
};
use axum::body::Body;
use http::Request;
use serde_json::json;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::fixture::{Answer, Fixture, Gate, enroll_request};

const DAY: Duration = Duration::from_secs(86_400);

/// A control plane that asks gates for certificates, and who issues them.
struct World {
    f: Fixture,
    admin: String,
    authority: Authority,
    folder: tempfile::TempDir,
    life: Life,
}

fn pair(folder: &Path, name: &str) -> PairFiles {
    PairFiles {
        name: "control.tls",
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    }
}

fn asked(folder: &Path) -> ClientsFiles {
    ClientsFiles {
        name: "control.tls.clients",
        authorities: folder.join("authority.pem"),
        revoked: None,
    }
}

impl World {
    async fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        let rng = SeededRng::new(name);
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let authority = Authority::root("gates", key, Life::ROOT, (now, &rng)).unwrap();
        let pem = certificates_pem([authority.certificate()]);
        std::fs::write(folder.path().join("authority.pem"), pem).unwrap();
        let mut w = Self {
            life: Life::LEAF,
            f: Fixture::new(&format!("{name}-before")).await,
            admin: String::new(),
            authority,
            folder,
        };
        w.issue("server", &["localhost"], Profile::Server);
        let at = w.folder.path();
        w.f = Fixture::configured(name, |config| {
            config.tls.control = Some(aeolus_control::ApiTls {
                pair: pair(at, "server"),
                clients: Some(asked(at)),
            });
        })
        .await;
        // Handshakes are by this machine's clock: what is issued is good by both.
        w.f.clock.advance(now.since(w.f.clock_now()));
        let apart = w.f.clock_now().since(now).as_secs() / DAY.as_secs();
        w.life = Life::days(u32::try_from(apart).unwrap() + 30).unwrap();
        w.admin = w.f.admin().await;
        w.f.work();
        w
    }

    fn issue(&self, name: &str, names: &[&str], profile: Profile) {
        let names = names.iter().map(|name| San::parse(name).unwrap());
        let wanted = Wanted::new(names, profile, self.life).unwrap();
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let parts = (SystemClock.now(), &SeededRng::new(name) as _);
        let issued = self.authority.issue(&wanted, key.public(), parts).unwrap();
        let at = pair(self.folder.path(), name);
        std::fs::write(at.certificate, certificates_pem(&issued.chain)).unwrap();
        std::fs::write(at.key, key.pem().expose()).unwrap();
    }

    /// What a handshake with a certificate for these names shows.
    async fn shown(&self, names: &[&str]) -> ClientChain {
        let folder = self.folder.path();
        self.issue("gate", names, Profile::Client);
        let files = pair(folder, "server");
        let mut keeper = Keeper::default();
        let opened = keeper.server_asking(&files, Protocol::Http1, asked(folder));
        let server = opened.unwrap().0;
        let client = ClientFiles {
            authorities: AuthorityFiles {
                name: "gate.controlTls.authorities",
                files: vec![folder.join("authority.pem")],
                beside_system: false,
            },
            own: Some(pair(folder, "gate")),
        };
        let connector = TlsConnector::from(Arc::new(client.open().unwrap().config));
        let (near, far) = tokio::io::duplex(64 * 1024);
        let name = ServerName::try_from("localhost").unwrap();
        let (shaken, accepted) = tokio::join!(connector.connect(name, near), server.accept(far));
        shaken.unwrap();
        ClientChain::of(&accepted.unwrap())
    }

    async fn send(&self, mut request: Request<Body>, shown: Option<&ClientChain>) -> Answer {
        if let Some(shown) = shown {
            request.extensions_mut().insert(shown.clone());
        }
        self.f.send(request).await
    }

    /// Adds a plane and has a gate join it.
    async fn join(&self, name: &str, shown: Option<&ClientChain>) -> (Gate, Answer) {
        let body = Some(json!({ "name": name }));
        let made = self.f.call("POST", "/v1/planes", &self.admin, body).await;
        let made: PlaneCreated = made.expect(201).of();
        let token = JoinToken::parse(&made.join_token.unwrap()).unwrap();
        let identity = SigningKey::generate(Alg::EdDsa, &*self.f.rng).unwrap();
        let body = serde_json::to_vec(&enroll_request(&token, &identity)).unwrap();
        let request = Request::post("/v1/planes/enroll").header("content-type", "application/json");
        let answer = self.send(request.body(body.into()).unwrap(), shown).await;
        let gate = Gate {
            plane: token.plane,
            identity,
            root: String::new(),
        };
        (gate, answer)
    }

    async fn poll(&self, gate: &Gate, shown: Option<&ClientChain>) -> Answer {
        let bearer = format!("Bearer {}", self.f.assertion(gate));
        let request = Request::get("/v1/planes/self/manifest").header("authorization", bearer);
        self.send(request.body(Body::empty()).unwrap(), shown).await
    }

    /// Polls until there is something for it.
    async fn published(&self, gate: &Gate, shown: &ClientChain) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while self.poll(gate, Some(shown)).await.status == 503 {
            assert!(tokio::time::Instant::now() < deadline, "never");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.poll(gate, Some(shown)).await.expect(200);
    }

    /// Asks as the plane at one of the provider's endpoints.
    async fn ask(&self, path: &str, gate: &Gate, shown: Option<&ClientChain>) -> Answer {
        let client = format!("urn:aeolus:plane:{}", gate.plane);
        let assertion = self.f.assertion(gate);
        let form = [
            ("client_id", client.as_str()),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &assertion),
            ("grant_type", "refresh_token"),
            ("refresh_token", "x"),
            ("token", "x"),
        ];
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request =
            Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form.into()).unwrap(), shown).await
    }
}

fn urn(plane: impl std::fmt::Display) -> String {
    format!("urn:aeolus:plane:{plane}")
}

#[track_caller]
fn refused(answer: Answer, code: &str) {
    let answer = answer.expect(403);
    // With another certificate it takes another connection.
    assert_eq!(answer.header("connection"), "close");
    let said = answer.json();
    let code_or_error = said.get("code").or(said.get("error"));
    assert_eq!(code_or_error.unwrap(), code, "{said}");
}

const NONE: &str = "certificate";
const OTHER: &str = "certificate-of-another-plane";
const PROVIDER: [&str; 3] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];

#[tokio::test]
async fn a_certificate_that_names_a_plane_is_good_for_that_plane_alone() {
    let w = World::new("certificate-bound").await;
    let b = w.shown(&[&urn("pb")]).await;
    // Not even to join: the invitation stays good for the right one.
    let (_, answer) = w.join("pa", Some(&b)).await;
    refused(answer, OTHER);
    let (gate, answer) = w.join("pb", Some(&b)).await;
    answer.expect(200);
    w.published(&gate, &b).await;
    let by_id = w.shown(&[&urn(gate.plane)]).await;
    w.poll(&gate, Some(&by_id)).await.expect(200);
    let several = w.shown(&[&urn("pa"), &urn("pb")]).await;
    w.poll(&gate, Some(&several)).await.expect(200);
    for other in [
        urn("pa"),
        urn(PlaneId::from_bytes([7; 16])),
        urn("no/such:name"),
        urn("pb").to_uppercase().replace("PB", "pa"),
    ] {
        let shown = w.shown(&[&other, "pb.example.com"]).await;
        refused(w.poll(&gate, Some(&shown)).await, OTHER);
        for path in PROVIDER {
            refused(w.ask(path, &gate, Some(&shown)).await, OTHER);
        }
    }
    // What names no plane is every plane's, as before.
    for any in ["pa.example.com", "spiffe://example.com/pa", "urn:plane:pa"] {
        let shown = w.shown(&[any]).await;
        w.poll(&gate, Some(&shown)).await.expect(200);
    }
}

#[tokio::test]
async fn a_plane_is_proved_nowhere_without_a_certificate() {
    let w = World::new("certificate-everywhere").await;
    let (_, answer) = w.join("other", None).await;
    refused(answer, NONE);
    let shown = w.shown(&["gate.example.com"]).await;
    let (gate, answer) = w.join("eu-1", Some(&shown)).await;
    answer.expect(200);
    let nothing = ClientChain::default();
    for without in [None, Some(&nothing)] {
        refused(w.poll(&gate, without).await, NONE);
        for path in PROVIDER {
            refused(w.ask(path, &gate, without).await, NONE);
        }
    }
    // With it they are judged by what they ask.
    w.ask("/oauth2/introspect", &gate, Some(&shown))
        .await
        .expect(200);
    w.ask("/oauth2/revoke", &gate, Some(&shown))
        .await
        .expect(200);
    let judged = w.ask("/oauth2/token", &gate, Some(&shown)).await;
    assert_eq!(judged.expect(400).json()["error"], "invalid_grant");
    // Who says to be no plane needs none.
    w.f.call("GET", "/v1/me", &w.admin, None).await.expect(200);
    // One that was good in the handshake is judged again.
    w.f.clock.advance(w.life.duration());
    refused(w.poll(&gate, Some(&shown)).await, NONE);
}
