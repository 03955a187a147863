//! Clients that are asked for certificates.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aeolus_model::{Clock as _, SystemClock, Time};
use aeolus_tls::{
    AuthorityFiles, ClientChain, ClientFiles, ClientTls, Clients, ClientsFiles, Keeper, PairFiles,
    Protocol, ServerTls,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::authority::{Authority, replace};

const DAY: Duration = Duration::from_secs(86_400);

fn pair(folder: &Path, name: &'static str) -> PairFiles {
    PairFiles {
        name,
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    }
}

/// A server that asks, and says of each byte whether whoever sends it is proved at a time.
async fn judge(
    tls: ServerTls,
    clients: Arc<Clients>,
    now: Arc<dyn Fn() -> Time + Send + Sync>,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (tls, clients, now) = (tls.clone(), Arc::clone(&clients), Arc::clone(&now));
            tokio::spawn(async move {
                let Ok(mut stream) = tls.accept(stream).await else {
                    return;
                };
                let shown = ClientChain::of(&stream);
                while stream.read_u8().await.is_ok() {
                    let proved = u8::from(clients.prove(&shown, now()));
                    stream.write_u8(proved).await.unwrap();
                }
            });
        }
    });
    port
}

/// A folder with a server's pair and files for a client, and the authorities of both.
struct Scene {
    folder: tempfile::TempDir,
    servers: Authority,
    gates: Authority,
    keeper: Keeper,
    port: u16,
}

impl Scene {
    async fn new(now: Arc<dyn Fn() -> Time + Send + Sync>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let begin = SystemClock.now();
        let (servers, gates) = (
            Authority::new("servers", begin),
            Authority::new("gates", begin),
        );
        servers.issue(folder.path(), "server", (begin.minus(DAY), begin.plus(DAY)));
        replace(folder.path(), "servers.pem", &servers.pem());
        replace(folder.path(), "gates.pem", &gates.pem());
        let mut keeper = Keeper::default();
        let asked = ClientsFiles {
            name: "control.tls.clients",
            authorities: folder.path().join("gates.pem"),
            revoked: None,
        };
        let files = pair(folder.path(), "server");
        let (tls, clients) = keeper
            .server_asking(&files, Protocol::Http1, asked)
            .unwrap();
        let port = judge(tls, clients, now).await;
        Self {
            folder,
            servers,
            gates,
            keeper,
            port,
        }
    }

    fn client(&self, own: Option<PairFiles>) -> ClientTls {
        let files = ClientFiles {
            authorities: AuthorityFiles {
                name: "gate.controlTls.authorities",
                files: vec![self.folder.path().join("servers.pem")],
                beside_system: false,
            },
            own,
        };
        files.open().unwrap()
    }
}

/// Asks on a new connection; nothing if there is none.
async fn ask(client: &ClientTls, port: u16) -> std::io::Result<bool> {
    let connector = TlsConnector::from(Arc::new(client.config.clone()));
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await?;
    stream.write_u8(1).await?;
    Ok(stream.read_u8().await? == 1)
}

#[tokio::test]
async fn f62_a_gate_whose_certificate_expired_while_it_was_cut_off_comes_back_once_it_is_renewed() {
    let scene = Scene::new(Arc::new(|| SystemClock.now())).await;
    let folder = scene.folder.path();
    let now = SystemClock.now();
    scene
        .gates
        .issue(folder, "gate", (now.minus(DAY), now.minus(DAY / 2)));
    let gate = scene.client(Some(pair(folder, "gate")));
    assert!(ask(&gate, scene.port).await.is_err(), "it has expired");
    // Nobody needs a certificate for a connection, and without one nobody is proved.
    let anybody = scene.client(None);
    assert!(!ask(&anybody, scene.port).await.unwrap());
    scene
        .gates
        .issue(folder, "gate", (now.minus(DAY), now.plus(DAY)));
    gate.kept.iter().for_each(|kept| kept.look());
    assert!(ask(&gate, scene.port).await.unwrap(), "without a restart");
}

