//! Certificates end, and are renewed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aeolus_model::{Clock, SystemClock, Time};
use aeolus_testkit::ManualClock;
use aeolus_tls::{Alarm, AuthorityFiles, ClientFiles, Keeper, PairFiles, Protocol, ServerTls};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::authority::{Authority, replace};

const MINUTE: Duration = Duration::from_secs(60);

/// What clients take for the time.
#[derive(Debug)]
struct At(Arc<ManualClock>);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().secs()).unwrap();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn files(folder: &Path) -> PairFiles {
    PairFiles {
        name: "gate.tls",
        certificate: folder.join("gate.pem"),
        key: folder.join("gate.key"),
    }
}

/// A client that believes an authority, at a time of its own.
fn client(authority: &Authority, clock: &Arc<ManualClock>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let time = Arc::new(At(Arc::clone(clock)));
    let mut config = ClientConfig::builder_with_details(provider, time)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

/// Says back whatever it is told, behind TLS.
async fn echo(tls: ServerTls) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let tls = tls.clone();
            tokio::spawn(async move {
                let Ok(stream) = tls.accept(stream).await else {
                    return;
                };
                let (mut from, mut to) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    port
}

async fn connect(client: &TlsConnector, port: u16) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    client.connect(name, stream).await
}

async fn ping(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> std::io::Result<()> {
    stream.write_all(b"ping").await?;
    let mut said = [0; 4];
    stream.read_exact(&mut said).await?;
    assert_eq!(&said, b"ping");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f62_a_certificate_of_a_minute_is_renewed_under_load_without_a_reset() {
    let folder = tempfile::tempdir().unwrap();
    let begin = Time::from_secs(1_800_000_000);
    let clock = Arc::new(ManualClock::new(begin));
    let authority = Authority::new("f62", begin);
    authority.issue(folder.path(), "gate", (begin, begin.plus(MINUTE)));
    let mut keeper = Keeper::default();
    let tls = keeper
        .server(&files(folder.path()), Protocol::Http1)
        .unwrap();
    let port = echo(tls).await;
    let client = client(&authority, &clock);
    let (over, made) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (client, over, made) = (client.clone(), Arc::clone(&over), Arc::clone(&made));
            tokio::spawn(async move {
                let mut old = connect(&client, port).await.expect("the first one");
                while !over.load(Ordering::Relaxed) {
                    ping(&mut old).await.expect("an open connection goes on");
                    let mut new = connect(&client, port).await.expect("a new one");
                    ping(&mut new).await.expect("a new one");
                    made.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let first = keeper.members()[0].clone();
    // Three minutes, of which each certificate covers one: it is renewed half-way, as `aeolus pki renew` does.
    for second in 1..=180_u32 {
        clock.advance(Duration::from_secs(1));
        if second % 30 == 0 {
            let now = clock.now();
            authority.issue(folder.path(), "gate", (now, now.plus(MINUTE)));
        }
        // Between the two files they don't fit, which changes nothing; what is renewed in time is no alarm.
        assert_eq!(keeper.look(clock.now()), []);
        let before = made.load(Ordering::Relaxed);
        while made.load(Ordering::Relaxed) == before
            && !load.iter().any(tokio::task::JoinHandle::is_finished)
        {
            tokio::task::yield_now().await;
        }
    }
    over.store(true, Ordering::Relaxed);
    for task in load {
        task.await.expect("no connection was reset");
    }
    assert!(made.load(Ordering::Relaxed) >= 180);
    assert_ne!(keeper.members()[0].fingerprint, first.fingerprint);
}

#[test]
fn f62_who_does_not_renew_is_told_before_the_end_once_at_each_stage() {
    let folder = tempfile::tempdir().unwrap();
    let begin = Time::from_secs(1_800_000_000);
    let clock = ManualClock::new(begin);
    let authority = Authority::new("f62-alarm", begin);
    authority.issue(folder.path(), "gate", (begin, begin.plus(MINUTE)));
    let mut keeper = Keeper::default();
    keeper
        .server(&files(folder.path()), Protocol::Http1)
        .unwrap();
    let mut said = Vec::new();
    for second in 1..=90 {
        clock.advance(Duration::from_secs(1));
        let new = keeper.look(clock.now());
        said.extend(
            new.into_iter()
                .map(|(member, alarm)| (second, member.name, alarm)),
        );
    }
    let expected = [
        (50, "gate.tls", Alarm::Late),
        (55, "gate.tls", Alarm::Urgent),
        (58, "gate.tls", Alarm::Last),
        (61, "gate.tls", Alarm::Ended),
    ];
    assert_eq!(said, expected);
    let now = clock.now();
    authority.issue(folder.path(), "gate", (now, now.plus(MINUTE)));
    assert_eq!(keeper.look(now), []);
}

#[test]
fn files_that_can_not_be_used_leave_the_ones_before_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let begin = SystemClock.now();
    let authority = Authority::new("half", begin);
    let day = (begin, begin.plus(Duration::from_secs(86_400)));
    let mut keeper = Keeper::default();
    let missing = keeper.server(&files(folder.path()), Protocol::Http1).err();
    let missing = missing.expect("there is none").to_string();
    assert!(missing.starts_with("gate.tls: "), "{missing}");
    authority.issue(folder.path(), "gate", day);
    keeper
        .server(&files(folder.path()), Protocol::Http1)
        .unwrap();
    keeper
        .server(&files(folder.path()), Protocol::Http2)
        .unwrap();
    let before = keeper.members();
    assert_eq!(before.len(), 1, "two listeners share what is read");
    assert_eq!(keeper.failures(), [("gate.tls", 0)]);
    let key = std::fs::read_to_string(folder.path().join("gate.key")).unwrap();
    authority.issue(folder.path(), "gate", day);
    replace(folder.path(), "gate.key", &key);
    keeper.look(begin);
    keeper.look(begin);
    assert_eq!(keeper.members(), before);
    assert_eq!(keeper.failures(), [("gate.tls", 2)]);
    let mut figures = String::new();
    let registry = aeolus_tls::certificates(&Arc::new(keeper));
    prometheus_client::encoding::text::encode(&mut figures, &registry).unwrap();
    let until = day.1.secs();
    for line in [
        "aeolus_certificate_reload_failures_total{name=\"gate.tls\"} 2\n",
        "aeolus_certificate_not_after_timestamp_seconds{name=\"gate.tls\",role=\"leaf\",subject=",
        &format!("\"}} {until}\n"),
    ] {
        assert!(figures.contains(line), "{line}: {figures}");
    }
}

#[tokio::test]
async fn authorities_that_a_client_believes_are_replaced_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemClock.now();
    let day = (now, now.plus(Duration::from_secs(86_400)));
    let (ours, theirs) = (Authority::new("ours", now), Authority::new("theirs", now));
    ours.issue(folder.path(), "gate", day);
    let mut keeper = Keeper::default();
    let tls = keeper
        .server(&files(folder.path()), Protocol::Http1)
        .unwrap();
    let port = echo(tls).await;
    replace(folder.path(), "ca.pem", &theirs.pem());
    let believed = ClientFiles {
        authorities: AuthorityFiles {
            name: "gate.controlTls.authorities",
            files: vec![folder.path().join("ca.pem")],
            beside_system: false,
        },
        own: None,
    };
    let client = believed.open().unwrap();
    let connector = TlsConnector::from(Arc::new(client.config));
    assert!(connect(&connector, port).await.is_err());
    // A file that can't be read changes nothing.
    replace(folder.path(), "ca.pem", "nothing");
    client.kept.iter().for_each(|kept| kept.look());
    assert_eq!(client.kept[0].failures(), 1);
    assert!(connect(&connector, port).await.is_err());
    replace(folder.path(), "ca.pem", &(theirs.pem() + &ours.pem()));
    client.kept.iter().for_each(|kept| kept.look());
    ping(&mut connect(&connector, port).await.unwrap())
        .await
        .unwrap();
    replace(folder.path(), "ca.pem", &theirs.pem());
    client.kept.iter().for_each(|kept| kept.look());
    assert!(connect(&connector, port).await.is_err());
}

#[tokio::test]
async fn what_is_spoken_inside_is_agreed_and_old_versions_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemClock.now();
    let clock = Arc::new(ManualClock::new(now));
    let authority = Authority::new("alpn", now);
    authority.issue(folder.path(), "gate", (now, now.plus(MINUTE)));
    let mut keeper = Keeper::default();
    for (speaks, name) in [(Protocol::Http1, "http/1.1"), (Protocol::Http2, "h2")] {
        let tls = keeper.server(&files(folder.path()), speaks).unwrap();
        let port = echo(tls).await;
        let mut config = client(&authority, &clock).config().as_ref().clone();
        config.alpn_protocols = vec![name.into()];
        let connector = TlsConnector::from(Arc::new(config.clone()));
        let stream = connect(&connector, port).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(name.as_bytes()));
        config.alpn_protocols = vec!["other".into()];
        let connector = TlsConnector::from(Arc::new(config));
        assert!(connect(&connector, port).await.is_err());
    }
}

/// Keeps what is said of keys, as `CODE` of each line.
#[derive(Clone, Default)]
struct Said(Arc<std::sync::Mutex<String>>);

impl tracing::field::Visit for Said {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let line = format!("{field}={value:?};");
        self.0.lock().unwrap().push_str(&line);
    }
}

impl tracing::Subscriber for Said {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn f62_a_key_that_everybody_may_read_is_served_and_said() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let begin = SystemClock.now();
    let authority = Authority::new("open", begin);
    authority.issue(folder.path(), "gate", (begin, begin.plus(MINUTE * 60)));
    let key = folder.path().join("gate.key");
    let set = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o640);
    let said = Said::default();
    let count = || said.0.lock().unwrap().matches("PKI-150").count();
    tracing::subscriber::with_default(said.clone(), || {
        let mut keeper = Keeper::default();
        keeper
            .server(&files(folder.path()), Protocol::Http1)
            .unwrap();
        keeper.look(begin);
        assert_eq!(count(), 0);
        // Once for each time that the file is another one.
        set(0o644);
        keeper.look(begin);
        keeper.look(begin);
        assert_eq!(count(), 1);
        let line = said.0.lock().unwrap().clone();
        assert!(
            line.contains("gate.key") && line.contains("chmod 0600"),
            "{line}"
        );
    });
}
