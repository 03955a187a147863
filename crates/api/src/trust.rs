//! Whom we believe when we connect somewhere. Every root store of an outgoing connection is made here.

use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Certificates of authorities, as files name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    pem: Vec<u8>,
}

/// Certificates that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds no certificates in PEM, or one that can't be read")]
pub struct AuthoritiesError;

impl Authorities {
    /// Those of a PEM file: at least one, and every one an authority's.
    pub fn from_pem(pem: &[u8]) -> Result<Self, AuthoritiesError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = found.map_err(|_| AuthoritiesError)?;
        let mut store = RootCertStore::empty();
        let usable = certificates
            .iter()
            .all(|each| store.add(each.clone()).is_ok());
        if certificates.is_empty() || !usable {
            return Err(AuthoritiesError);
        }
        let mut pem = pem.to_vec();
        pem.push(b'\n');
        Ok(Self { certificates, pem })
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.certificates.extend(others.certificates);
        self.pem.extend(others.pem);
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Each of them.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// All of them, as drivers that make their own root stores take them.
    pub fn pem(&self) -> &[u8] {
        &self.pem
    }

    fn store(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.certificates.iter().cloned());
        store
    }
}

/// Who may vouch for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Believing {
    /// The system's authorities, and these.
    Beside(Authorities),
    /// These alone.
    Alone(Authorities),
}

impl Believing {
    fn verifier(&self) -> io::Result<Arc<WebPkiServerVerifier>> {
        let store = match self {
            Self::Beside(more) => {
                let mut store = more.store();
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                store
            }
            Self::Alone(only) => only.store(),
        };
        if store.is_empty() {
            let text = "this system has no certificates of authorities";
            return Err(io::Error::other(text));
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
            .build()
            .map_err(io::Error::other)
    }
}

/// Who is believed at the moment: connections share it, and the next handshake goes by what was put in its
/// place. TLS sessions are never resumed, so that nobody is believed for what was believed before.
#[derive(Debug)]
pub struct Trust(ArcSwap<WebPkiServerVerifier>);

impl Trust {
    /// Believes these.
    pub fn new(believing: &Believing) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self(ArcSwap::new(believing.verifier()?))))
    }

    /// Believes the system's authorities.
    pub fn of_system() -> io::Result<Arc<Self>> {
        Self::new(&Believing::Beside(Authorities::default()))
    }

    /// Believes others from now on; on an error, those as before.
    pub fn believe(&self, others: &Believing) -> io::Result<()> {
        self.0.store(others.verifier()?);
        Ok(())
    }

    /// For clients without a certificate.
    pub fn client(self: &Arc<Self>) -> io::Result<ClientConfig> {
        self.with(None)
    }

    /// For clients that show one where they are asked.
    pub fn client_with(
        self: &Arc<Self>,
        own: Arc<dyn ResolvesClientCert>,
    ) -> io::Result<ClientConfig> {
        self.with(Some(own))
    }

    fn with(
        self: &Arc<Self>,
        own: Option<Arc<dyn ResolvesClientCert>>,
    ) -> io::Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(self) as _);
        let mut config = match own {
            Some(own) => builder.with_client_cert_resolver(own),
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Each question goes to the verifier of the moment, which is rustls' own.
impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.0.load();
        verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = self.0.load();
        verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = self.0.load();
        verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.load().supported_verify_schemes()
    }
}
