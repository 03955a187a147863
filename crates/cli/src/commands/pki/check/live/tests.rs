use std::sync::Mutex;

use aeolus_keys::SystemRng;
use aeolus_model::Time;
use aeolus_pki::{Authority, KeyKind, Life, PrivateKey, Profile, San, Wanted, read};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::*;

/// What a server shows, which changes while it runs.
#[derive(Debug)]
struct Shows(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().unwrap()))
    }
}

/// A server; yields its place.
async fn serving(shows: Arc<Shows>) -> String {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(shows);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // Who went away is no matter.
            let _ = acceptor.accept(socket).await;
        }
    });
    format!("localhost:{port}")
}

fn certified(certificate: &Certificate, key: &PrivateKey) -> Arc<CertifiedKey> {
    let der = PrivateKeyDer::from_pem_slice(key.pem().expose().as_bytes()).unwrap();
    let key = aws_lc_rs::sign::any_supported_type(&der).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    Arc::new(CertifiedKey::new(chain, key))
}

fn issued(root: &Authority) -> (Certificate, PrivateKey) {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let wanted = Wanted::new(
        [San::parse("localhost").unwrap()],
        Profile::Server,
        Life::LEAF,
    );
    let at = (Time::from_secs(1_800_000_000), &SystemRng as _);
    let issued = root.issue(&wanted.unwrap(), key.public(), at).unwrap();
    (issued.certificate, key)
}

fn root() -> Authority {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let at = (Time::from_secs(1_800_000_000), &SystemRng as _);
    Authority::root("Root", key, Life::ROOT, at).unwrap()
}

#[tokio::test]
async fn pki_9_what_is_shown_now_is_seen_and_not_what_was_shown_before() {
    let root = root();
    let (old, new) = (issued(&root), issued(&root));
    let shows = Arc::new(Shows(Mutex::new(certified(&old.0, &old.1))));
    let place = serving(Arc::clone(&shows)).await;
    for (certificate, key) in [&old, &new, &old] {
        *shows.0.lock().unwrap() = certified(certificate, key);
        let sent = ask(&place, None).await.unwrap();
        assert_eq!(sent.chain, std::slice::from_ref(certificate));
        assert_eq!((&*sent.name, sent.proof), ("localhost", Proof::Given));
    }
}

#[tokio::test]
async fn who_signs_with_another_key_and_whom_rustls_can_not_read_are_told_apart() {
    let root = root();
    let (certificate, _) = issued(&root);
    let (_, other) = issued(&root);
    // X.509 v1, with its own key.
    let text = |of: &str| read(of.as_bytes(), None).unwrap();
    let old = text(include_str!(
        "../../../../../../pki/tests/it/data/seed-leaf.pem"
    ));
    let key = text(include_str!("../../../../../../pki/tests/it/data/tls.key"));
    for (shown, proof) in [
        (certified(&certificate, &other), Proof::Wrong),
        (certified(&old.certificates[0], &key.keys[0]), Proof::Unseen),
    ] {
        let place = serving(Arc::new(Shows(Mutex::new(shown)))).await;
        let sent = ask(&place, None).await.unwrap();
        assert_eq!((sent.chain.len(), sent.proof), (1, proof));
    }
}
