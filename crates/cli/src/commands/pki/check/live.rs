//! What a server sends, in a session of its own: one that is resumed shows what was sent before.

use std::sync::Arc;
use std::time::Duration;

use aeolus_pki::Certificate;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::report::{Failure, Report};

/// The longest time for a connection and its handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of the place, and the chain that it sends for it, or for another name that is asked for.
pub(super) async fn chain(
    place: &str,
    host: Option<&str>,
) -> Result<(String, Vec<Certificate>), Failure> {
    let unreached = |why: &dyn std::fmt::Display| {
        Report::new("PKI-020", format!("{place}: {why}"))
            .why("Nothing is known about its certificate.")
            .help("check the name and the port; a place is a file, a folder or host:port")
            .failed()
    };
    let (name, port) = place
        .rsplit_once(':')
        .and_then(|(name, port)| Some((name.trim_matches(['[', ']']), port.parse::<u16>().ok()?)))
        .ok_or_else(|| unreached(&"it is no file, and not host:port"))?;
    let asked = host
        .filter(|host| !host.contains('*'))
        .unwrap_or(name)
        .to_owned();
    let server = ServerName::try_from(asked).map_err(|error| unreached(&error))?;
    let connector = connector().map_err(|error| unreached(&error))?;
    let handshake = async {
        // RFC 6761: these are this machine, whatever its resolver says.
        let local = name == "localhost" || name.ends_with(".localhost");
        let address = if local { "127.0.0.1" } else { name };
        let socket = TcpStream::connect((address, port)).await?;
        connector.connect(server, socket).await
    };
    let stream = tokio::time::timeout(PATIENCE, handshake)
        .await
        .map_err(|_| unreached(&"no TLS handshake within 10 s"))?
        .map_err(|error| unreached(&error))?;
    let sent = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let read = sent.iter().map(|der| Certificate::from_der(der));
    let chain = read
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreached(&error))?;
    Ok((name.to_owned(), chain))
}

/// The authorities that this machine trusts.
pub(super) fn system() -> Vec<Certificate> {
    let found = rustls_native_certs::load_native_certs().certs;
    found
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect()
}

fn connector() -> Result<TlsConnector, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let look = Look(Arc::clone(&provider));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(look))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Believes everything: the chain is only looked at, and nothing is sent on the connection.
#[derive(Debug)]
struct Look(Arc<CryptoProvider>);

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
