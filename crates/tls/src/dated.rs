//! Who vouches for clients, as long as their own certificates last.

use std::sync::Arc;

use aeolus_api::trust::Authorities;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use crate::TlsFilesError;

/// A verifier for each authority, asked until that has expired. rustls' own looks at no anchor's dates; OpenSSL's and
/// `GnuTLS`' do. What a client is told, and signatures, need no time.
#[derive(Debug)]
pub(crate) struct Dated {
    each: Vec<(Arc<dyn ClientCertVerifier>, UnixTime)>,
    all: Arc<dyn ClientCertVerifier>,
}

impl Dated {
    /// Of these authorities, without what they have revoked.
    pub(crate) fn new(
        authorities: &Authorities,
        revoked: &[CertificateRevocationListDer<'static>],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsFilesError> {
        let verifier = |roots: RootCertStore, revoked: &[CertificateRevocationListDer<'static>]| {
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .with_crls(revoked.iter().cloned())
                .allow_unknown_revocation_status()
                .allow_unauthenticated()
                .build()
                .map_err(|error| TlsFilesError::Clients(error.to_string()))
        };
        let each = authorities.ending();
        let each = each.map(|(roots, end)| Ok((verifier(roots, revoked)?, end)));
        Ok(Self {
            each: each.collect::<Result<_, _>>()?,
            all: verifier(authorities.store(), &[])?,
        })
    }
}

const UNKNOWN: Error = Error::InvalidCertificate(CertificateError::UnknownIssuer);

impl ClientCertVerifier for Dated {
    /// By any of those that have not expired. Of several refusals, the one of the authority that knows it.
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let mut refused = UNKNOWN;
        for (verifier, _) in self.each.iter().filter(|(_, end)| now <= *end) {
            match verifier.verify_client_cert(end_entity, intermediates, now) {
                Ok(verified) => return Ok(verified),
                Err(error) if refused == UNKNOWN => refused = error,
                Err(_) => {}
            }
        }
        Err(refused)
    }

    fn offer_client_auth(&self) -> bool {
        self.all.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.all.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.all.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.all
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.all
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.all.supported_verify_schemes()
    }
}