#[tokio::test]
async fn who_vouches_for_clients_is_replaced_in_place_and_a_stranger_never_counts() {
    let mut scene = Scene::new(Arc::new(|| SystemClock.now())).await;
    let folder = scene.folder.path().to_owned();
    let now = SystemClock.now();
    let day = (now.minus(DAY), now.plus(DAY));
    scene.gates.issue(&folder, "gate", day);
    // The authority of servers vouches for no gate.
    scene.servers.issue(&folder, "stranger", day);
    let gate = scene.client(Some(pair(&folder, "gate")));
    let stranger = scene.client(Some(pair(&folder, "stranger")));
    assert!(ask(&gate, scene.port).await.unwrap());
    assert!(ask(&stranger, scene.port).await.is_err());
    replace(&folder, "gates.pem", "nothing");
    scene.keeper.look(now);
    assert!(
        ask(&gate, scene.port).await.unwrap(),
        "the last good ones count"
    );
    replace(
        &folder,
        "gates.pem",
        &(scene.gates.pem() + &scene.servers.pem()),
    );
    scene.keeper.look(now);
    assert!(ask(&gate, scene.port).await.unwrap());
    assert!(ask(&stranger, scene.port).await.unwrap());
    scene.gates = Authority::new("gates", now);
    replace(&folder, "gates.pem", &scene.gates.pem());
    scene.keeper.look(now);
    assert!(
        ask(&gate, scene.port).await.is_err(),
        "the same name, another key"
    );
}

#[tokio::test]
async fn a_certificate_that_ends_while_its_connection_is_open_counts_no_more() {
    let end = SystemClock.now().plus(DAY);
    let late = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = Arc::clone(&late);
    let now = move || {
        let late = told.load(std::sync::atomic::Ordering::SeqCst);
        if late {
            end.plus(DAY)
        } else {
            end.minus(DAY / 2)
        }
    };
    let scene = Scene::new(Arc::new(now)).await;
    let folder = scene.folder.path();
    scene.gates.issue(folder, "gate", (end.minus(DAY * 2), end));
    let gate = scene.client(Some(pair(folder, "gate")));
    let connector = TlsConnector::from(Arc::new(gate.config.clone()));
    let stream = TcpStream::connect(("127.0.0.1", scene.port)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_u8(1).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), 1);
    late.store(true, std::sync::atomic::Ordering::SeqCst);
    stream.write_u8(1).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), 0);
}

#[tokio::test]
async fn f62_an_authority_that_has_expired_vouches_for_nobody_until_it_is_renewed() {
    let scene = Scene::new(Arc::new(|| SystemClock.now())).await;
    let folder = scene.folder.path().to_owned();
    let now = SystemClock.now();
    let days = (now.minus(DAY), now.plus(DAY));
    // It ended yesterday; what it issued has not.
    let old = Authority::new("old", now.minus(DAY * 901));
    old.issue(&folder, "late", days);
    scene.gates.issue(&folder, "gate", days);
    replace(&folder, "gates.pem", &(old.pem() + &scene.gates.pem()));
    scene.keeper.look(now);
    let late = scene.client(Some(pair(&folder, "late")));
    let gate = scene.client(Some(pair(&folder, "gate")));
    assert!(ask(&late, scene.port).await.is_err(), "it has expired");
    assert!(
        ask(&gate, scene.port).await.unwrap(),
        "the one beside it counts"
    );
    let renewed = old.renewed(now);
    replace(&folder, "gates.pem", &(renewed.pem() + &scene.gates.pem()));
    scene.keeper.look(now);
    assert!(ask(&late, scene.port).await.unwrap(), "without a restart");
    // Alone, it lets a listener begin, and nobody in.
    replace(&folder, "gates.pem", &old.pem());
    scene.keeper.look(now);
    assert!(ask(&late, scene.port).await.is_err());
    assert!(!ask(&scene.client(None), scene.port).await.unwrap());
}

