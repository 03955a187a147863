//! What a server sends, in a session of its own: one that is resumed shows what was sent before.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aeolus_pki::Certificate;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature,
    verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::report::{Failure, Report};

/// The longest time for a connection and its handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server sent.
pub(in crate::commands) struct Sent {
    /// The name in the place.
    pub(in crate::commands) name: String,
    /// What it sent for that name, or for another one that is asked for.
    pub(in crate::commands) chain: Vec<Certificate>,
    /// Whether it has the key.
    pub(in crate::commands) proof: Proof,
}

/// Whether the server signed the handshake with the certificate's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::commands) enum Proof {
    /// Nobody could look: the certificate can't be read as one of version 3 by rustls.
    #[default]
    Unseen,
    /// It did.
    Given,
    /// It signed with another key.
    Wrong,
}

/// Asks a server.
pub(in crate::commands) async fn ask(place: &str, host: Option<&str>) -> Result<Sent, Failure> {
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
    let provider = Arc::new(aws_lc_rs::default_provider());
    let look = Arc::new(Look::by(&provider));
    let connector = connector(provider, Arc::clone(&look)).map_err(|error| unreached(&error))?;
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
    Ok(Sent {
        name: name.to_owned(),
        chain,
        proof: look.proof.get().copied().unwrap_or_default(),
    })
}

/// The authorities that this machine trusts.
pub(super) fn system() -> Vec<Certificate> {
    let found = rustls_native_certs::load_native_certs().certs;
    found
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect()
}

fn connector(provider: Arc<CryptoProvider>, look: Arc<Look>) -> Result<TlsConnector, Error> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(look)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Believes everything, so that whatever is sent can be looked at, and notes whether the handshake's signature
/// is right. Nothing is sent on the connection.
#[derive(Debug)]
struct Look {
    algorithms: WebPkiSupportedAlgorithms,
    proof: OnceLock<Proof>,
}

impl Look {
    fn by(provider: &CryptoProvider) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
            proof: OnceLock::new(),
        }
    }

    fn note(
        &self,
        certificate: &CertificateDer<'_>,
        verified: &Result<HandshakeSignatureValid, Error>,
    ) -> HandshakeSignatureValid {
        let proof = match verified {
            Ok(_) => Proof::Given,
            Err(_) if ParsedCertificate::try_from(certificate).is_err() => Proof::Unseen,
            Err(_) => Proof::Wrong,
        };
        self.proof.get_or_init(|| proof);
        HandshakeSignatureValid::assertion()
    }
}

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
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = verify_tls12_signature(message, certificate, signed, &self.algorithms);
        Ok(self.note(certificate, &verified))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = verify_tls13_signature(message, certificate, signed, &self.algorithms);
        Ok(self.note(certificate, &verified))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
