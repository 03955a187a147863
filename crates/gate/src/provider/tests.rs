use aeolus_api::egress::Proxies;
use aeolus_api::trust::{Authorities, Believing, Trust};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::ports::CodeExchange;

#[tokio::test]
async fn attack_a_provider_that_hangs_keeps_nobody_from_another() {
    let client = ProviderClient::by(&Way::default()).unwrap();
    let slow = client.places_at("https://slow.test/token");
    let all = u32::try_from(AT_ONCE).unwrap();
    let _hanging = slow.try_acquire_many(all).unwrap();
    let again = client.places_at("https://slow.test/token");
    assert_eq!(again.available_permits(), 0);
    let other = client.places_at("https://other.test/token");
    assert_eq!(other.available_permits(), AT_ONCE);
    for n in 0..2 * PROVIDERS {
        client.places_at(&format!("https://{n}.test/token"));
    }
    assert!(lock(&client.places).len() <= PROVIDERS);
    let again = client.places_at("https://slow.test/token");
    assert_eq!(again.available_permits(), 0, "the one in use is kept");
}

/// A proxy that reaches a provider nobody else does, whose certificate is of a company's own authority; and what
/// each was asked.
async fn behind_proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let chain = include_bytes!("../../../api/src/egress/tests/idp.pem");
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let key = include_bytes!("../../../api/src/egress/tests/idp.key");
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = head(&mut stream).await;
            lock(&seen).push(head);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            answer(&acceptor, stream, &seen).await;
        }
    });
    (at, asked)
}

/// Answers one code, if TLS comes about.
async fn answer(acceptor: &TlsAcceptor, stream: TcpStream, seen: &Mutex<Vec<String>>) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let head = head(&mut stream).await;
    lock(seen).push(head);
    let body = r#"{"id_token": "a.b.c"}"#;
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let _ = stream.shutdown().await;
}

/// The first line of a request, whose head has come.
async fn head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        let byte = stream.read_u8().await.unwrap();
        read.push(byte);
    }
    let text = String::from_utf8(read).unwrap();
    text.lines().next().unwrap().to_owned()
}

fn code() -> ProviderCode {
    ProviderCode {
        endpoint: "https://idp.test/token".to_owned(),
        configured: "https://idp.test".to_owned(),
        client_id: "aeolus-eu-1".to_owned(),
        credential: ClientCredential::None,
        code: CodeExchange {
            code: Secret::new("c0de".to_owned()),
            redirect_uri: "https://auth.test/.aeolus/callback".to_owned(),
            verifier: Secret::new("v".to_owned()),
        },
    }
}

#[tokio::test]
async fn a21_a_gate_asks_through_the_proxy_and_believes_the_authorities_that_are_configured() {
    let (proxy, asked) = behind_proxy().await;
    let proxies = Proxies::from_variables(|name| {
        (name == "GLOBAL_AGENT_HTTPS_PROXY").then(|| format!("http://{proxy}"))
    });
    let way = Way::through(proxies.unwrap());
    // The authority is nobody's that the system knows.
    let client = ProviderClient::by(&way).unwrap();
    assert!(matches!(
        client.redeem(code()).await,
        Err(TokenError::Unavailable)
    ));
    let tunnel = "CONNECT idp.test:443 HTTP/1.1";
    assert_eq!(*lock(&asked), [tunnel]);
    let ca = include_bytes!("../../../api/src/egress/tests/ca.pem");
    let ca = Believing::Beside(Authorities::from_pem(ca).unwrap());
    let client = ProviderClient::by(&way.trusting(Trust::new(&ca).unwrap())).unwrap();
    let token = client.redeem(code()).await.unwrap();
    assert_eq!(token.expose(), "a.b.c");
    assert_eq!(*lock(&asked), [tunnel, tunnel, "POST /token HTTP/1.1"]);
}
