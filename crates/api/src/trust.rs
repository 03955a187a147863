//! Whom we believe when we connect somewhere. Every root store of an outgoing connection is made here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// Certificates of those who are believed, as files name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities {
    /// Who may vouch for others.
    vouching: Vec<CertificateDer<'static>>,
    /// Signed by themselves, and no authority's: each is believed to be itself, and vouches for nobody.
    themselves: Vec<CertificateDer<'static>>,
    pem: Vec<u8>,
}

/// Certificates that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    /// No PEM, or no certificate.
    #[error("holds no certificates in PEM, or one that can't be read")]
    Unreadable,
    /// Whoever has its key could vouch for anybody: a verifier doesn't look at what an anchor may do (RFC 5280 §6.1).
    #[error(
        "holds a certificate that is no authority's (CA:TRUE): name the authority that issued it"
    )]
    NoAuthority,
}

impl Authorities {
    /// Those of a PEM file: at least one, and every one an authority's or signed by itself.
    pub fn from_pem(pem: &[u8]) -> Result<Self, AuthoritiesError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| AuthoritiesError::Unreadable)?;
        let mut all = Self::default();
        let mut store = RootCertStore::empty();
        for each in found {
            let usable = store.add(each.clone());
            usable.map_err(|_| AuthoritiesError::Unreadable)?;
            match Standing::of(&each).ok_or(AuthoritiesError::Unreadable)? {
                Standing::Authority => all.vouching.push(each),
                Standing::Itself => all.themselves.push(each),
                Standing::Vouched => return Err(AuthoritiesError::NoAuthority),
            }
        }
        if all.is_empty() {
            return Err(AuthoritiesError::Unreadable);
        }
        all.pem = pem.to_vec();
        all.pem.push(b'\n');
        Ok(all)
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.vouching.extend(others.vouching);
        self.themselves.extend(others.themselves);
        self.pem.extend(others.pem);
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.vouching.is_empty() && self.themselves.is_empty()
    }

    /// Each of them.
    pub fn certificates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.vouching.iter().chain(&self.themselves)
    }

    /// Whether every one may vouch for others.
    pub fn all_vouch(&self) -> bool {
        self.themselves.is_empty()
    }

    /// All of them, as drivers that make their own root stores take them.
    pub fn pem(&self) -> &[u8] {
        &self.pem
    }

    /// Each of those who may vouch for others, alone, and its end: webpki doesn't look at an anchor's dates.
    pub fn ending(&self) -> impl Iterator<Item = (RootCertStore, UnixTime)> {
        self.vouching.iter().filter_map(|one| {
            let mut alone = RootCertStore::empty();
            alone.add(one.clone()).ok()?;
            Some((alone, end(one)?))
        })
    }

    /// Those who may vouch for others.
    pub fn store(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.vouching.iter().cloned());
        store
    }
}

/// The last second at which a certificate is good (RFC 5280 §4.1.2.5).
fn end(der: &[u8]) -> Option<UnixTime> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Some(UnixTime::since_unix_epoch(seconds))
}

/// What a certificate is among those that are believed.
enum Standing {
    Authority,
    Itself,
    Vouched,
}

impl Standing {
    fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let usage = certificate.key_usage().ok()?;
        let signs = usage.is_none_or(|usage| usage.value.key_cert_sign());
        Some(if certificate.is_ca() && signs {
            Self::Authority
        } else if certificate.issuer().as_raw() == certificate.subject().as_raw() {
            Self::Itself
        } else {
            Self::Vouched
        })
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
    fn verifiers(&self) -> io::Result<Verifiers> {
        let (store, named) = match self {
            Self::Beside(more) => {
                let mut store = more.store();
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                (store, more)
            }
            Self::Alone(only) => (only.store(), only),
        };
        if store.is_empty() && named.themselves.is_empty() {
            let text = "this system has no certificates of authorities";
            return Err(io::Error::other(text));
        }
        let mut themselves = Vec::new();
        for each in &named.themselves {
            let mut alone = RootCertStore::empty();
            alone.add(each.clone()).map_err(io::Error::other)?;
            themselves.push((each.clone(), verifier(alone)?));
        }
        let vouching = (!store.is_empty()).then(|| verifier(store)).transpose()?;
        Ok(Verifiers {
            vouching,
            themselves,
        })
    }
}

fn verifier(store: RootCertStore) -> io::Result<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .map_err(io::Error::other)
}

/// By whom it is judged whether a server is who it says.
#[derive(Debug)]
struct Verifiers {
    vouching: Option<Arc<WebPkiServerVerifier>>,
    themselves: Vec<(CertificateDer<'static>, Arc<WebPkiServerVerifier>)>,
}

impl Verifiers {
    /// A certificate that is named itself is judged by itself, and no other by it.
    fn of(&self, shown: &CertificateDer<'_>) -> Result<&WebPkiServerVerifier, Error> {
        let named = self.themselves.iter().find(|(own, _)| own == shown);
        let judge = named.map(|(_, own)| own).or(self.vouching.as_ref());
        let judge = judge.ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        Ok(judge)
    }
}

/// Who is believed at the moment: connections share it, and the next handshake goes by what was put in its
/// place. TLS sessions are never resumed, so that nobody is believed for what was believed before.
#[derive(Debug)]
pub struct Trust(ArcSwap<Verifiers>);

impl Trust {
    /// Believes these.
    pub fn new(believing: &Believing) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self(ArcSwap::from_pointee(
            believing.verifiers()?,
        ))))
    }

    /// Believes the system's authorities.
    pub fn of_system() -> io::Result<Arc<Self>> {
        Self::new(&Believing::Beside(Authorities::default()))
    }

    /// Believes others from now on; on an error, those as before.
    pub fn believe(&self, others: &Believing) -> io::Result<()> {
        self.0.store(Arc::new(others.verifiers()?));
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
        let verifiers = self.0.load();
        let verifier = verifiers.of(end_entity)?;
        verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifiers = self.0.load();
        let verifier = verifiers.of(certificate)?;
        verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifiers = self.0.load();
        let verifier = verifiers.of(certificate)?;
        verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
