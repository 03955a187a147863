//! A provider that only a proxy can reach. Its certificate is of an authority that only these tests know.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::trust::{Authorities, AuthoritiesError, Believing, Trust};

const CA: &[u8] = include_bytes!("tests/ca.pem");
const BOUNDS: Bounds = Bounds {
    bytes: 1024,
    time: Duration::from_secs(10),
};

/// A provider on this machine, which answers everything with what it was asked.
async fn provider() -> u16 {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("tests/idp.pem"));
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tests/idp.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let (head, body) = request(&mut stream).await;
                let refused = head.starts_with("POST /refused");
                let status = if refused { "400 Bad Request" } else { "200 OK" };
                let said = format!("{head}{body}");
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{said}",
                    said.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

/// A request's head and as much of its body as it announces.
async fn request(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> (String, String) {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return (head.to_owned(), body.to_owned());
            }
        }
        let mut more = [0; 1024];
        match stream.read(&mut more).await {
            Ok(count) if count > 0 => read.extend_from_slice(&more[..count]),
            _ => return (text, String::new()),
        }
    }
}

/// A proxy that resolves every name to this machine's `port`, and what it was asked.
async fn proxy(port: u16) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (head, _) = request(&mut stream).await;
            let known = head.contains("Proxy-Authorization: Basic dXM6cHc=");
            seen.lock().unwrap().push(head);
            if !known {
                let refused = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
                stream.write_all(refused).await.unwrap();
                continue;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut on = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut stream, &mut on).await });
        }
    });
    (at, asked)
}

fn way(variables: &[(&str, &str)]) -> Way {
    let proxies = Proxies::from_variables(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    let ca = Believing::Beside(Authorities::from_pem(CA).unwrap());
    Way::through(proxies.unwrap()).trusting(Trust::new(&ca).unwrap())
}

#[tokio::test]
async fn a21_a_provider_that_only_a_proxy_reaches_is_asked_through_it() {
    let (proxy, asked) = proxy(provider().await).await;
    let url = format!("http://us:pw@{proxy}");
    let egress = Egress::by(&way(&[("GLOBAL_AGENT_HTTPS_PROXY", &url)]), BOUNDS).unwrap();
    let token = Secret::new("t0ken".to_owned());
    let body = egress
        .get_with_bearer("https://idp.test/userinfo", &token, Reach::Public)
        .await
        .unwrap();
    let said = String::from_utf8(body.to_vec()).unwrap();
    assert!(said.starts_with("GET /userinfo HTTP/1.1"), "{said}");
    assert!(said.contains("authorization: Bearer t0ken"), "{said}");
    assert!(!said.to_ascii_lowercase().contains("proxy-authorization"));
    let seen = asked.lock().unwrap().join("\n");
    assert!(seen.starts_with("CONNECT idp.test:443 HTTP/1.1"), "{seen}");
    assert!(!seen.contains("t0ken"), "{seen}");
}

#[tokio::test]
async fn a_forms_answer_comes_whatever_its_status() {
    let (proxy, _) = proxy(provider().await).await;
    let url = format!("http://us:pw@{proxy}");
    let egress = Egress::by(&way(&[("HTTPS_PROXY", &url)]), BOUNDS).unwrap();
    let client = Secret::new("Basic Yzpz".to_owned());
    let form = [("code", "a b&c")];
    let ask = |path: &str| {
        let url = format!("https://idp.test/{path}");
        let (egress, client) = (&egress, &client);
        async move {
            let answer = egress.post_form_for_answer(&url, &form, Some(client), Reach::Public);
            answer.await.unwrap()
        }
    };
    let answer = ask("refused").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let said = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(said.ends_with("code=a+b%26c"), "{said}");
    assert!(said.contains("authorization: Basic Yzpz"), "{said}");
    assert_eq!(ask("token").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a19_no_proxy_is_told_of_where_nothing_may_go() {
    let (proxy, asked) = proxy(provider().await).await;
    let url = format!("http://us:pw@{proxy}");
    let egress = Egress::by(&way(&[("HTTPS_PROXY", &url)]), BOUNDS).unwrap();
    for (inward, reach) in [
        ("https://10.0.0.1/", Reach::Public),
        ("https://[::1]/", Reach::Public),
        ("https://localhost/", Reach::Public),
        ("https://169.254.169.254/latest", Reach::Configured),
    ] {
        assert!(egress.get(inward, reach).await.is_err(), "{inward}");
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_the_proxy_refuses_is_said_without_its_password() {
    let (proxy, _) = proxy(provider().await).await;
    let url = format!("http://us:wrong@{proxy}");
    let egress = Egress::by(&way(&[("HTTPS_PROXY", &url)]), BOUNDS).unwrap();
    let error = egress.get("https://idp.test/", Reach::Public).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("proxy authorization required"), "{error}");
    assert!(!error.contains("wrong"), "{error}");
}

#[tokio::test]
async fn what_is_spared_goes_straight_and_only_our_authority_vouches_for_it() {
    let port = provider().await;
    let nobody = [("HTTPS_PROXY", "http://127.0.0.1:1")];
    let egress = Egress::by(&way(&nobody), BOUNDS).unwrap();
    let url = format!("https://localhost:{port}/");
    egress.get(&url, Reach::Configured).await.unwrap();
    let strangers = Egress::new(BOUNDS).unwrap();
    let refused = strangers.get(&url, Reach::Configured).await;
    assert!(matches!(refused, Err(EgressError::Unreachable(_))));
    for wrong in [
        &b""[..],
        b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    ] {
        assert_eq!(
            Authorities::from_pem(wrong).unwrap_err(),
            AuthoritiesError::Unreadable
        );
    }
}