#[tokio::test]
async fn f62_an_authority_that_ends_while_a_connection_is_open_vouches_for_it_no_more() {
    // The authority lasts for 900 days, what it issued for more.
    let begin = SystemClock.now();
    let days = Arc::new(std::sync::atomic::AtomicU32::new(899));
    let told = Arc::clone(&days);
    let now = move || begin.plus(DAY * told.load(std::sync::atomic::Ordering::SeqCst));
    let scene = Scene::new(Arc::new(now)).await;
    let folder = scene.folder.path();
    scene
        .gates
        .issue(folder, "gate", (begin.minus(DAY), begin.plus(DAY * 1000)));
    let gate = scene.client(Some(pair(folder, "gate")));
    let connector = TlsConnector::from(Arc::new(gate.config.clone()));
    let stream = TcpStream::connect(("127.0.0.1", scene.port)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    for (day, proved) in [(899, 1), (901, 0)] {
        days.store(day, std::sync::atomic::Ordering::SeqCst);
        stream.write_u8(1).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), proved, "{day}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_no_authority_s_vouches_for_nobody() {
    let scene = Scene::new(Arc::new(|| SystemClock.now())).await;
    let folder = scene.folder.path().to_owned();
    let now = SystemClock.now();
    let day = (now.minus(DAY), now.plus(DAY));
    scene.gates.issue(&folder, "gate", day);
    let gate = scene.client(Some(pair(&folder, "gate")));
    let own = std::fs::read_to_string(folder.join("gate.pem")).unwrap();
    replace(&folder, "gates.pem", &own);
    scene.keeper.look(now);
    assert!(ask(&gate, scene.port).await.unwrap(), "those before count");
    let asked = ClientsFiles {
        name: "control.tls.clients",
        authorities: folder.join("gates.pem"),
        revoked: None,
    };
    let files = pair(&folder, "server");
    let refused = Keeper::default().server_asking(&files, Protocol::Http1, asked);
    let refused = refused.err().unwrap();
    assert!(
        std::error::Error::source(&refused)
            .unwrap()
            .to_string()
            .contains("no authority's"),
        "{refused}"
    );
}

#[tokio::test]
async fn no_list_of_revoked_certificates_is_replaced_by_an_older_one_or_by_none_of_its_authority() {
    let mut scene = Scene::new(Arc::new(|| SystemClock.now())).await;
    let folder = scene.folder.path().to_owned();
    let now = SystemClock.now();
    scene
        .gates
        .issue(&folder, "gate", (now.minus(DAY), now.plus(DAY)));
    let gate = scene.client(Some(pair(&folder, "gate")));
    let serial = {
        let pem = std::fs::read(folder.join("gate.pem")).unwrap();
        aeolus_pki::read(&pem, None)
            .unwrap()
            .certificates
            .remove(0)
            .serial
    };
    let nobody = scene.gates.revoked(&[], now.minus(DAY * 2));
    let it = scene.gates.revoked(&[&serial], now.minus(DAY));
    replace(&folder, "revoked.pem", &nobody);
    let asked = ClientsFiles {
        name: "control.tls.clients",
        authorities: folder.join("gates.pem"),
        revoked: Some(folder.join("revoked.pem")),
    };
    let files = pair(&folder, "server");
    let (tls, clients) = scene
        .keeper
        .server_asking(&files, Protocol::Http1, asked)
        .unwrap();
    let port = judge(tls, clients, Arc::new(|| SystemClock.now())).await;
    assert!(ask(&gate, port).await.unwrap());
    replace(&folder, "revoked.pem", &it);
    scene.keeper.look(now);
    assert!(ask(&gate, port).await.is_err(), "it is revoked");
    let others = scene.servers.revoked(&[], now);
    for (lists, why) in [
        (nobody, "an older list"),
        (others.clone(), "another authority's"),
    ] {
        replace(&folder, "revoked.pem", &lists);
        scene.keeper.look(now);
        assert!(ask(&gate, port).await.is_err(), "{why}");
    }
    // Its own next list counts, beside any.
    replace(
        &folder,
        "revoked.pem",
        &(scene.gates.revoked(&[], now) + &others),
    );
    scene.keeper.look(now);
    assert!(ask(&gate, port).await.unwrap());
}
